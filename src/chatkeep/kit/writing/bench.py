"""A scratch database that stands where a folder ends, and takes one migration more after another."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chatkeep.errors import MigrationFailedError, ProofFailedError
from chatkeep.kit.applying.replay import replay
from chatkeep.kit.catalog.reader import IGNORED_SCHEMAS, read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Migration
from chatkeep.kit.folder.journal import Entry
from chatkeep.kit.folder.reading import hash_of
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.dumping import dump_schema, suitable_dump
from chatkeep.kit.writing.standing import (
    Standing,
    differing,
    differing_facts,
    moved_numbers,
    read_numbers,
    read_standing,
    step_sequences,
)
from chatkeep.kit.writing.vanishing import coarser, merged, read_places, vanished

if TYPE_CHECKING:
    import asyncpg

    from chatkeep.kit.catalog.catalog import Catalog


def provisional(name: str, sql: str) -> Migration:
    """Give a migration that is not written yet, so that a failure names the statement."""
    return Migration(Entry(0, 0, name), Path(f"{name}.sql"), sql, hash_of(sql.encode())[1])


@asynccontextmanager
async def bench(scratch: Scratch, migrations: Sequence[Migration]) -> AsyncGenerator["Bench"]:
    """Give a scratch database that has these migrations, dropped at the end of the block.

    Raises:
        MigrationFailedError: One of them fails on an empty database.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    async with AsyncExitStack() as stack:
        made = Bench(scratch, stack, migrations)
        await made.begin()
        yield made


class Bench:
    """Runs drafts, one behind the other, and tries their reverses.

    Attributes:
        before: Where the database stood before the last draft.
        catalog: Its facts now.
        has_dump: Whether pg_dump has a say in the proofs.
        note: Why it has none, where that is a surprise.
        lost: Which tables and columns the last reverse took, and which it made coarser.
    """

    def __init__(
        self, scratch: Scratch, stack: AsyncExitStack, migrations: Sequence[Migration]
    ) -> None:
        self._scratch = scratch
        self._stack = stack
        self._done = list(migrations)
        self._url = ""
        self._connection: asyncpg.Connection
        self._pg_dump: Path | None = None
        self._stale = False
        self._dump: Sequence[str] | None = None
        self.before: Standing
        self.catalog: Catalog
        self.has_dump = False
        self.note = ""
        self.lost: tuple[str, ...] = ()

    async def begin(self) -> None:
        """Make the database and run the migrations that there are."""
        self._url = await self._stack.enter_async_context(self._scratch.database())
        self._connection = await self._stack.enter_async_context(connect(self._url))
        await replay(self._connection, self._done)
        self.catalog = await read_catalog(self._connection)
        self._pg_dump = await suitable_dump(self._scratch.dumpers, self.catalog.version)
        self._dump = await self._dumped()
        self.has_dump = self._dump is not None

    async def _dumped(self) -> Sequence[str] | None:
        """Ask pg_dump; a program that cannot is asked no more."""
        if self._pg_dump is None:
            return None
        try:
            return await dump_schema(self._pg_dump, self._url, ignore=IGNORED_SCHEMAS)
        except ProofFailedError as exc:
            self._pg_dump = None
            self.note = str(exc)
            return None

    @asynccontextmanager
    async def beside(self) -> AsyncGenerator["asyncpg.Connection"]:
        """Give a connection to another database that stands where this one stands."""
        async with self._scratch.database() as url, connect(url) as connection:
            await replay(connection, self._done)
            yield connection

    async def take(self, migration: Migration) -> list[str]:
        """Run a migration; say which rows went and which sequences moved, that it should not touch.

        Raises:
            MigrationFailedError: PostgreSQL refuses a statement.
        """
        if self._stale:
            await self.begin()
            self._stale = False
        if self._dump is None:
            self._dump = await self._dumped()
        await step_sequences(self._connection)
        numbers = await read_numbers(self._connection)
        self.before = Standing(self.catalog, numbers, self._dump)
        await replay(self._connection, [migration])
        self.catalog = await read_catalog(self._connection)
        self._dump = None  # that of the next state is taken when somebody needs it
        self._done.append(migration)
        return moved_numbers(numbers, await read_numbers(self._connection))

    async def reverse(self, down: Migration) -> list[str]:
        """Try the reverse of the last migration, then that migration once more.

        The reverse must bring back what was there before, as facts and as pg_dump tells it, and
        the migration must then lead where it led. After a failure the database is made anew for
        the next draft.

        Returns:
            What differs, or what PostgreSQL refused; nothing when the reverse is right.
        """
        up = self._done[-1]
        goal = self.catalog
        self._stale = True
        try:
            places = await read_places(self._connection)
            await replay(self._connection, [down])
            gone = vanished(places, await read_places(self._connection))
            pg_dump = self._pg_dump if self.before.dump is not None else None
            found = await read_standing(self._connection, pg_dump, self._url)
            self.lost = merged(gone, coarser(goal, found.catalog))
            faults = differing(found, self.before)
            if faults or not self._needs_second(found):
                return faults
            await replay(self._connection, [up])
        except MigrationFailedError as exc:
            return [str(exc)]
        self.catalog = await read_catalog(self._connection)
        self._stale = False
        return differing_facts(self.catalog, goal)

    def _needs_second(self, found: Standing) -> bool:
        """Say whether going up again could show more than it did the first time.

        On a database that is empty again, by pg_dump's word too, it would be the same run.
        """
        return bool(found.catalog.facts) or found.dump is None or bool(found.catalog.unmodelled)
