"""What Better Auth 1.7.0 to 1.7.2 left in a database, and the migration that mends it.

Those versions gave the table of accounts a column `issuer`, NOT NULL and without a default, and a
unique index on issuer and account. Later versions do not know the column, so that no sign-up and no
new account of anybody gets in. The column may be NULL from then on; its values stay, and the index,
which lets any number of rows without an issuer be.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table

from chatkeep.errors import ConfigError
from chatkeep.kit.applying.matching import read_matching
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import generate_custom
from chatkeep.kit.patterns import claims
from chatkeep.schema.naming import quote_name, quote_text
from chatkeep.schema.statements import block

COLUMN = "issuer"
NAME = "better_auth_issuer"

# By its columns, whatever the table is called: Better Auth's own names, and those in our style.
_LEFT = """
select n.nspname::text, c.relname::text from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where a.attname = 'issuer' and a.attnotnull and not a.atthasdef and a.attidentity = ''
  and not a.attisdropped and c.relkind in ('r', 'p') and n.nspname !~ '^pg_'
  and n.nspname <> 'information_schema'
  and 3 = (select count(distinct lower(replace(o.attname, '_', '')))
           from pg_catalog.pg_attribute o
           where o.attrelid = c.oid and o.attnum > 0 and not o.attisdropped
             and lower(replace(o.attname, '_', '')) in ('accountid', 'providerid', 'userid'))
order by 1, 2
"""

Fetch = Callable[[str], Awaitable[Sequence[Any]]]
"""Runs a statement and gives its rows."""


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A table of accounts whose `issuer` is required, though nobody writes it.

    Attributes:
        schema: Its schema in PostgreSQL.
        table: Its name.
    """

    schema: str
    table: str

    @property
    def about(self) -> str:
        """It, as people name it."""
        where = "" if self.schema == "public" else f"{self.schema}."
        return f'column "{COLUMN}" of table "{where}{self.table}"'

    @property
    def message(self) -> str:
        """What is wrong with it."""
        return (
            f"Better Auth 1.7.0 to 1.7.2 made it required, and later versions never write it: every "
            f'insert into "{self.table}" fails.'
        )

    @property
    def mend(self) -> str:
        """The statement that mends it; no row changes."""
        return f"{self._alter} DROP NOT NULL;"

    @property
    def _place(self) -> str:
        return f"{quote_name(self.schema)}.{quote_name(self.table)}"

    @property
    def _alter(self) -> str:
        return f"ALTER TABLE {self._place} ALTER COLUMN {quote_name(COLUMN)}"

    def guarded(self, change: str) -> str:
        """Give a change of the column as a migration can hold it.

        A database that is made from the folder never has the column: Better Auth put it there.
        """
        return block(
            f"""    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = to_regclass({quote_text(self._place)})
            AND attname = {quote_text(COLUMN)} AND NOT attisdropped
    ) THEN
        {self._alter} {change};
    END IF;"""
        )


async def left_over(fetch: Fetch) -> list[LeftOver]:
    """Find what is left over, by the columns of a table rather than its name."""
    return [LeftOver(str(schema), str(table)) for schema, table in await fetch(_LEFT)]


async def check_issuer(
    url: str, *, tables_filter: Sequence[str] = (), declared: MetaData | None = None
) -> list[LeftOver]:
    """Say which tables of a database Better Auth 1.7.3 and later cannot insert into.

    Args:
        url: The database.
        tables_filter: Patterns of the project's tables, where others share the database; the
            declared ones count in any case.
        declared: The project's tables.

    Raises:
        InvalidUrlError: The URL cannot be read.
        ConnectionFailedError: The database cannot be reached, or the connection broke.
        StatementError: The role may not read the catalog.
    """
    async with connect(url, name="chatkeep auth", keeps=False) as connection:
        found = await left_over(connection.fetch)
    if not tables_filter:
        return found
    claimed, ours = claims(tables_filter), {_of(t) for t in _tables(declared)}
    return [each for each in found if each in ours or claimed(each.schema, each.table)]


async def write_mend(
    found: Sequence[LeftOver], folder: Path, url: str, declared: MetaData | None = None
) -> Path | None:
    """Write the migration that mends what was found, with its reverse, into the folder.

    The reverse puts NOT NULL back, which PostgreSQL refuses once a later version has written.

    Args:
        found: At least one.
        folder: The migrations; made when absent.
        url: The database in which it was found.
        declared: The project's tables: where they say themselves that the column is required, the
            schema is what has to change.

    Returns:
        The new file; None where one that does so waits to be applied.

    Raises:
        ConfigError: The project's own schema declares the column NOT NULL.
        MigrationsFolderError: The folder cannot be read or written.
        ConnectionFailedError: The database cannot be reached, or the connection broke.
    """
    _refuse_declared(found, declared)
    sql = _file("Lets it be NULL; no row changes.", found, "DROP NOT NULL")
    async with connect(url, name="chatkeep auth", keeps=False) as connection:
        matching = await read_matching(connection, Folder.read(folder, create=True))
    if any(each.sql == sql for each in matching.of("pending")):
        return None
    back = _file("Refused once rows without an issuer are there.", found, "SET NOT NULL")
    return generate_custom(folder, NAME, sql, reverse=back)


def _file(says: str, found: Iterable[LeftOver], change: str) -> str:
    head = (
        f"-- account.{COLUMN}, which Better Auth 1.7.0 to 1.7.2 made and no later version writes."
    )
    blocks = ";\n--> statement-breakpoint\n".join(each.guarded(change) for each in found)
    return f"{head}\n-- {says}\n{blocks};\n"


def _refuse_declared(found: Iterable[LeftOver], declared: MetaData | None) -> None:
    for table in _tables(declared):
        column, here = table.columns.get(COLUMN), _of(table)
        if here in found and column is not None and column.nullable is False:
            raise ConfigError(
                f"The project's own schema says that {here.about} is NOT NULL.",
                hint="Say nullable=True there; then `chatkeep generate` writes the migration.",
            )


def _tables(declared: MetaData | None) -> Iterable[Table]:
    return declared.tables.values() if declared is not None else ()


def _of(table: Table) -> LeftOver:
    return LeftOver(table.schema or "public", table.name)
