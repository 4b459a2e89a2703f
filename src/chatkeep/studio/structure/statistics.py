"""What PostgreSQL counts about a table and its indexes: sizes, uses, when it was tidied up."""

import asyncpg

_OID = """
select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2
"""

# Columns that only later versions have are taken from the row as JSON: NULL where they are missing.
_INDEXES = """
select c.relname::text as name, pg_catalog.pg_get_indexdef(c.oid) as definition,
  a.amname::text as method, i.indisunique as is_unique, i.indisprimary as is_primary,
  i.indisvalid and i.indisready as is_valid, k.conname::text as constraint,
  pg_catalog.pg_relation_size(c.oid)::int8 as bytes, coalesce(s.idx_scan, 0)::int8 as scans,
  (to_jsonb(s) ->> 'last_idx_scan')::timestamptz as last_scan
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_am a on a.oid = c.relam
left join pg_catalog.pg_stat_all_indexes s on s.indexrelid = c.oid
left join pg_catalog.pg_constraint k on k.conindid = c.oid and k.contype in ('p', 'u', 'x')
where i.indrelid = $1::oid
order by i.indisprimary desc, c.relname
"""

_TABLE = """
select coalesce(nullif(s.n_live_tup, 0), case when c.reltuples >= 0 then c.reltuples end)::int8
    as rows,
  coalesce(s.n_dead_tup, 0)::int8 as dead, coalesce(s.n_mod_since_analyze, 0)::int8 as changed,
  coalesce(s.n_tup_ins, 0)::int8 as inserted, coalesce(s.n_tup_upd, 0)::int8 as updated,
  coalesce(s.n_tup_del, 0)::int8 as deleted,
  coalesce(s.seq_scan, 0)::int8 as whole_reads, coalesce(s.idx_scan, 0)::int8 as index_reads,
  greatest(s.last_vacuum, s.last_autovacuum) as vacuumed,
  greatest(s.last_analyze, s.last_autoanalyze) as analyzed,
  pg_catalog.pg_relation_size(c.oid)::int8 as heap_bytes,
  pg_catalog.pg_indexes_size(c.oid)::int8 as index_bytes,
  case when c.reltoastrelid = 0 then 0
    else pg_catalog.pg_total_relation_size(c.reltoastrelid) end::int8 as toast_bytes,
  pg_catalog.pg_total_relation_size(c.oid)::int8 as bytes,
  d.stats_reset as since, pg_catalog.pg_postmaster_start_time() as started
from pg_catalog.pg_class c
left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
left join pg_catalog.pg_stat_database d on d.datname = pg_catalog.current_database()
where c.oid = $1::oid
"""


async def oid_of(connection: asyncpg.Connection, schema: str, name: str) -> int | None:
    """Give PostgreSQL's number of a table or view, or None."""
    found = await connection.fetchval(_OID, schema, name)
    return None if found is None else int(found)


async def indexes_of(connection: asyncpg.Connection, oid: int) -> list[dict[str, object]]:
    """Give the indexes of a table: definition, size in bytes, how often and when last used."""
    return [dict(row) for row in await connection.fetch(_INDEXES, oid)]


async def statistics_of(connection: asyncpg.Connection, oid: int) -> dict[str, object]:
    """Give sizes in bytes, estimated rows, and what was done to a table since the counts began."""
    row = await connection.fetchrow(_TABLE, oid)
    return {} if row is None else dict(row)
