"""Room that tables and indexes waste, estimated from PostgreSQL's statistics."""

from collections.abc import Sequence
from typing import Any

from chatkeep.doctor.check import Check
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place, size
from chatkeep.kit.plan.quoting import ident

# Pages that the rows would fill: 4 bytes of line pointer and 24 of header for each, then its
# columns, in steps of 8. relpages and reltuples are of the same moment.
_TABLES = """
select n.nspname::text, c.relname::text, c.relpages::float8 * b.block, c.oid::int8,
  ceil(c.reltuples * (28 + 8 * ceil(w.width / 8)) / ((b.block - 24) * b.fill)) * b.block,
  w.known = w.wanted
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral (
  select current_setting('block_size')::float8 as block,
    coalesce((select option_value::float8 from pg_catalog.pg_options_to_table(c.reloptions)
              where option_name = 'fillfactor'), 100) / 100 as fill) b
cross join lateral (
  select count(*) as wanted, count(s.avg_width) as known,
    coalesce(sum((1 - s.null_frac) * s.avg_width), 0)::float8
      + case when bool_or(s.null_frac > 0) then 8 else 0 end as width
  from pg_catalog.pg_attribute a
  left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname
    and s.attname = a.attname and not s.inherited
  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) w
where c.relkind in ('r', 'm') and c.reltuples >= 0 and c.relpages > 1
order by 3 desc, 1, 2
"""
_INDEXES = """
select n.nspname::text, t.relname::text, c.relname::text, c.relpages::float8 * b.block,
  ceil(c.reltuples * (12 + 8 * ceil(w.width / 8)) / ((b.block - 40) * b.fill) * 1.02 + 1) * b.block,
  w.known = w.wanted
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_am am on am.oid = c.relam and am.amname = 'btree'
cross join lateral (
  select current_setting('block_size')::float8 as block,
    coalesce((select option_value::float8 from pg_catalog.pg_options_to_table(c.reloptions)
              where option_name = 'fillfactor'), 90) / 100 as fill) b
cross join lateral (
  select count(*) as wanted, count(coalesce(s.avg_width, e.avg_width)) as known,
    coalesce(sum((1 - coalesce(s.null_frac, e.null_frac))
             * coalesce(s.avg_width, e.avg_width)), 0)::float8 as width
  from pg_catalog.generate_series(0, i.indnatts - 1) k
  left join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = i.indkey[k]
    and a.attnum > 0
  left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = t.relname
    and s.attname = a.attname and not s.inherited
  left join pg_catalog.pg_attribute x on x.attrelid = c.oid and x.attnum = k + 1
    and i.indkey[k] = 0
  left join pg_catalog.pg_stats e on e.schemaname = n.nspname and e.tablename = c.relname
    and e.attname = x.attname) w
where i.indisvalid and c.relkind = 'i' and c.reltuples >= 0 and c.relpages > 1
order by 4 desc, 1, 3
"""
_MEASURE = """
select quote_ident(n.nspname) from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace where e.extname = 'pgstattuple'
"""


def _is_much(place: Place, real: float, wasted: float) -> bool:
    limits = place.limits
    return wasted >= limits.bloat_bytes and wasted >= limits.bloat_share * real


async def _tables(place: Place) -> Sequence[Found]:
    tables, found = await place.tables(), list[Found]()
    measure = await place.fetch(_MEASURE)
    for schema, name, real, oid, needed, is_known in await place.fetch(_TABLES):
        if (schema, name) not in tables:
            continue
        if not is_known:
            _say_unknown(place)
            continue
        wasted, how = real - needed, "an estimate from statistics"
        if not _is_much(place, real, wasted):
            continue
        if measure:
            wasted, how = await _measured(place, measure[0][0], oid), "measured by pgstattuple"
            if not _is_much(place, real, wasted):
                continue
        table = ident(schema, name)
        found.append(
            Found(
                f"table {table}",
                f"About {size(wasted)} of its {size(real)} hold no row ({how}); the command writes "
                "it anew, while nobody can use it.",
                f"VACUUM (FULL, ANALYZE) {table};",
            )
        )
    return found


async def _measured(place: Place, schema: str, oid: int) -> float:
    sql = (
        "select (approx_free_space + dead_tuple_len)::float8 "  # noqa: S608 - a quoted name
        f"from {schema}.pgstattuple_approx($1::int8::oid::regclass)"
    )
    rows: list[Any] = await place.fetch(sql, oid)
    return float(rows[0][0])


async def _indexes(place: Place) -> Sequence[Found]:
    tables, found = await place.tables(), list[Found]()
    for schema, table, name, real, needed, is_known in await place.fetch(_INDEXES):
        if (schema, table) not in tables:
            continue
        if not is_known:
            _say_unknown(place)
            continue
        wasted = real - needed
        if _is_much(place, real, wasted):
            index = ident(schema, name)
            found.append(
                Found(
                    f"index {index} of table {ident(schema, table)}",
                    f"About {size(wasted)} of its {size(real)} hold nothing (an estimate from "
                    "statistics).",
                    f"REINDEX INDEX CONCURRENTLY {index};",
                )
            )
    return found


def _say_unknown(place: Place) -> None:
    place.blind("some tables were never analyzed, or the role may not read their columns")


CHECKS = (
    Check(
        "table-bloat",
        Severity.WARNING,
        "Each scan and each backup reads the empty room, and the cache holds it.",
        _tables,
    ),
    Check(
        "index-bloat",
        Severity.WARNING,
        "Each look into it reads more pages, and the cache holds fewer of them.",
        _indexes,
    ),
)
