"""Keys, constraints and types that go wrong later."""

from collections.abc import Sequence

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks import declared
from chatkeep.doctor.checks.upgrade import settled_tables
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place
from chatkeep.kit.catalog.catalog import TableShape, default_name
from chatkeep.kit.catalog.tables import Column
from chatkeep.kit.plan.quoting import ident

_NOT_VALID = """
select n.nspname::text, t.relname::text, c.conname::text, c.contype::text
from pg_catalog.pg_constraint c
join pg_catalog.pg_class t on t.oid = c.conrelid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
where not c.convalidated and c.contype in ('c', 'f', 'n') and c.conparentid = 0
  and (not t.relispartition or c.coninhcount = 0)
  and coalesce((pg_catalog.to_jsonb(c) ->> 'conenforced')::bool, true)
order by 1, 2, 3
"""
_KINDS = {"c": "check", "f": "foreign key", "n": "not null"}

# Only the table from which a column comes can change its type.
_INHERITED = """
select n.nspname::text, c.relname::text, a.attname::text
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where a.attinhcount > 0 and a.attnum > 0 and not a.attisdropped
"""

# The next number of each key that counts up, and the last that fits: the column's type or the
# sequence's own end, whichever comes first. Of a partition only the whole can change the type.
_COUNTERS = """
select n.nspname::text, t.relname::text, a.attname::text, a.atttypid::regtype::text,
  sn.nspname::text, s.relname::text, q.last_value::int8,
  least(q.max_value, case a.atttypid when 21 then 32767 when 23 then 2147483647
                     else 9223372036854775807 end)::int8,
  pg_catalog.has_sequence_privilege(s.oid, 'SELECT, USAGE'), wn.nspname::text, w.relname::text
from pg_catalog.pg_class s
join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
join pg_catalog.pg_sequences q on q.schemaname = sn.nspname and q.sequencename = s.relname
join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = s.oid
  and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjsubid > 0
  and d.deptype in ('a', 'i')
join pg_catalog.pg_class t on t.oid = d.refobjid
join pg_catalog.pg_namespace n on n.oid = t.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
join pg_catalog.pg_class w on w.oid = coalesce(pg_catalog.pg_partition_root(t.oid), t.oid)
join pg_catalog.pg_namespace wn on wn.oid = w.relnamespace
where s.relkind = 'S' and q.increment_by > 0 and not q.cycle and a.atttypid in (20, 21, 23)
order by 1, 2, 3
"""


async def _shapes(place: Place) -> list[TableShape]:
    catalog = await place.catalog()
    shapes = [catalog.shape(*name) for name in sorted(await settled_tables(place))]
    return [shape for shape in shapes if shape is not None]


async def _foreign_keys(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    for shape in await _shapes(place):
        for key in shape.foreign_keys:
            if not _serves(shape, key.columns) and not _comes(place, shape, key.columns):
                table = ident(key.schema, key.table)
                name = default_name(key.table, "_".join(key.columns), "idx")
                columns = ", ".join(ident(column) for column in key.columns)
                word = "" if shape.table.partition_key else "CONCURRENTLY "
                found.append(
                    Found(
                        f"foreign key {ident(key.name)} of table {table}",
                        f"No index begins with its columns ({', '.join(key.columns)}).",
                        f"CREATE INDEX {word}{ident(name)} ON {table} ({columns});",
                    )
                )
    return found


def _serves(shape: TableShape, columns: Sequence[str]) -> bool:
    """Whether an index of all rows begins with these columns, in any order."""
    there = [
        [key.column for key in index.columns]
        for index in shape.indexes
        if index.method == "btree" and _holds_all(index.where, columns)
    ]
    there += [list(each.columns) for each in shape.uniques]
    there += [list(shape.primary_key.columns)] if shape.primary_key else []
    return any(set(keys[: len(columns)]) == set(columns) for keys in there)


def _comes(place: Place, shape: TableShape, columns: Sequence[str]) -> bool:
    """Whether a finding of its own brings an index of the schema that serves."""
    table = place.declared.get((shape.table.schema, shape.table.name))
    if table is None:
        return False
    keys: list[tuple[str, ...] | None] = []
    for index in table.indexes:
        method = index.dialect_options["postgresql"]["using"] or "btree"
        if method != "btree" or declared.has_index(shape, index):
            continue
        check = "missing-unique" if index.unique else "missing-index"
        where = declared.predicate(index)
        if place.makes(check) and (where is None or _holds_all(f"({where})", columns)):
            keys.append(declared.plain_columns(index))
    if place.makes("missing-unique"):
        keys += [
            declared.names(list(each.columns))
            for each in table.constraints
            if isinstance(each, UniqueConstraint | PrimaryKeyConstraint)
            and not declared.has_constraint(shape, each)
        ]
    return any(found and set(found[: len(columns)]) == set(columns) for found in keys)


def _holds_all(where: str | None, columns: Sequence[str]) -> bool:
    """Whether a partial index holds every row that refers to something."""
    texts = {f"({name} IS NOT NULL)" for column in columns for name in (column, ident(column))}
    return where is None or where in texts


async def _times(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    inherited = {(row[0], row[1], row[2]) for row in await place.fetch(_INHERITED)}
    for shape in await _shapes(place):
        for column in shape.columns:
            if _is_unzoned(column) and (*shape.table.path, column.name) not in inherited:
                table, name = ident(column.schema, column.table), ident(column.name)
                found.append(
                    Found(
                        f"column {name} of table {table}",
                        f"Its type is {column.type}; the command takes what is there for UTC, and "
                        "writes the table anew while nobody can use it.",
                        f"ALTER TABLE {table} ALTER COLUMN {name} TYPE timestamp with time zone "
                        f"USING {name} AT TIME ZONE 'UTC';",
                    )
                )
    return found


def _is_unzoned(column: Column) -> bool:
    return column.type.startswith("timestamp") and column.type.endswith("without time zone")


async def _unproved(place: Place) -> Sequence[Found]:
    tables = await place.tables()
    return [
        Found(
            f"{_KINDS[kind]} constraint {ident(name)} of table {ident(schema, table)}",
            "It is NOT VALID: rows from before it were never compared with it.",
            f"ALTER TABLE {ident(schema, table)} VALIDATE CONSTRAINT {ident(name)};",
        )
        for schema, table, name, kind in await place.fetch(_NOT_VALID)
        if (schema, table) in tables
    ]


async def _counters(place: Place) -> Sequence[Found]:
    tables = await place.tables()
    found: list[Found] = []
    for row in await place.fetch(_COUNTERS):
        schema, table, column, type_, _, sequence, last, most, readable, *whole = row
        if (schema, table) not in tables:
            continue
        if not readable:
            place.blind(f"the role may not read the sequence {sequence}")
            continue
        used = (last or 0) / most
        if used < place.limits.key_share:
            continue
        about = f"column {ident(column)} of table {ident(schema, table)}"
        message = f"{used:.0%} of its numbers are used: the last was {last}, {most} is the end."
        if type_ == "bigint":
            mend = f"ALTER SEQUENCE {ident(row[4], sequence)} NO MAXVALUE;"
        else:
            mend = (
                f"ALTER TABLE {ident(*whole)} ALTER COLUMN {ident(column)} TYPE bigint;\n"
                f"ALTER SEQUENCE {ident(row[4], sequence)} AS bigint NO MAXVALUE;"
            )
        end = 0.95
        found.append(Found(about, message, mend, severity=Severity.ERROR if used >= end else None))
    return found


CHECKS = (
    Check(
        "foreign-key-without-index",
        Severity.WARNING,
        "Each delete in the other table reads this one from end to end.",
        _foreign_keys,
    ),
    Check(
        "timestamp-without-zone",
        Severity.WARNING,
        "The same value means another moment to each session's time zone.",
        _times,
    ),
    Check(
        "constraint-not-valid",
        Severity.WARNING,
        "Old rows may break the rule, and a reader that counts on it meets them.",
        _unproved,
    ),
    Check(
        "key-near-its-end",
        Severity.WARNING,
        "When the numbers are used up, no row can be inserted any more.",
        _counters,
    ),
)
