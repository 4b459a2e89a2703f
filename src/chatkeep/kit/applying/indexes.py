"""Indexes that a broken CONCURRENTLY left INVALID, and whether one is what a statement asks for."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.applying.sqlscan import split
from chatkeep.kit.applying.targets import NewIndex, new_index, unquoted
from chatkeep.kit.folder import Migration
from chatkeep.kit.plan.quoting import ident

# By name on the table of the statement, or all of that table. That of a partitioned table is not
# among them: it is INVALID until each partition has its own, and no broken build. `builder` is a live process that is
# at work on the index: only what nobody builds any more may be dropped.
_INDEXES = """
select c.oid::int8 as oid, n.nspname as schema, c.relname as name, i.indisvalid as valid,
    (select p.pid from pg_catalog.pg_stat_progress_create_index p
     where p.index_relid = c.oid and p.pid <> pg_catalog.pg_backend_pid() limit 1) as builder
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where i.indrelid = pg_catalog.to_regclass($1) and c.relname = coalesce($2, c.relname)
  and c.relkind = 'i'
order by c.oid
"""
_DEFINITION = """
select row(am.amname, i.indisunique, i.indnullsnotdistinct, i.indnkeyatts, i.indclass::text,
    i.indcollation::text, i.indoption::text, c.reloptions,
    pg_catalog.pg_get_expr(i.indpred, i.indrelid, true),
    array(select pg_catalog.pg_get_indexdef(c.oid, n, true)
          from pg_catalog.generate_series(1, i.indnatts) as n))::text
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_am am on am.oid = c.relam
where c.oid = $1::int8::oid
"""
_TWIN = """
select i.indexrelid::int8 from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indrelid
where c.relname = $1 and c.relnamespace = pg_catalog.pg_my_temp_schema()
"""
_INVALID = """
select n.nspname, c.relname from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid and c.relkind = 'i'
  and not exists (select 1 from pg_catalog.pg_stat_progress_create_index p
                  where p.index_relid = c.oid)
order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Found:
    """An index of a table.

    Attributes:
        builder: The process that is building it right now, or None.
    """

    oid: int
    schema: str
    name: str
    valid: bool
    builder: int | None

    @property
    def quoted(self) -> str:
        """Its name with its schema, as SQL."""
        return ident(self.schema, self.name)


async def existing(connection: asyncpg.Connection, index: NewIndex) -> list[Found]:
    """Give the indexes that may be the wanted one: by its name, or all of the table without one."""
    rows = await connection.fetch(_INDEXES, index.table, index.name)
    return [Found(**row) for row in rows]


async def broken(connection: asyncpg.Connection, index: NewIndex, place: str) -> list[Found]:
    """Give what a broken build left in the way of this statement: to be dropped before it runs.

    Args:
        connection: Where.
        index: What the statement makes.
        place: What an error calls the statement.

    Raises:
        MigrationFailedError: A live process is building it.
    """
    invalid = [found for found in await existing(connection, index) if not found.valid]
    if index.name is None and invalid:
        wanted = await _wanted(connection, index)
        invalid = [f for f in invalid if wanted and await _definition(connection, f.oid) == wanted]
    for found in invalid:
        if found.builder is not None:
            raise MigrationFailedError(
                f"{place}: process {found.builder} is building the index {found.name} right now.",
                hint="Wait until it is done, then run `chatkeep migrate` again.",
            )
    return invalid


async def came_through(connection: asyncpg.Connection, index: NewIndex) -> bool | None:
    """Say whether a valid index with the same definition is there.

    Returns:
        None where the definitions cannot be compared.
    """
    valid = [found for found in await existing(connection, index) if found.valid]
    if not valid:
        return False
    wanted = await _wanted(connection, index)
    if wanted is None:
        return None
    definitions = [await _definition(connection, found.oid) for found in valid]
    return wanted in definitions


def _names_of(migrations: Sequence[Migration]) -> set[str]:
    """Give the names of the indexes that these migrations make."""
    found: set[str] = set()
    for migration in migrations:
        if "index" not in migration.sql.lower():
            continue
        for text in migration.statements:
            read = (new_index(part.sql) for part in split(text) if "INDEX" in part.words[:3])
            found |= {index.name for index in read if index is not None and index.name is not None}
    return found


async def invalid_names(
    connection: asyncpg.Connection, migrations: Sequence[Migration]
) -> list[str]:
    """Give the INVALID indexes, quoted, that these migrations made and that nobody is building."""
    invalid = await connection.fetch(_INVALID)
    if not invalid:
        return []  # as nearly always: the files need not be read for names
    names = _names_of(migrations)
    return [ident(schema, name) for schema, name in invalid if name in names]


async def _definition(connection: asyncpg.Connection, oid: int) -> str | None:
    found: str | None = await connection.fetchval(_DEFINITION, oid)
    return found


async def _wanted(connection: asyncpg.Connection, index: NewIndex) -> str | None:
    """Give the definition that the statement makes: PostgreSQL tells it of an empty twin table."""
    name = unquoted(index.table)
    head, tail = index.definition
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            f"create temporary table {ident(name)} (like {index.table}) on commit drop"
        )
        await connection.execute(f"{head}pg_temp.{ident(name)}{tail}")
        oids = await connection.fetch(_TWIN, name)
        return await _definition(connection, oids[0][0]) if len(oids) == 1 else None
    except asyncpg.PostgresError:
        return None  # no right to temporary tables, or an expression that needs the table itself
    finally:
        if not connection.is_closed():
            await transaction.rollback()
