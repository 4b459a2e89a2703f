"""Statements that run without a transaction: whether one came through, and what it left behind."""

from typing import Literal

import asyncpg

from chatkeep.kit.applying import indexes
from chatkeep.kit.applying.sqlscan import split
from chatkeep.kit.applying.targets import (
    cluster_object,
    detached,
    dropped_index,
    new_index,
    reindexed,
    unquoted,
)
from chatkeep.kit.plan.quoting import ident

Verdict = Literal["done", "again", "unknown"]
"""Its effect is there; it can be sent (again); or nobody can tell."""

_REPEATABLE = {"VACUUM", "ANALYZE", "CLUSTER", "DISCARD", "REINDEX", "SET", "RESET"}
_CATALOGS = {
    "DATABASE": "select exists (select 1 from pg_catalog.pg_database where datname = $1)",
    "TABLESPACE": "select exists (select 1 from pg_catalog.pg_tablespace where spcname = $1)",
    "SUBSCRIPTION": """
        select exists (
            select 1 from pg_catalog.pg_subscription s
            join pg_catalog.pg_database d on d.oid = s.subdbid
            where s.subname = $1 and d.datname = pg_catalog.current_database()
        )""",
}
_IS_THERE = "select pg_catalog.to_regclass($1) is not null"
_PARTITION = """
select i.inhdetachpending from pg_catalog.pg_inherits i
where i.inhparent = pg_catalog.to_regclass($1) and i.inhrelid = pg_catalog.to_regclass($2)
"""
# What REINDEX CONCURRENTLY leaves when it breaks: a copy that is not finished, or the old one.
_REMAINS = """
select n.nspname, c.relname
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid and c.relname ~ '_cc(new|old)[0-9]*$'
  and t.relkind <> 't'
  and not exists (select 1 from pg_catalog.pg_stat_progress_create_index p
                  where p.index_relid = c.oid or p.relid = t.oid)
  and case $1
      when 'INDEX' then
          i.indrelid = (select x.indrelid from pg_catalog.pg_index x
                        where x.indexrelid = pg_catalog.to_regclass($2))
          and starts_with(c.relname, left($3, 63 - 10))
      when 'TABLE' then i.indrelid = pg_catalog.to_regclass($2)
      when 'SCHEMA' then n.nspname = $3
      else true end
order by 1, 2
"""


async def verdict(connection: asyncpg.Connection, sql: str) -> Verdict:
    """Judge a statement that was sent, and of which no answer came.

    Args:
        connection: Not in a transaction.
        sql: The statement.
    """
    found: bool | None
    if (index := new_index(sql)) is not None:
        found = await indexes.came_through(connection, index)
    elif (name := dropped_index(sql)) is not None:
        found = not await connection.fetchval(_IS_THERE, name)
    elif (pair := detached(sql)) is not None:
        found = not await connection.fetch(_PARTITION, *pair)
    elif (made := cluster_object(sql)) is not None:
        verb, kind, name = made
        found = bool(await connection.fetchval(_CATALOGS[kind], name)) is (verb == "CREATE")
    else:
        found = False if _is_repeatable(sql) else None
    return "unknown" if found is None else "done" if found else "again"


async def remains(connection: asyncpg.Connection, sql: str, place: str) -> list[str]:
    """Give the INVALID indexes, as SQL, that are in this statement's way and belong to nobody.

    Args:
        connection: Not in a transaction.
        sql: The statement that will run.
        place: What an error calls it.

    Raises:
        MigrationFailedError: A live process is building one of them.
    """
    if (index := new_index(sql)) is not None:
        return [found.quoted for found in await indexes.broken(connection, index, place)]
    if "CONCURRENTLY" in _words(sql) and (pair := reindexed(sql)) is not None:
        kind, name = pair
        short = unquoted(name) if name else ""
        return [ident(*row) for row in await connection.fetch(_REMAINS, kind, name, short)]
    return []


async def replacement(connection: asyncpg.Connection, sql: str) -> str | None:
    """Give what must be sent in place of a statement that was half done; None for itself."""
    pair = detached(sql)
    if pair is None or not await connection.fetchval(_PARTITION, *pair):
        return None
    table, partition = pair
    return f"alter table {table} detach partition {partition} finalize"


def _is_repeatable(sql: str) -> bool:
    words = _words(sql)
    return words[0] in _REPEATABLE or tuple(words[:2]) in {
        ("ALTER", "SYSTEM"),
        ("ALTER", "DATABASE"),
        ("ALTER", "SUBSCRIPTION"),
    }


def _words(sql: str) -> tuple[str, ...]:
    return next((part.words for part in split(sql) if part.words), ("",))
