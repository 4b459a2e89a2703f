"""Running statements: each on a connection of its own, or on one that is at hand."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

from chatkeep.engine.background import Background
from chatkeep.engine.compile import Statement
from chatkeep.engine.observe import Observers
from chatkeep.engine.pool import Pool
from chatkeep.engine.translate import DRIVER_ERRORS, Meanings, translate, was_answered, was_sent
from chatkeep.engine.wire import Row, Wire
from chatkeep.errors import ConnectionFailedError


class Runner(Protocol):
    """Runs statements: the pool does, each on a connection of its own, and a transaction does."""

    @property
    def background(self) -> Background | None:
        """What goes on beside the statements; None inside a transaction, which it would outlive."""
        ...

    @property
    def memory(self) -> dict[type, object]:
        """What this process remembers of the database's rows, by class; transactions share it."""
        ...

    async def fetch(
        self, statement: Statement, arguments: list[object], *, only_first: bool = False
    ) -> list[Row]:
        """Run a statement and give its rows; with `only_first` at most the first one."""
        ...


class PoolRunner:
    """Runs each statement on whichever connection is free; every statement stands alone."""

    __slots__ = ("background", "meanings", "memory", "observers", "pool")

    def __init__(self, pool: Pool, observers: Observers, meanings: Meanings) -> None:
        self.pool = pool
        self.observers = observers
        self.meanings = meanings
        self.background = Background(self._listener)
        self.memory: dict[type, object] = {}

    async def fetch(
        self, statement: Statement, arguments: list[object], *, only_first: bool = False
    ) -> list[Row]:
        """Run a statement and give its rows.

        A statement that only reads is sent once more, on another connection, when the first one
        broke under it: a server that was restarted is not the caller's concern.

        Raises:
            DatabaseError: One of its kinds; see `engine.translate`.
            InvalidInputError: PostgreSQL does not take a value.
        """
        pool = self.pool
        for is_last in (not statement.is_read, True):
            wire = pool.take() or await pool.acquire()
            try:
                rows = await send(wire, statement, arguments, self, only_first=only_first)
            except ConnectionFailedError:
                pool.release(wire, interrupted=True)
                if is_last:
                    raise
            except BaseException as exc:  # a cancelled task too
                pool.release(wire, interrupted=not _is_settled(exc))
                raise
            else:
                pool.release(wire)
                return rows
        raise AssertionError  # not reached: the last round returns or raises

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[Wire]:
        """Lend a connection for one call that is no `fetch`."""
        wire = self.pool.take() or await self.pool.acquire()
        try:
            yield wire
        except BaseException as exc:  # a cancelled task too
            is_settled = _is_settled(exc) and was_answered(exc.__cause__)
            cleaning = self.pool.release(wire, interrupted=not is_settled)
            if cleaning is not None and isinstance(exc, Exception):
                await asyncio.wait([cleaning])  # the caller's next call finds it free
            raise
        self.pool.release(wire)

    async def _listener(self) -> Wire | None:
        return await self.pool.connect_apart()


def _is_settled(exc: BaseException) -> bool:
    """Tell whether the connection is whole after this error: PostgreSQL answered with it.

    That an e-mail is taken is no reason to ask the connection how it is.
    """
    if isinstance(exc, ConnectionFailedError):
        return False
    return not was_sent(exc) or was_answered(exc.__cause__)


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
    wire: Wire,
    statement: Statement,
    arguments: list[object],
    context: Context,
    *,
    only_first: bool = False,
) -> list[Row]:
    """Run a statement on this connection, tell the watchers, translate errors."""
    if context.observers.active:
        return await _send_watched(wire, statement, arguments, context, only_first=only_first)
    try:
        return await wire.rows(statement, arguments, only_first=only_first)
    except DRIVER_ERRORS as exc:
        raise translate(exc, statement.name, context.meanings, statement.parameters) from exc


async def _send_watched(
    wire: Wire,
    statement: Statement,
    arguments: list[object],
    context: Context,
    *,
    only_first: bool,
) -> list[Row]:
    with context.observers.watch(statement) as watch:
        try:
            rows = await wire.rows(statement, arguments, only_first=only_first)
        except DRIVER_ERRORS as exc:
            raise translate(exc, statement.name, context.meanings, statement.parameters) from exc
        watch.rows = len(rows)
    return rows
