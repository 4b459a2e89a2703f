"""Indexes that are broken, of no use, or there twice."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.declared import cut
from chatkeep.doctor.checks.upgrade import settled_tables
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place, size, told
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import PrimaryKey, Unique
from chatkeep.kit.catalog.indexes import Index, IndexColumn
from chatkeep.kit.plan.quoting import ident

# That of a partitioned table is INVALID until each partition has its own: no broken build.
_INVALID = """
select n.nspname::text, c.relname::text, t.relname::text, i.indisunique, c.relispartition,
  exists (select from pg_catalog.pg_stat_progress_create_index p
          where p.index_relid = c.oid or p.relid = t.oid),
  exists (select from pg_catalog.pg_locks l
          where l.locktype = 'relation' and l.relation = t.oid
            and l.database = (select oid from pg_catalog.pg_database
                              where datname = current_database())
            and l.mode = 'ShareUpdateExclusiveLock' and l.pid <> pg_catalog.pg_backend_pid()),
  exists (select from pg_catalog.pg_stat_progress_create_index p
          where p.datname = current_database() and p.relid is null)
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indexrelid
join pg_catalog.pg_class t on t.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not i.indisvalid and c.relkind = 'i' and n.nspname !~ '^pg_'
order by 1, 2
"""
_LEFT_OVER = re.compile(r"_cc(new|old)\d*\Z")

_USED = """
select s.schemaname::text, s.relname::text, s.indexrelname::text,
  pg_catalog.pg_relation_size(s.indexrelid)::int8,
  extract(epoch from now() - coalesce(d.stats_reset, pg_catalog.pg_postmaster_start_time()))::float8
from pg_catalog.pg_stat_user_indexes s
join pg_catalog.pg_index i on i.indexrelid = s.indexrelid
join pg_catalog.pg_class x on x.oid = s.indexrelid and not x.relispartition
join pg_catalog.pg_stat_user_tables t on t.relid = s.relid
join pg_catalog.pg_stat_database d on d.datname = current_database()
where s.idx_scan = 0 and i.indisvalid and not i.indisunique and not i.indisreplident
  and t.n_live_tup >= 1000 and coalesce(t.seq_scan, 0) + coalesce(t.idx_scan, 0) > 0
  and not exists (select from pg_catalog.pg_constraint c where c.conindid = i.indexrelid)
order by 4 desc, 1, 3
"""


async def _invalid(place: Place) -> Sequence[Found]:
    tables, wanted = await place.tables(), declared_indexes(place)
    found: list[Found] = []
    for row in await place.fetch(_INVALID):
        schema, name, table, is_unique, is_part, *builders = row
        if (schema, table) not in tables or _is_being_built(place, ident(schema, table), *builders):
            continue
        left = _LEFT_OVER.search(name) is not None
        # That of a partition, once it is part of a whole, cannot be dropped by itself.
        again = is_part or ((schema, name) in wanted and not left and not is_unique)
        command = "REINDEX" if again else "DROP"
        what = "A broken REINDEX CONCURRENTLY left it" if left else "A broken build left it INVALID"
        also = (
            "; the next run says what keeps it from being built" if is_unique and not left else ""
        )
        found.append(
            Found(
                f"index {ident(schema, name)} of table {ident(schema, table)}",
                f"{what}: no query uses it{also}.",
                f"{command} INDEX CONCURRENTLY {ident(schema, name)};",
            )
        )
    return found


def _is_being_built(
    place: Place, table: str, is_building: bool, is_locked: bool, is_unknown: bool
) -> bool:
    """Whether somebody may be building an index of a table; says so where it cannot be known.

    A build holds the lock from its beginning to its end; VACUUM and ANALYZE take the same one.
    """
    if is_building:
        return True
    if is_locked:
        place.blind(
            f"somebody is at work on table {table}, and may be building its INVALID index; ask again"
        )
    elif is_unknown:
        place.blind(
            "somebody builds an index, and this role may not see which: "
            f"GRANT pg_read_all_stats TO the role {place.role}"
        )
    return is_locked or is_unknown


def declared_indexes(place: Place) -> set[tuple[str, str]]:
    """Give the indexes that the schema declares, by schema and name."""
    return {
        (schema, cut(str(index.name)))
        for (schema, _), table in place.declared.items()
        for index in table.indexes
    }


async def _unused(place: Place) -> Sequence[Found]:
    tables, wanted = await settled_tables(place), declared_indexes(place)
    found: list[Found] = []
    for schema, table, name, bytes_, seconds in await place.fetch(_USED):
        if (schema, table) not in tables or (schema, name) in wanted:
            continue  # one of the schema's is a matter of the schema, not of this database
        age = place.limits.statistics_age
        if seconds < age.total_seconds():
            place.blind(f"the statistics are younger than {told(age)}")
            break
        found.append(
            Found(
                f"index {ident(schema, name)} of table {ident(schema, table)}",
                f"No query has used its {size(bytes_)} since the statistics began; a replica's "
                "queries are not in them.",
                f"DROP INDEX CONCURRENTLY {ident(schema, name)};",
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Served:
    """What an index can answer.

    Attributes:
        keys: Its keys in order.
        bound: It carries a constraint.
    """

    schema: str
    table: str
    name: str
    method: str
    where: str | None
    keys: tuple[IndexColumn, ...]
    include: tuple[str, ...]
    unique: bool
    bound: bool


async def _doubled(place: Place) -> Sequence[Found]:
    tables, wanted = await settled_tables(place), declared_indexes(place)
    served = [
        each
        for each in served_by_indexes(await place.catalog())
        if (each.schema, each.table) in tables
    ]
    invalid = {(row[0], row[1]) for row in await place.fetch(_INVALID)}
    served = [each for each in served if (each.schema, each.name) not in invalid]
    found: list[Found] = []
    gone: set[tuple[str, str]] = set()
    # What is not in the schema goes first, then the one with the longer name: mostly the copy.
    order = sorted(
        served, key=lambda e: ((e.schema, e.name) in wanted, -len(e.keys), -len(e.name), e.name)
    )
    for each in order:
        if each.bound or (each.schema, each.name) in wanted:
            continue
        for other in served:
            same_place = (other.schema, other.table) == (each.schema, each.table)
            taken = other is each or (other.schema, other.name) in gone
            if not taken and same_place and covers(other, each):
                gone.add((each.schema, each.name))
                found.append(
                    Found(
                        f"index {ident(each.schema, each.name)} of table "
                        f"{ident(each.schema, each.table)}",
                        f"{ident(other.schema, other.name)} answers all that it does.",
                        f"DROP INDEX CONCURRENTLY {ident(each.schema, each.name)};",
                    )
                )
                break
    return found


def served_by_indexes(catalog: Catalog) -> list[Served]:
    """Give what each index of a database can answer, those of constraints among them."""
    found = [
        Served(
            fact.schema,
            fact.relation,
            fact.name,
            fact.method,
            fact.where,
            fact.columns,
            fact.include,
            fact.unique,
            bound=False,
        )
        for fact in catalog.of(Index)
        if fact.whole is None and not fact.partitioned
    ]
    for fact in (*catalog.of(PrimaryKey), *catalog.of(Unique)):
        keys = tuple(IndexColumn(name, name, None, None, False, False) for name in fact.columns)
        path = (fact.schema, fact.table, fact.name)
        found.append(Served(*path, "btree", None, keys, fact.include, unique=True, bound=True))
    return found


def covers(other: Served, each: Served) -> bool:
    """Whether an index makes another one needless."""
    if (other.method, other.where) != (each.method, each.where) or other.method != "btree":
        same = other.keys == each.keys and other.include == each.include
        return (other.method, other.where) == (each.method, each.where) and same
    if each.unique and not (other.unique and _plain(other.keys) == _plain(each.keys)):
        return False
    begins = _plain(other.keys)[: len(each.keys)] == _plain(each.keys)
    return begins and set(each.include) <= {*other.include, *(k.column for k in other.keys)}


def _plain(keys: Sequence[IndexColumn]) -> list[tuple[object, ...]]:
    return [
        (
            key.column or key.expression,
            key.operator_class,
            key.collation,
            key.descending,
            key.nulls_first,
        )
        for key in keys
    ]


CHECKS = (
    Check(
        "invalid-index",
        Severity.ERROR,
        "It costs every write and serves no query.",
        _invalid,
    ),
    Check(
        "unused-index",
        Severity.NOTE,
        "It costs every write and its room, and nothing has needed it.",
        _unused,
    ),
    Check(
        "doubled-index",
        Severity.NOTE,
        "Two indexes for one purpose cost every write twice.",
        _doubled,
    ),
)
