"""The database at one look: what is large, what is in use, what needs attention."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from chatkeep.kit.catalog.reader import IGNORED_SCHEMAS
from chatkeep.kit.plan.quoting import ident
from chatkeep.studio.structure.reading import Name

_LARGEST = 8
_TOLD = 20  # of each kind of trouble
_ROWS = 1000  # a smaller table needs no statistics
_FIRST = ("users", "chats", "messages")
_COUNTED = 10_000

_ABOUT = """
select current_database()::text, current_setting('server_version'), current_user::text,
    pg_catalog.pg_database_size(current_database())
"""

# A partition counts for the whole that it is a part of.
_TABLES = """
with recursive roots (oid, root) as (
  select c.oid, c.oid from pg_catalog.pg_class c
  where c.relkind in ('r', 'p', 'm') and not c.relispartition
  union all
  select i.inhrelid, roots.root from roots
  join pg_catalog.pg_inherits i on i.inhparent = roots.oid
  join pg_catalog.pg_class p on p.oid = i.inhrelid and p.relispartition
)
select n.nspname::text, t.relname::text,
  sum(coalesce(nullif(s.n_live_tup, 0), case when c.reltuples >= 0 then c.reltuples end))::int8,
  sum({size})::int8 as bytes
from roots
join pg_catalog.pg_class t on t.oid = roots.root
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
join pg_catalog.pg_class c on c.oid = roots.oid
left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind <> 'p'
group by t.oid, n.nspname, t.relname
order by 4 desc, 1, 2
"""
_EXACT = "coalesce(pg_catalog.pg_total_relation_size(c.oid), 0)"
_NOTED = "c.relpages::int8 * pg_catalog.current_setting('block_size')::int8"

_CONNECTIONS = """
select count(*)::int4, pg_catalog.current_setting('max_connections')::int4
from pg_catalog.pg_stat_activity
where datname = pg_catalog.current_database() and backend_type = 'client backend'
"""

_INVALID = """
select n.nspname::text, t.relname::text, c.relname::text
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
where not i.indisvalid and c.relkind = 'i' and n.nspname !~ '^pg_'
  and not exists (select from pg_catalog.pg_stat_progress_create_index p where p.index_relid = c.oid)
order by 1, 2, 3 limit $1
"""

_UNTENDED = """
select schemaname::text, relname::text, n_live_tup::int8,
  coalesce(last_vacuum, last_autovacuum) is null, coalesce(last_analyze, last_autoanalyze) is null
from pg_catalog.pg_stat_user_tables
where n_live_tup >= $2 and (coalesce(last_vacuum, last_autovacuum) is null
  or coalesce(last_analyze, last_autoanalyze) is null)
order by n_live_tup desc limit $1
"""


async def about(connection: asyncpg.Connection) -> tuple[str, str, str, int]:
    """Give the database's name, its server's version, the role, and its size in bytes."""
    (row,) = await connection.fetch(_ABOUT)
    database, version, role, size = row
    return database, version, role, size


async def glance(
    connection: asyncpg.Connection, attributes: Mapping[Name, str]
) -> dict[str, object]:
    """Give sizes, estimated rows, connections and what needs attention.

    Args:
        connection: Inside a read-only transaction.
        attributes: The tables' attributes of the schema object.
    """
    rows = [tuple(row) for row in await _tables(connection)]
    tables = [row for row in rows if row[0] not in IGNORED_SCHEMAS]
    rooms = await connection.fetch(_CONNECTIONS)
    used, most = rooms[0]
    return {
        "counts": await _counts(connection, tables, attributes),
        "tables": len(tables),
        "largest": [
            {
                "schema": schema,
                "name": name,
                "attribute": attributes.get((schema, name)),
                "rows": count,
                "bytes": size,
            }
            for schema, name, count, size in tables[:_LARGEST]
        ],
        "connections": {"used": used, "most": most},
        "invalid": [
            {"schema": schema, "table": table, "index": index}
            for schema, table, index in await connection.fetch(_INVALID, _TOLD)
        ],
        "untended": [
            {"schema": schema, "table": table, "rows": count, "vacuum": vacuum, "analyze": analyze}
            for schema, table, count, vacuum, analyze in await connection.fetch(
                _UNTENDED, _TOLD, _ROWS
            )
        ],
    }


async def _counts(
    connection: asyncpg.Connection, tables: list[Any], attributes: Mapping[Name, str]
) -> dict[str, object]:
    """Estimate the rows that people ask for first; a table without statistics is counted so far."""
    found: dict[str, object] = {}
    for schema, name, rows, _ in tables:
        attribute = attributes.get((schema, name))
        if attribute in _FIRST:
            counted = rows if rows is not None else await _few(connection, schema, name)
            more = rows is None and counted == _COUNTED
            found[attribute] = {"rows": counted, "more": more, "estimated": rows is not None}
    return found


async def _few(connection: asyncpg.Connection, schema: str, name: str) -> int | None:
    """Count up to a bound; None where the role may not, or somebody has locked the table."""
    try:
        async with connection.transaction():
            await connection.execute("set local lock_timeout = 200")
            few = f"select from {ident(schema, name)} limit {_COUNTED}"
            found = await connection.fetch(f"select count(*) from ({few}) as few")  # noqa: S608 - quoted
            return int(found[0][0])
    except (asyncpg.LockNotAvailableError, asyncpg.InsufficientPrivilegeError):
        return None


async def _tables(connection: asyncpg.Connection) -> list[Any]:
    """Measure the files; where somebody has locked a table, take what the last VACUUM noted."""
    try:
        async with connection.transaction():
            await connection.execute("set local lock_timeout = 200")
            return list(await connection.fetch(_TABLES.format(size=_EXACT)))
    except asyncpg.LockNotAvailableError:
        return list(await connection.fetch(_TABLES.format(size=_NOTED)))
