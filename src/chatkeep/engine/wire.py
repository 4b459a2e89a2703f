"""One connection, with the statements that it has prepared.

The driver's public ways to a prepared statement are six coroutines one inside the other. Here a
statement that comes again is prepared once for each connection, and then its parameters go straight
to the driver's protocol: with that a call through the pool costs about as much as the driver's own
prepared statement on one connection (user by e-mail, 26 microseconds: 1.10 times as much by
`PreparedStatement.fetch`, 1.05 so). The price are five protected names of `asyncpg.Connection`;
`tests/engine/test_wire.py` uses each, and pyproject.toml bounds the driver's version.
"""

from asyncio import CancelledError, Task, current_task
from typing import Any

import asyncpg
from asyncpg.protocol import NO_TIMEOUT

from chatkeep.engine.compile import Statement
from chatkeep.engine.portal import Portals

Row = asyncpg.Record

# PostgreSQL refuses a prepared statement before it runs: its result has other columns since a
# migration, or somebody deallocated it. It is prepared anew and sent again.
STALE = (asyncpg.InvalidCachedStatementError, asyncpg.InvalidSQLStatementNameError)
_MAX_KEPT = 500  # plans live in the server's memory: more than that is no set of hot statements


class Wire(Portals):
    """What the pool lends.

    A statement has no timer of its own: the driver's costs 3 microseconds each time. The pool looks
    at all of them in turn, and interrupts the one that has become too old.

    Attributes:
        kept: The statements that are prepared.
        keeps: Whether any are.
        patience: Seconds that a statement may take, for calls that keep their own time.
        was_used: Since the pool last looked for idle connections.
        task: Who waits for a statement now.
        age: How often the pool has seen this statement at work.
    """

    __slots__ = (
        "_cancelling",
        "_is_overdue",
        "age",
        "keeps",
        "kept",
        "patience",
        "task",
        "was_used",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the driver's own
        super().__init__(*args, **kwargs)
        self.kept: dict[Statement, Any] = {}
        self.keeps = True  # the pool says False where a pooler stands between
        self.patience = 30.0  # seconds for a statement, as the pool says
        self.was_used = True
        self.task: Task[Any] | None = None
        self.age = 0
        self._cancelling = 0
        self._is_overdue = False

    async def rows(
        self, statement: Statement, arguments: list[object], *, only_first: bool = False
    ) -> list[Row]:
        """Run a statement and give its rows; errors are the driver's.

        Args:
            statement: What to run.
            arguments: In the order of `$n`.
            only_first: At most one row is wanted: the server stops after it.
        """
        prepared = self.kept.get(statement)
        if prepared is None:
            if not (self.keeps and statement.is_kept):
                return await self._unprepared(statement, arguments, only_first=only_first)
            prepared = await self._keep(statement)
        protocol = self._protocol
        if protocol is None:
            raise asyncpg.InterfaceError("connection is closed")
        self.age = 0
        self._is_overdue = False
        self.task = task = current_task(self._loop)
        self._cancelling = task.cancelling() if task else 0
        try:
            rows: list[Row] = await protocol.bind_execute(
                prepared, arguments, "", 1 if only_first else 0, False, NO_TIMEOUT
            )
        except CancelledError as exc:
            self._end(exc)
            raise
        except STALE:
            self.task = None
            self.forget()
            if self.is_in_transaction():  # which the error has ended
                raise
            return await self._unprepared(statement, arguments, only_first=only_first)
        except asyncpg.OutdatedSchemaCacheError:
            self.forget()
            await self.reload_schema_state()
            raise
        finally:
            self.task = None
        return rows

    def interrupt(self) -> None:
        """End the statement that is at work: whoever waits for it gets a TimeoutError."""
        if self.task is not None:
            self._is_overdue = True
            self.task.cancel()
            self.task = None

    def _end(self, exc: CancelledError) -> None:
        """Make a time-out of our own interruption; a caller's cancellation stays one."""
        task = current_task(self._loop)
        if self._is_overdue and task is not None and task.uncancel() <= self._cancelling:
            raise TimeoutError from exc

    async def _introspect_types(self, typeoids: Any, timeout: Any) -> Any:  # noqa: ANN401, ASYNC109 - the driver's own
        # The driver turns `jit` off for its question, and on again: behind a pooler on other servers.
        if not self.keeps:
            self._server_caps = self._server_caps._replace(jit=False)
        return await super()._introspect_types(typeoids, timeout)

    def forget(self) -> None:
        """Let every statement go; the driver closes them when it next prepares one."""
        kept, self.kept = self.kept, {}
        for prepared in kept.values():
            self._release(prepared)

    async def _keep(self, statement: Statement) -> object:
        prepared = await self._get_statement(statement.sql, None, named=True, use_cache=False)
        prepared.attach()
        if len(self.kept) >= _MAX_KEPT:
            self._release(self.kept.pop(next(iter(self.kept))))
        self.kept[statement] = prepared
        return prepared

    def _release(self, prepared: Any) -> None:  # noqa: ANN401 - the driver has no type for it
        prepared.detach()
        self._maybe_gc_stmt(prepared)

    async def _unprepared(
        self, statement: Statement, arguments: list[object], *, only_first: bool
    ) -> list[Row]:
        if not only_first:
            return await self.fetch(statement.sql, *arguments)
        row = await self.fetchrow(statement.sql, *arguments)
        return [] if row is None else [row]
