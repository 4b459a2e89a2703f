"""The database that is looked at, and what several checks need of it, read once."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import asyncpg
from sqlalchemy import Table

from chatkeep.doctor.options import Limits, Options
from chatkeep.errors import MigrationError
from chatkeep.kit.applying.matching import Matching, read_matching
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import IGNORED_SCHEMAS, read_catalog
from chatkeep.kit.folder import Folder
from chatkeep.kit.patterns import claims
from chatkeep.kit.target import Target

_TABLES = """
select n.nspname::text, c.relname::text from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^pg_'
  and n.nspname <> all (string_to_array($1, chr(10)))
  and not exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
                    and d.deptype = 'e')
"""

Name = tuple[str, str]
"""Schema and name of a table or index."""


class Place:
    """One database under the doctor's eyes.

    Attributes:
        connection: Inside the read-only transaction of the check that runs.
        schema: The schema object, or a MetaData.
        target: The same, as the kit sees it.
        options: What the caller said.
        database: Name of the database.
        role: Name of the current role.
    """

    def __init__(
        self, connection: asyncpg.Connection, schema: object, target: Target, options: Options
    ) -> None:
        self.connection = connection
        self.schema = schema
        self.target = target
        self.options = options
        self.database = ""
        self.role = ""
        self._catalog: Catalog | None = None
        self._there: frozenset[Name] | None = None
        self._hindrance: asyncpg.PostgresError | None = None
        self._folder: Folder | None = None
        self._matching: Matching | None = None
        self._blind: list[str] = []

    @property
    def limits(self) -> Limits:
        """From where on something counts."""
        return self.options.limits

    def makes(self, check: str) -> bool:
        """Whether a check is among those that are made."""
        only, skip = self.options.only, self.options.skip
        return (not only or check in only) and check not in skip

    @property
    def version(self) -> int:
        """Major version of the server."""
        return int(self.connection.get_server_version().major)

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Run a statement.

        Its columns should be of PostgreSQL's plain types: of others the driver asks the types first.
        """
        return await self.connection.fetch(sql, *arguments)

    def blind(self, reason: str) -> None:
        """Say what the check that runs cannot see, in one sentence; what it saw still counts."""
        if reason not in self._blind:
            self._blind.append(reason)

    def take_blind(self) -> list[str]:
        """Give what was said so since the last time."""
        said, self._blind = self._blind, []
        return said

    async def catalog(self) -> Catalog:
        """Give the facts of the database; what kept them from being read once does so again."""
        if self._hindrance is not None:
            raise self._hindrance
        if self._catalog is None:
            try:
                self._catalog = await read_catalog(self.connection)
            except asyncpg.PostgresError as exc:  # such as a table that somebody has locked
                self._hindrance = exc
                raise
        return self._catalog

    async def tables(self) -> frozenset[Name]:
        """Give the tables that are the project's, without bookkeeping and those of extensions."""
        there = await self._tables_there()
        if not self.options.tables_filter:
            return there
        declared, claimed = self.declared, claims(self.options.tables_filter)
        return frozenset(name for name in there if name in declared or claimed(*name))

    async def _tables_there(self) -> frozenset[Name]:
        """Ask for the names alone: the catalog's facts cost more, and wait for locked tables."""
        if self._there is None:
            ignored = "\n".join((*IGNORED_SCHEMAS, "information_schema"))
            rows = await self.fetch(_TABLES, ignored)
            self._there = frozenset((str(schema), str(name)) for schema, name in rows)
        return self._there

    @property
    def declared(self) -> Mapping[Name, Table]:
        """The schema's tables by schema and name."""
        tables = self.target.state.metadata.sorted_tables
        return {(table.schema or "public", table.name): table for table in tables}

    async def declared_there(self) -> dict[Name, Table]:
        """Give the schema's tables that the database has."""
        there = await self._tables_there()
        return {name: table for name, table in self.declared.items() if name in there}

    def table_of(self, attribute: str, *columns: str) -> Table | None:
        """Give a table of a preset by its attribute, where it has these columns."""
        tables: Mapping[str, Any] = getattr(self.schema, "tables", {})
        table = tables.get(attribute)
        if not isinstance(table, Table) or not all(name in table.c for name in columns):
            return None
        return table

    async def folder(self) -> Folder | None:
        """Give the migrations, where a folder was named and is there.

        Raises:
            MigrationsFolderError: It cannot be read.
        """
        path = self.options.folder
        if self._folder is None and path is not None and await asyncio.to_thread(path.is_dir):
            self._folder = await asyncio.to_thread(Folder.read, path)
        return self._folder

    async def matching(self) -> Matching | None:
        """Give the folder against the database's bookkeeping.

        Raises:
            MigrationsFolderError: The folder cannot be read.
            MigrationError: The role may not read drizzle's table.
        """
        folder = await self.folder()
        if folder is None:
            self.blind("no migrations folder was given, or it is not there")
            return None
        if self._matching is None:
            async with self.connection.transaction():  # a savepoint: the check may go on without
                self._matching = await read_matching(self.connection, folder)
        return self._matching

    async def known_matching(self) -> Matching | None:
        """Give the same for a check of something else; None where it cannot be known.

        The checks of the bookkeeping say why.
        """
        try:
            return await self.matching() if await self.folder() is not None else None
        except MigrationError:
            return None


def told(length: timedelta) -> str:
    """Give a length of time for people: `3 h 20 min`."""
    seconds = int(length.total_seconds())
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for unit, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def size(count: float) -> str:
    """Give a number of bytes for people: `12.5 MiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
