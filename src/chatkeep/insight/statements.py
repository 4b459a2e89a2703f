"""Which statements take the most time, as `pg_stat_statements` counts them; of this database alone."""

from datetime import datetime
from typing import Literal, TypeAlias

import asyncpg

from chatkeep.insight.literals import without_literals
from chatkeep.kit.plan.quoting import ident
from chatkeep.records.base import Record

By: TypeAlias = Literal["total", "mean", "longest", "calls", "rows", "reads"]
State: TypeAlias = Literal["ready", "not_created", "not_loaded", "not_there", "outdated"]

MOST = 200
"""So many statements are given at most."""
_TEXT = 4000  # characters of a statement that are given

_INSTALLED = """
select n.nspname::text, e.extversion::text from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
"""
_AVAILABLE = """
select exists (select from pg_catalog.pg_available_extensions a
               where a.name = 'pg_stat_statements'),
    (select s.setting like '%pg_stat_statements%' from pg_catalog.pg_settings s
     where s.name = 'shared_preload_libraries')
"""
_ORDER: dict[str, str] = {
    "total": "total_ms",
    "mean": "mean_ms",
    "longest": "longest_ms",
    "calls": "calls",
    "rows": "rows",
    "reads": "blocks_read",
}
# Statements that run inside of functions are counted where the extension is told to; what they took
# stands in what called them too, so they are left out.
_STATEMENTS = """
select s.queryid::text as id, left(min(s.query), {text}) as query, sum(s.calls)::int8 as calls,
    sum(s.total_exec_time)::float8 as total_ms,
    (sum(s.total_exec_time) / greatest(sum(s.calls), 1))::float8 as mean_ms,
    max(s.max_exec_time)::float8 as longest_ms, sum(s.rows)::int8 as rows,
    sum(s.shared_blks_hit)::int8 as blocks_hit, sum(s.shared_blks_read)::int8 as blocks_read,
    sum(s.temp_blks_written)::int8 as blocks_spilled
from {schema}.pg_stat_statements s
where s.dbid = (select d.oid from pg_catalog.pg_database d
                where d.datname = pg_catalog.current_database())
  and s.queryid is not null and s.toplevel
group by s.queryid order by {by} desc, id limit {limit}
"""
_SINCE = "select i.stats_reset from {schema}.pg_stat_statements_info i"
_OLDEST = (1, 9)  # of PostgreSQL 14: `toplevel`, `pg_stat_statements_info`


class StatementFigures(Record, rename="camel"):
    """What one normalised statement took, all its callers together; times are in milliseconds.

    Attributes:
        id: PostgreSQL's hash of it.
        query: Its text without values; None where this role may not read it.
        blocks_hit: Pages of tables and indexes found in PostgreSQL's memory.
        blocks_read: Pages that were not.
        blocks_spilled: Pages written beside, because `work_mem` was too small.
    """

    id: str
    query: str | None
    calls: int
    total_ms: float
    mean_ms: float
    longest_ms: float
    rows: int
    blocks_hit: int
    blocks_read: int
    blocks_spilled: int


class Statements(Record, rename="camel"):
    """The statements of this database.

    Attributes:
        state: `ready`; `not_created`: `CREATE EXTENSION` is missing; `not_loaded`: it is not in
            `shared_preload_libraries`; `not_there`: the server does not have it; `outdated`: it
            wants `ALTER EXTENSION … UPDATE`.
        is_loaded: Whether the server loads it; None where this role may not know.
        version: Of the extension; None where it is not created.
        since: Since when it counts.
        statements: Those first that were asked for first.
    """

    state: State
    is_loaded: bool | None
    version: str | None
    since: datetime | None
    statements: list[StatementFigures]


async def read_statements(
    connection: asyncpg.Connection, by: By = "total", limit: int = 50
) -> Statements:
    """Give the statements that stand out.

    Args:
        connection: Inside a transaction.
        by: The order: time in all, mean time, longest time, calls, rows, pages that were read.
        limit: At most so many, and no more than `MOST`.
    """
    is_there, is_loaded = (await connection.fetch(_AVAILABLE))[0]
    installed = await connection.fetchrow(_INSTALLED)
    if installed is None:
        state: State = "not_created" if is_there else "not_there"
        return Statements(state, is_loaded, None, None, [])
    schema, version = installed
    if _parts(version) < _OLDEST:
        return Statements("outdated", is_loaded, version, None, [])
    sql = _STATEMENTS.format(
        schema=ident(schema), by=_ORDER[by], limit=min(limit, MOST), text=_TEXT
    )
    try:
        async with connection.transaction():  # a savepoint: the caller's transaction goes on
            rows = await connection.fetch(sql)
            (since,) = (await connection.fetch(_SINCE.format(schema=ident(schema))))[0]
    except asyncpg.ObjectNotInPrerequisiteStateError:
        return Statements("not_loaded", False, version, None, [])
    found = [StatementFigures(row[0], shown(row[1]), *tuple(row)[2:]) for row in rows]
    return Statements("ready", True, version, since, found)


def shown(query: str | None) -> str | None:
    """Give a text of PostgreSQL's statistics without values; None where the role may not see it.

    Normalised texts still hold the values of statements that are no queries, such as passwords.
    """
    if query is None or query.startswith("<insufficient privilege>"):
        return None
    return without_literals(query).strip()


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
