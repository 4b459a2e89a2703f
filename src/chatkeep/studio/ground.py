"""What the studio stands on: a database, the project around it, and what may be done there."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg

from chatkeep.database import Database
from chatkeep.engine.pool import Pool, PoolOptions
from chatkeep.engine.translate import DRIVER_ERRORS, translate
from chatkeep.errors import ChatkeepError, DatabaseError, SchemaMismatchError
from chatkeep.kit.connection import connect
from chatkeep.schema.schema import Schema
from chatkeep.settings import Settings
from chatkeep.studio.refusing import ReadOnlyError, TableLockedError

_AT_ONCE = 4  # connections for the studio at once: the application beside it needs the others
_BESIDE = 2
_OWN_POOL = PoolOptions(max_connections=_AT_ONCE, idle_seconds=60.0, statement_timeout=600.0)
_LOCK_SECONDS = 3.0
STATEMENT_SECONDS = 10.0
"""How long one of the studio's own statements may run."""


class Ground:
    """A database as the studio sees it.

    Attributes:
        settings: The project's: its folder, its migrations.
        write: Whether anything may be changed.
        shared: Whether others than who started it come: files of the project are not theirs then.
        schema: The project's schema object or MetaData; None where none is configured.
        mismatch: Why `database` cannot be used, where the tables are in an earlier state.
        beside: Turns for what opens connections of its own and takes long: it keeps nobody else
            from theirs, and however many ask, they are few.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        write: bool,
        database: Database[Any, Any, Any, Any] | None = None,
        schema: object = None,
        shared: bool = False,
    ) -> None:
        self.settings = settings
        self.write = write
        self.shared = shared
        self.schema = database.schema if database is not None else schema
        self.mismatch: DatabaseError | None = None
        self._database = database
        self._own: Pool | None = None
        self._opened: AsyncExitStack | None = None  # closes what was opened beside `_own`
        self._bound = asyncio.Semaphore(_AT_ONCE)
        self._reopening = asyncio.Lock()
        self.beside = asyncio.Semaphore(_BESIDE)

    @property
    def database(self) -> Database[Any, Any, Any, Any]:
        """The typed access, for screens about users and conversations.

        Raises:
            SchemaMismatchError: The database is not in the state of the schema, or none is
                configured; says what to run.
        """
        if self._database is not None and self.mismatch is None:
            return self._database
        raise self.mismatch or _unfit(self.schema)

    @property
    def pool(self) -> Pool:
        """The connections in use: the application's own where there are some."""
        if self._own is not None:
            return self._own
        return self._database.pool if self._database is not None else self.database.pool

    @property
    def url(self) -> str:
        """Where the database is, with the password: never to be shown."""
        return self.pool.url

    @asynccontextmanager
    async def own_connections(self, url: str) -> AsyncGenerator[None]:
        """Keep connections to `url` for the length of the block, where no `Database` lends some.

        Raises:
            ConnectionFailedError: The server cannot be reached, or it refused the login.
        """
        async with AsyncExitStack() as stack:
            pool = Pool(_OWN_POOL)
            await pool.open(url)
            stack.push_async_callback(pool.close)
            self._own, self._opened = pool, stack
            try:
                yield
            finally:
                self._own = self._opened = None

    async def reopen(self) -> None:
        """Look again whether the database is in the schema's state: a migration may have changed it.

        Raises:
            ConnectionFailedError: The server cannot be reached.
        """
        schema = self.schema
        if not isinstance(schema, Schema) or schema.edition != "hardened":
            return
        async with self._reopening:  # each opens a connection
            database: Database[Any, Any, Any, Any] = Database(schema, self.url)
            try:
                await database.open()
            except SchemaMismatchError as error:
                self.mismatch = error
                return
            self.mismatch = None
            if self._database is None and self._opened is not None:
                self._opened.push_async_callback(database.close)
                self._database = database
            else:
                await database.close()

    def insist_on_write(self) -> None:
        """Refuse what changes something, unless the studio was opened for it.

        Raises:
            ReadOnlyError: It was opened to look.
        """
        if not self.write:
            raise ReadOnlyError(
                "The studio is read-only.",
                hint="Start it with `chatkeep studio --write`, or mount studio(db, write=True).",
            )

    def insist_on_files(self) -> None:
        """Refuse to change files of the project to visitors of an application that may only look.

        Raises:
            ReadOnlyError: The studio is mounted, and was opened to look.
        """
        if self.shared:
            self.insist_on_write()

    @asynccontextmanager
    async def transaction(
        self, *, write: bool = False, seconds: float = STATEMENT_SECONDS, name: str = "studio"
    ) -> AsyncGenerator[asyncpg.Connection]:
        """Lend a connection inside a transaction, read-only unless `write`, with time-outs.

        Args:
            write: For a change; the block's end stores it.
            seconds: How long one statement may run.
            name: What errors call the statements.

        Raises:
            ReadOnlyError: `write`, and the studio was opened to look.
            TableLockedError: Somebody else keeps a table locked.
            DatabaseError: Another of its kinds; what PostgreSQL refused.
        """
        if write:
            self.insist_on_write()
        async with self._bound:
            pool = self.pool
            wire = await pool.acquire()
            whole = False
            try:
                async with wire.transaction(readonly=not write):
                    await wire.execute(
                        f"set local statement_timeout = {seconds * 1000:.0f};"
                        f"set local lock_timeout = {_LOCK_SECONDS * 1000:.0f};"
                        "set local search_path = pg_catalog, public"
                    )
                    yield wire
                whole = True
            except asyncpg.LockNotAvailableError:
                raise TableLockedError(
                    f"{name}: somebody has kept a table locked for {_LOCK_SECONDS:g} s.",
                    hint="Look again when it is over; Insight shows which statement holds it.",
                ) from None
            except DRIVER_ERRORS as exc:
                raise refused(exc, name) from exc
            finally:
                pool.release(wire, interrupted=not whole)

    @asynccontextmanager
    async def lent(self) -> AsyncGenerator[Database[Any, Any, Any, Any]]:
        """Give the typed access for some calls, one after another, in one of the studio's turns.

        A turn holds one connection at most: inside the block ask for no other.

        Raises:
            SchemaMismatchError: As `database` does.
        """
        async with self._bound:
            yield self.database

    @asynccontextmanager
    async def alone(self, name: str = "chatkeep studio") -> AsyncGenerator[asyncpg.Connection]:
        """Open a connection that nobody else gets: for SQL that may leave something behind.

        Raises:
            ConnectionFailedError: The server cannot be reached, or the connection broke.
        """
        async with self._bound, connect(self.url, name=name, keeps=self._keeps) as connection:
            yield connection

    @property
    def _keeps(self) -> bool:
        return self.pool.options.pooler == "none"


def refused(exc: BaseException, name: str) -> ChatkeepError:
    """Give our error for one of the driver's.

    Args:
        exc: One of `DRIVER_ERRORS`.
        name: What the statement is called.
    """
    if isinstance(exc, asyncpg.ReadOnlySQLTransactionError):
        return ReadOnlyError(
            "The role of this connection only reads, whatever the studio may.",
            hint="Start the studio with the --url of a role that may write.",
        )
    return translate(exc, name, {})


def _unfit(schema: object) -> SchemaMismatchError:
    """Say why there is no typed access with what is configured."""
    if isinstance(schema, Schema):
        return SchemaMismatchError(
            "The schema is of the seed's edition, and this needs the hardened one.",
            hint='Use schema(edition="hardened"), then `chatkeep generate && chatkeep migrate`.',
        )
    if schema is not None:
        return SchemaMismatchError(
            "This needs a schema of chatkeep's presets; what is configured has tables alone.",
            hint="`from chatkeep.presets import deepsearch`, and let `schema` name a Schema.",
        )
    return SchemaMismatchError(
        "This needs a schema of chatkeep, and none is configured.",
        hint='Write schema = "package.module:name" into chatkeep.toml.',
    )
