"""`Database`: opened once for an application, used by all of its tasks."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from types import TracebackType
from typing import Self

from chatkeep.access.catalogue import catalogue_of
from chatkeep.access.meanings import meanings_of
from chatkeep.database.source import find_source
from chatkeep.database.state import State, check_state, empty_database
from chatkeep.database.surface import NewSessionT, NewUserT, SessionT, Surface, UserT
from chatkeep.engine.address import address_of
from chatkeep.engine.observe import Observer, Observers
from chatkeep.engine.pool import Pool, PoolOptions
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.slow import SlowLog
from chatkeep.errors import ConfigError
from chatkeep.schema.schema import Schema

_HALF_MINUTE = timedelta(seconds=30)


class Database(Surface[UserT, NewUserT, SessionT, NewSessionT]):
    """The database of an application. One for a process is enough; every task may use it.

    async with Database(schema) as db:
        user = await db.users.create(NewUser(email="user@example.com"))

    Args:
        schema: A preset's schema, or one that extends it.
        url: `postgresql://...`. None takes DATABASE_URL, and without that the embedded server of
            the project, which is started, prepared when it is empty, and stopped by its last user.
        max_connections: At most so many at once; further calls wait in turn.
        statement_timeout: A statement that takes longer is stopped.
        acquire_timeout: Waiting for a free connection ends after that.
        on_statement: Told of every statement; see `observe`.
        slow_statement: A statement that takes as long gets a line in the log `chatkeep.slow`, with
            name, time, rows and outcome; never with parameters or SQL. None: none does.
    """

    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        schema: Schema[UserT, NewUserT, SessionT, NewSessionT],
        url: str | None = None,
        *,
        max_connections: int = 10,
        statement_timeout: timedelta = _HALF_MINUTE,
        acquire_timeout: timedelta = _HALF_MINUTE,
        on_statement: Observer | None = None,
        slow_statement: timedelta | None = None,
    ) -> None:
        """Read the settings; nothing is opened yet.

        Raises:
            ConfigError: The schema is of the seed's edition, a bound is not positive, or
                `on_statement` cannot be called.
            InvalidUrlError: The URL cannot be read.
        """
        _check_edition(schema)
        self._source = find_source(url)
        self._schema = schema
        self._options = PoolOptions(
            max_connections=max_connections,
            statement_timeout=statement_timeout.total_seconds(),
            acquire_timeout=acquire_timeout.total_seconds(),
        )
        _check_options(self._options)
        self._pool = Pool(self._options)
        self._stack = AsyncExitStack()
        observers = _observers(on_statement, slow_statement)
        super().__init__(
            PoolRunner(self._pool, observers, meanings_of(schema)), catalogue_of(schema)
        )

    async def open(self) -> Self:
        """Connect, and compare the database with the schema; `async with` does it for you.

        Raises:
            ConnectionFailedError: The server cannot be reached, or it refused the login.
            DatabaseTimeoutError: The server did not answer in time.
            SchemaMismatchError: The database is empty or in an earlier state; says what to run.
            ServerError: The embedded server did not start.
            ConfigError: It is open already.
        """
        if self._pool.is_open:
            raise ConfigError("This Database is open already.", hint="Open one for the process.")
        async with AsyncExitStack() as stack:
            address = await stack.enter_async_context(self._source.address())
            self._observers.address = address_of(address)
            await self._pool.open(address)
            stack.push_async_callback(self._pool.close)
            await self._prepare(address)
            self._stack = stack.pop_all()
        return self

    async def close(self) -> None:
        """Close every connection; a second call does nothing. Then the embedded server is let go."""
        stack, self._stack = self._stack, AsyncExitStack()
        await stack.aclose()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.shield(self.close())

    async def _prepare(self, address: str) -> None:
        state = await check_state(self._runner, self._schema)
        if state is State.EMPTY and self._source.is_ours:
            await self._source.prepare(self._schema, address)
            state = await check_state(self._runner, self._schema)
        if state is State.EMPTY:
            raise empty_database()


def _observers(on_statement: Observer | None, slow: timedelta | None) -> Observers:
    observers = Observers()
    if on_statement is not None:
        observers.add(on_statement)
    if slow is not None:
        observers.add(SlowLog(slow))
    return observers


def _check_edition(schema: object) -> None:
    if not isinstance(schema, Schema):
        raise ConfigError(
            f"Database needs a schema, not a {type(schema).__name__}.",
            hint="schema = deepsearch.schema(prefix=...)",
        )
    if schema.edition != "hardened":
        raise ConfigError(
            "The access layer needs the hardened edition of the tables; this schema is the seed's.",
            hint='Use schema(edition="hardened") and bring the database there with '
            "`chatkeep generate && chatkeep migrate`.",
        )


def _check_options(options: PoolOptions) -> None:
    if options.max_connections < 1:
        raise ConfigError("max_connections must be 1 or more.")
    if options.statement_timeout <= 0 or options.acquire_timeout <= 0:
        raise ConfigError("Time-outs must be longer than 0.")
