"""Running statements: each on a connection of its own, or on one that is at hand."""

from typing import Protocol

from chatkeep.engine.compile import Statement
from chatkeep.engine.observe import Observers
from chatkeep.engine.pool import Pool, Row, Wire
from chatkeep.engine.translate import DRIVER_ERRORS, Meanings, translate


class Runner(Protocol):
    """Runs statements: the pool does, each on a connection of its own, and a transaction does."""

    async def fetch(self, statement: Statement, arguments: list[object]) -> list[Row]:
        """Run a statement and give all rows."""
        ...


class PoolRunner:
    """Runs each statement on whichever connection is free; every statement stands alone."""

    __slots__ = ("meanings", "observers", "pool")

    def __init__(self, pool: Pool, observers: Observers, meanings: Meanings) -> None:
        self.pool = pool
        self.observers = observers
        self.meanings = meanings

    async def fetch(self, statement: Statement, arguments: list[object]) -> list[Row]:
        """Run a statement and give all rows.

        Raises:
            DatabaseError: One of its kinds; see `engine.translate`.
            InvalidInputError: PostgreSQL does not take a value.
        """
        wire = await self.pool.acquire()
        try:
            rows = await send(wire, statement, arguments, self)
        except BaseException:  # a cancelled task too
            self.pool.release(wire, interrupted=True)
            raise
        self.pool.release(wire)
        return rows


class Context(Protocol):
    """What `send` needs to know beside the statement."""

    @property
    def observers(self) -> Observers:
        """Who watches."""
        ...

    @property
    def meanings(self) -> Meanings:
        """What broken constraints mean."""
        ...


async def send(
    wire: Wire, statement: Statement, arguments: list[object], context: Context
) -> list[Row]:
    """Run a statement on this connection, tell the watchers, translate errors."""
    if context.observers.active:
        return await _send_watched(wire, statement, arguments, context)
    try:
        return await wire.fetch(statement.sql, *arguments)
    except DRIVER_ERRORS as exc:
        raise translate(exc, statement.name, context.meanings, statement.parameters) from exc


async def _send_watched(
    wire: Wire, statement: Statement, arguments: list[object], context: Context
) -> list[Row]:
    with context.observers.watch(statement) as watch:
        try:
            rows = await wire.fetch(statement.sql, *arguments)
        except DRIVER_ERRORS as exc:
            raise translate(exc, statement.name, context.meanings, statement.parameters) from exc
        watch.rows = len(rows)
    return rows
