"""Rows by and by, through a cursor in PostgreSQL.

The cursor is declared and fetched from with plain statements. The driver has cursors of its own,
which leave prepared statements behind on a server that PgBouncer lends to others next.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing, nullcontext, suppress
from dataclasses import replace
from itertools import count

from chatkeep.engine.compile import Statement
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner, begin_words, transaction
from chatkeep.engine.wire import Row
from chatkeep.errors import DatabaseError

# A name is used once: what a connection keeps prepared must not meet another cursor of that name.
_numbers = count(1)


async def batches(
    runner: PoolRunner | TransactionRunner, statement: Statement, arguments: list[object], size: int
) -> AsyncGenerator[list[Row]]:
    """Give the rows of a select, `size` at a time; neither side keeps more of them.

    In a transaction the cursor is one of its statements. Else it has a transaction of its own, which
    only reads, and which ends with the generator however that ends.

    Raises:
        DatabaseError: One of its kinds; see `engine.translate`.
        InvalidInputError: PostgreSQL does not take a value.
    """
    opened = (
        nullcontext(runner)
        if isinstance(runner, TransactionRunner)
        else transaction(runner, begin_words(None, read_only=True))
    )
    async with opened as tx, aclosing(_fetched(tx, statement, arguments, size)) as parts:
        async for rows in parts:
            yield rows


async def _fetched(
    tx: TransactionRunner, statement: Statement, arguments: list[object], size: int
) -> AsyncGenerator[list[Row]]:
    name = f"chatkeep_{next(_numbers)}"
    declare = replace(statement, sql=f"DECLARE {name} NO SCROLL CURSOR FOR {statement.sql}")
    fetch = replace(statement, sql=f"FETCH FORWARD {size} FROM {name}", parameters=(), plain=())
    close = replace(fetch, sql=f"CLOSE {name}", is_kept=False)
    try:
        await tx.fetch(declare, arguments)
        while True:
            rows = await tx.fetch(fetch, [])
            try:
                yield rows
            except BaseException:  # the consumer has enough, or could not read a row
                with suppress(DatabaseError):  # the transaction has ended, and the cursor with it
                    await tx.fetch(close, [])
                raise
            if len(rows) < size:
                break
        await tx.fetch(close, [])
    finally:
        tx.wire.let_go(declare)
        tx.wire.let_go(fetch)
