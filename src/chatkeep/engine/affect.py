"""Statements that give a count instead of rows."""

from chatkeep.engine.compile import Statement
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner
from chatkeep.engine.translate import DRIVER_ERRORS, translate


async def affect(
    runner: PoolRunner | TransactionRunner, statement: Statement, arguments: list[object]
) -> int:
    """Run an insert, update or delete; give the number of rows that it wrote.

    Raises:
        DatabaseError: One of its kinds; see `engine.translate`.
        InvalidInputError: PostgreSQL does not take a value.
    """
    async with runner.lend() as wire:
        with runner.observers.watch(statement) as watch:
            try:
                answer = await wire.execute(statement.sql, *arguments)
            except DRIVER_ERRORS as exc:
                raise translate(exc, statement.name, runner.meanings, statement.parameters) from exc
            watch.rows = rows_in(answer)
    return watch.rows


def rows_in(answer: str) -> int:
    """Read the count at the end of the server's answer: `UPDATE 3`, `INSERT 0 3`, `COPY 3`."""
    return int(answer.rpartition(" ")[2])
