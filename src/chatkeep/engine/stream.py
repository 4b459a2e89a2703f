"""Rows by and by, through a portal in PostgreSQL."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, nullcontext, suppress
from dataclasses import replace

from chatkeep.engine.compile import Statement
from chatkeep.engine.portal import Portal
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner, begin_words, transaction
from chatkeep.engine.translate import DRIVER_ERRORS, translate
from chatkeep.engine.wire import Row, Wire
from chatkeep.errors import DatabaseError

Part = tuple[Portal, list[Row]]


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
    told = replace(statement, name="stream")

    async def begin(wire: Wire) -> Part:
        return await wire.open_portal(statement.sql, arguments, size, wire.patience)

    portal, rows = await _sent(tx, told, begin)

    async def go_on(wire: Wire) -> Part:
        return portal, await wire.next_rows(portal, size, wire.patience)

    while True:
        try:
            yield rows
        except BaseException:  # the consumer has enough, or could not read a row
            with suppress(DatabaseError):  # the transaction has ended, and the portal with it
                await _close(tx, portal)
            raise
        if portal.is_over:
            break
        _, rows = await _sent(tx, told, go_on)
    await _close(tx, portal)


async def _sent(
    tx: TransactionRunner, statement: Statement, call: Callable[[Wire], Awaitable[Part]]
) -> Part:
    async with tx.lend() as wire:
        with tx.observers.watch(statement) as watch:
            try:
                part = await call(wire)
            except DRIVER_ERRORS as exc:
                raise translate(exc, statement.name, tx.meanings, statement.parameters) from exc
            watch.rows = len(part[1])
    return part


async def _close(tx: TransactionRunner, portal: Portal) -> None:
    """Let PostgreSQL free what the portal holds; a transaction may go on for long."""
    async with tx.lend() as wire:
        try:
            await wire.close_portal(portal, wire.patience)
        except DRIVER_ERRORS as exc:
            raise translate(exc, "stream", tx.meanings) from exc
