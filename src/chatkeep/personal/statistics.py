"""What the planner remembers: ANALYZE keeps frequent values and samples of each column.

They outlive the rows until the table is analyzed again, and an id of somebody who wrote much is
among them. Of a table that is empty by then ANALYZE keeps what it had; PostgreSQL 18 can be told to
forget that as well.
"""

from collections.abc import Iterable

import asyncpg

from chatkeep.kit.connection import BROKEN
from chatkeep.kit.refusal import describe
from chatkeep.personal.catalog import Table
from chatkeep.personal.person import Person, names
from chatkeep.personal.references import Registry

_KNOWN = (
    "concat_ws(' ', s.most_common_vals::text, s.histogram_bounds::text, s.most_common_elems::text)"
)
# Of tables with row-level security PostgreSQL shows these to a superuser alone.
_HOLDING = f"""
select to_regclass(format('%I.%I', s.schemaname, s.tablename))::oid::int8, s.attname::text
from pg_catalog.pg_stats s
where {names(_KNOWN)}
  and s.schemaname not in ('pg_catalog', 'information_schema')
order by 1, 2
"""  # noqa: S608 - a constant of this package

_CLEAR = """
select pg_catalog.pg_clear_attribute_stats(s.schemaname, s.tablename, s.attname, s.inherited)
from pg_catalog.pg_stats s where s.schemaname = $1 and s.tablename = $2
"""
_CLEARS_SINCE = 18


async def forget(
    connection: asyncpg.Connection, registry: Registry, person: Person, touched: Iterable[str]
) -> dict[str, str]:
    """Analyze the tables that were changed, and those whose statistics hold id or e-mail.

    One that another process is altering or vacuuming is passed over; `holding` tells of it.

    Args:
        connection: Not in a transaction.
        registry: Of the same database.
        person: Whom to forget.
        touched: Names of tables as they are shown.

    Returns:
        The tables that PostgreSQL refused to analyze, and why.
    """
    failed: dict[str, str] = {}
    names = set(touched)
    tables = {each.oid: each for each in registry.tables.values() if each.shown in names}
    for table, _ in await _holding(connection, registry, person):
        tables[table.oid] = table
    for table in tables.values():
        try:
            await connection.execute(f"analyze (skip_locked) {table.sql}")
        except (*BROKEN, asyncpg.OperatorInterventionError):
            raise
        except asyncpg.PostgresError as exc:  # a lock on a partition, or an index's expression
            failed[table.shown] = describe(exc)
    if connection.get_server_version().major >= _CLEARS_SINCE:
        for table in {table for table, _ in await _holding(connection, registry, person)}:
            if table.shown in failed:
                continue
            sql = f"select exists (select from {table.sql})"  # noqa: S608 - a name of the catalog
            if not await connection.fetchval(sql):
                await connection.fetch(_CLEAR, table.schema, table.name)
    return failed


async def holding(
    connection: asyncpg.Connection, registry: Registry, person: Person
) -> tuple[str, ...]:
    """Give the columns whose statistics hold id or e-mail, as far as this role may see them."""
    kept = {each.shown for each in registry.references if each.does == "keep"}
    found = await _holding(connection, registry, person)
    shown = (f"{table.shown}.{column}" for table, column in found)
    return tuple(column for column in shown if column not in kept)


async def _holding(
    connection: asyncpg.Connection, registry: Registry, person: Person
) -> list[tuple[Table, str]]:
    sql, arguments = person.bind(_HOLDING)
    rows = await connection.fetch(sql, *arguments)
    return [(registry.tables[row[0]], row[1]) for row in rows if row[0] in registry.tables]
