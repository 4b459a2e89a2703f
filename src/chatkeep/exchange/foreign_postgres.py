"""The database of another product on PostgreSQL."""

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, cast

import asyncpg
from sqlalchemy import Select, TableClause, bindparam, literal_column
from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ClauseElement

from chatkeep.errors import ConnectionFailedError, StatementError
from chatkeep.kit.connection import BROKEN, connect, where
from chatkeep.kit.refusal import describe, sqlstate

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT = dialects.dialect()
# As PostgreSQL itself finds a name that is written without its schema.
_SHAPE = """
SELECT c.relname::text, array_agg(a.attname::text)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'f') AND pg_catalog.pg_table_is_visible(c.oid)
    AND c.relnamespace <> 'pg_catalog'::regnamespace
GROUP BY c.oid, c.relname
"""


@asynccontextmanager
async def open_postgres(
    url: str, *, name: str, read_only: bool
) -> AsyncGenerator["PostgresDatabase"]:
    """Connect for the length of the block, which is one transaction: a pooler may stand between."""
    async with connect(url, name=name, keeps=False) as connection:
        foreign = PostgresDatabase(connection, where(url))
        isolation = "repeatable_read" if read_only else "read_committed"
        with foreign.told():
            transaction = connection.transaction(isolation=isolation, readonly=read_only)
            await transaction.start()
            # Times without a zone are UTC to the products; so is what a default writes.
            await connection.execute("SET LOCAL TimeZone = 'UTC'")
        try:
            yield foreign
        except BaseException:
            if not connection.is_closed():
                with foreign.told():
                    await transaction.rollback()
            raise
        with foreign.told():
            await transaction.commit()


class PostgresDatabase:
    """An open database. See `Foreign`."""

    def __init__(self, connection: asyncpg.Connection, place: str) -> None:
        self.where = place
        self._connection = connection
        self._inserts: dict[tuple[str, tuple[str, ...]], tuple[str, Sequence[str]]] = {}

    async def shape(self) -> dict[str, frozenset[str]]:
        """Give the tables that can be seen without naming a schema, and their columns."""
        with self.told():
            found = await self._connection.fetch(_SHAPE)
        return {name: frozenset(columns) for name, columns in found}

    async def read(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
        """Give all rows of a statement as the driver gives them: JSON is text."""
        text, names, known = _compiled(statement)
        with self.told():
            rows = await self._connection.fetch(text, *(known[name] for name in names))
        return cast("Sequence[Sequence[Any]]", rows)

    async def add(self, into: TableClause, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows that all have the same columns; one whose key is there already is left.

        Gives how many were inserted.
        """
        if not rows:
            return 0
        text, names = self._insert(into, tuple(rows[0]))
        with self.told():
            inserted = await self._connection.fetchmany(
                text, [[row[name] for name in names] for row in rows]
            )
        return len(inserted)

    def _insert(self, into: TableClause, columns: tuple[str, ...]) -> tuple[str, Sequence[str]]:
        """Give the statement; it is the same one for thousands of chats."""
        made = self._inserts.get((into.name, columns))
        if made is None:
            values = {name: bindparam(name) for name in columns}
            clause = (
                insert(into).values(values).on_conflict_do_nothing().returning(literal_column("1"))
            )
            text, names, _ = _compiled(clause)
            made = self._inserts[into.name, columns] = (text, names)
        return made

    @contextmanager
    def told(self) -> Generator[None]:
        """Turn errors of the driver into ours; neither the values nor the URL are in them."""
        try:
            yield
        except BROKEN as exc:
            raise ConnectionFailedError(
                f"The connection to {self.where} broke.",
                hint="Start the same command again: it goes on where it stopped.",
            ) from exc
        except asyncpg.PostgresError as exc:
            raise StatementError(
                f"PostgreSQL at {self.where} refused: {describe(exc)}", sqlstate=sqlstate(exc)
            ) from exc


def _compiled(statement: ClauseElement) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    """Give the SQL, the names of its parameters in their order, and the values known now."""
    compiled = cast("SQLCompiler", statement.compile(dialect=_DIALECT))
    return compiled.string, compiled.positiontup or (), compiled.params
