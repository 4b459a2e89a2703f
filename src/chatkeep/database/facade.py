"""`Database`: opened once for an application, used by all of its tasks."""

import asyncio
from contextlib import AsyncExitStack
from functools import cached_property
from types import TracebackType
from typing import Self, Unpack

from chatkeep.access.catalogue import catalogue_of
from chatkeep.access.meanings import meanings_of
from chatkeep.cache.assembly import search_cache_of
from chatkeep.cache.cache import SearchCache
from chatkeep.database.options import (
    DatabaseOptions,
    auth_options,
    observers_of,
    pool_options,
    search_cache_options,
)
from chatkeep.database.source import find_source
from chatkeep.database.state import State, check_state, empty_database
from chatkeep.database.surface import NewSessionT, NewUserT, SessionT, Surface, UserT
from chatkeep.engine.address import address_of
from chatkeep.engine.pool import Pool, closed_pool
from chatkeep.engine.run import PoolRunner
from chatkeep.errors import ConfigError
from chatkeep.schema.schema import Schema


class Database(Surface[UserT, NewUserT, SessionT, NewSessionT]):
    """The database of an application. One for a process is enough; every task may use it.

    async with Database(schema) as db:
        user = await db.users.create(NewUser(email="user@example.com"))

    Args:
        schema: A preset's schema, or one that extends it.
        url: `postgresql://...`. None takes DATABASE_URL, and without that the embedded server of
            the project, which is started, prepared when it is empty, and stopped by its last user.
        options: Bounds, time-outs, `pooler` and watchers, by name: see `DatabaseOptions`.
    """

    def __init__(
        self,
        schema: Schema[UserT, NewUserT, SessionT, NewSessionT],
        url: str | None = None,
        **options: Unpack[DatabaseOptions],
    ) -> None:
        """Read the settings; nothing is opened yet.

        Raises:
            ConfigError: The schema is of the seed's edition, or a setting is unknown or out of
                bounds.
            InvalidUrlError: The URL cannot be read.
        """
        _check_edition(schema)
        self._source = find_source(url)
        self._schema = schema
        self._options = pool_options(options)
        self._search_cache_options = search_cache_options(options)
        self._stack = AsyncExitStack()
        self._pools = PoolRunner(Pool(self._options), observers_of(options), meanings_of(schema))
        super().__init__(self._pools, catalogue_of(schema), auth_options(options))

    @cached_property
    def search_cache(self) -> SearchCache:
        """What was searched in the web before; the DeepSearch preset has a table for it.

        Raises:
            ConfigError: The schema has no `search_cache`, or there is a URL of Redis and no
                `chatkeep[redis]`.
            InvalidUrlError: The URL of Redis cannot be read.
        """
        return search_cache_of(self._pools, self._catalogue, self._search_cache_options)

    @property
    def pool(self) -> Pool:
        """The connections, for floors above this one that send SQL of their own.

        Raises:
            DatabaseClosedError: It is not open.
        """
        if not self._pools.pool.is_open:
            raise closed_pool()
        return self._pools.pool

    @property
    def schema(self) -> Schema[UserT, NewUserT, SessionT, NewSessionT]:
        """The schema that it was made with."""
        return self._schema

    async def open(self) -> Self:
        """Connect, and compare the database with the schema; `async with` does it for you.

        Raises:
            ConnectionFailedError: The server cannot be reached, or it refused the login.
            DatabaseTimeoutError: The server did not answer in time.
            SchemaMismatchError: The database is empty or in an earlier state; says what to run.
            ServerError: The embedded server did not start.
            ConfigError: It is open already.
        """
        if self._pools.pool.is_open:
            raise ConfigError("This Database is open already.", hint="Open one for the process.")
        async with AsyncExitStack() as stack:
            address = await stack.enter_async_context(self._source.address())
            self._observers.address = address_of(address)
            pool = self._pools.pool = Pool(self._options)  # one for each time that it is open
            await pool.open(address)
            stack.push_async_callback(pool.close)
            stack.push_async_callback(self._pools.background.close)
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
