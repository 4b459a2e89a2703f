"""What the database's catalogue says of one table or view: all that its rows are read by."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import asyncpg

from chatkeep.kit.plan.quoting import ident
from chatkeep.personal.catalog import ON_DELETE
from chatkeep.schema.schema import Schema
from chatkeep.studio.ground import Ground
from chatkeep.studio.masking import secret_columns
from chatkeep.studio.refusing import NoSuchThingError

Paging = Literal["primary", "unique", "position", "offset"]
KINDS = {
    "r": "table",
    "p": "partitioned",
    "v": "view",
    "m": "materialized",
    "f": "foreign",
}
BIG_ROWS = 50_000
"""A table with more rows is not searched or sorted unasked where no index helps."""
POSITION = ("ctid", "xmin")
"""What tells rows apart that have no key: the place on disk, and who wrote it."""

_BIG_BYTES = 64 * 2**20  # of a table whose rows PostgreSQL has not counted yet
_KEPT_SECONDS = 3.0
_INTERNAL = frozenset({"chatkeep", "drizzle"})
_LOCAL = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
_TABLES = f"""
select c.oid::int8, n.nspname, c.relname, c.relkind::text, c.relispartition,
    case when c.relkind in ('r', 'm', 'f') and not c.relhassubclass
            and (c.reltuples >= 0 or s.main = 0)
        then greatest(c.reltuples, 0)::int8
        when c.relkind = 'p' then s.rows end,
    coalesce(s.total, 0)::int8, coalesce(s.heap, 0)::int8, coalesce(s.indexes, 0)::int8,
    c.relnatts - (select count(*) from pg_catalog.pg_attribute a
                  where a.attrelid = c.oid and a.attnum > 0 and a.attisdropped),
    pg_catalog.obj_description(c.oid, 'pg_class'),
    pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        and pg_catalog.has_table_privilege(c.oid, 'SELECT'),
    c.relhassubclass
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join lateral (
    select sum(pg_catalog.pg_total_relation_size(l.oid)) as total,
        sum(pg_catalog.pg_relation_size(l.oid)) as main,
        sum(pg_catalog.pg_table_size(l.oid)) as heap,
        sum(pg_catalog.pg_indexes_size(l.oid)) as indexes,
        case when bool_and(l.reltuples >= 0) then sum(l.reltuples)::int8 end as rows
    from (select c.oid where c.relkind in ('r', 'm')
          union all
          select t.relid from pg_catalog.pg_partition_tree(c.oid) t
          where c.relkind = 'p' and t.isleaf) own(oid)
    join pg_catalog.pg_class l on l.oid = own.oid and l.relkind in ('r', 'm')
) s on true
where c.relkind in ('r', 'p', 'v', 'm', 'f') and {_LOCAL}
"""  # noqa: S608 - a constant of this module
_LIST = _TABLES + " order by n.nspname, c.relname limit 10000"
_ONE = _TABLES + " and n.nspname = $1::text and c.relname = $2::text"
_COLUMNS = """
select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
    pg_catalog.format_type(a.atttypid, -1), pg_catalog.format_type(b.oid, -1),
    b.typname::text, b.typcategory::text, not (a.attnotnull or t.typnotnull),
    pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated <> '', nullif(a.attidentity, '')::text,
    array(select e.enumlabel::text from pg_catalog.pg_enum e
          where e.enumtypid = b.oid order by e.enumsortorder),
    pg_catalog.col_description(a.attrelid, a.attnum),
    b.typtype in ('e', 'r', 'm') or b.typcategory = 'A' or exists (
        select from pg_catalog.pg_opclass o join pg_catalog.pg_am m on m.oid = o.opcmethod
        where m.amname = 'btree' and o.opcdefault and (o.opcintype = b.oid or exists (
            select from pg_catalog.pg_cast k where k.castsource = b.oid
              and k.casttarget = o.opcintype and k.castmethod = 'b' and k.castcontext = 'i'))),
    case when b.typcategory = 'A' then pg_catalog.format_type(b.typelem, -1) end
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
join lateral (
    with recursive below(oid, typtype, typbasetype) as (
        select t.oid, t.typtype, t.typbasetype
        union all
        select n.oid, n.typtype, n.typbasetype
        from below join pg_catalog.pg_type n on n.oid = below.typbasetype
        where below.typtype = 'd')
    select n.* from below join pg_catalog.pg_type n on n.oid = below.oid where below.typtype <> 'd'
) b on true
where a.attnum > 0 and not a.attisdropped and a.attrelid = $1::int8::oid
order by a.attnum
"""
_NAMES = """array(select a.attname::text from unnest({keys}) with ordinality u(n, at)
    join pg_catalog.pg_attribute a on a.attrelid = {table} and a.attnum = u.n order by at)"""
_FOREIGN_KEYS = f"""
select k.conname, k.confdeltype::text, n.nspname, c.relname, f.nspname, p.relname,
    {_NAMES.format(keys="k.conkey", table="k.conrelid")},
    {_NAMES.format(keys="k.confkey", table="k.confrelid")}
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = k.confrelid
join pg_catalog.pg_namespace f on f.oid = p.relnamespace
where k.contype = 'f' and k.conparentid = 0 and {{side}} = $1::int8::oid
order by n.nspname, c.relname, k.conname
"""  # noqa: S608 - a constant of this module
_UNIQUE = f"""
select i.indisprimary, {_NAMES.format(keys="i.indkey[0:i.indnkeyatts - 1]", table="i.indrelid")},
    not exists (select from unnest(i.indkey[0:i.indnkeyatts - 1]) u(n)
        join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = u.n
        where not a.attnotnull)
from pg_catalog.pg_index i
where i.indrelid = $1::int8::oid and i.indisunique and i.indisvalid and i.indpred is null
    and i.indexprs is null
order by i.indisprimary desc, i.indnkeyatts, i.indexrelid
"""  # noqa: S608 - a constant of this module


@dataclass(frozen=True, slots=True)
class Field:
    """A column.

    Attributes:
        type: As PostgreSQL writes it, with its length.
        cast: What a text is cast into before it is stored.
        compare: What it is cast into before it is compared: of a domain, what it stands on.
        base: Name of that type.
        category: One of the words in the browser's `Column`.
        element: Of an array, the type of its elements.
    """

    name: str
    type: str
    cast: str
    compare: str
    base: str
    category: str
    nullable: bool
    default: str | None
    generated: bool
    identity: str | None
    labels: tuple[str, ...]
    comment: str | None
    sortable: bool
    element: str | None
    secret: bool

    @property
    def sql(self) -> str:
        """Its name for statements."""
        return ident(self.name)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key between two tables, each told by schema and name."""

    name: str
    child: tuple[str, str]
    columns: tuple[str, ...]
    parent: tuple[str, str]
    others: tuple[str, ...]
    on_delete: str


@dataclass(frozen=True, slots=True)
class Line:
    """What the list says of a table."""

    oid: int
    schema: str
    name: str
    kind: str
    partition: bool
    estimate: int | None
    total: int
    heap: int
    indexes: int
    columns: int
    comment: str | None
    readable: bool
    inherited: bool

    def document(self, attribute: str | None) -> dict[str, Any]:
        """Give it as JSON."""
        return {
            "schema": self.schema,
            "name": self.name,
            "kind": KINDS[self.kind],
            "internal": self.schema in _INTERNAL,
            "partition": self.partition,
            "attribute": attribute,
            "estimate": self.estimate,
            "bytes": {"total": self.total, "table": self.heap, "indexes": self.indexes},
            "columns": self.columns,
            "comment": self.comment,
            "readable": self.readable,
        }


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view with everything that its rows are read and changed by.

    Attributes:
        key: Columns that tell a row apart, `POSITION`, or None.
        unique: The columns of each unique index.
        attribute: Its name in the project's schema.
    """

    line: Line
    fields: Mapping[str, Field]
    primary: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    key: tuple[str, ...] | None
    paging: Paging
    out: tuple[ForeignKey, ...]
    into: tuple[ForeignKey, ...]
    attribute: str | None

    @property
    def searchable(self) -> bool:
        """Whether our own full-text search covers it."""
        return self.attribute == "messages"

    @property
    def changeable(self) -> bool:
        """Whether its rows can be told apart and are its own."""
        return self.key is not None and self.line.kind in "rp"

    @property
    def sql(self) -> str:
        """Its name for statements."""
        return ident(self.line.schema, self.line.name)

    @property
    def shown(self) -> str:
        """Its name for people."""
        return f"{self.line.schema}.{self.line.name}"

    @property
    def big(self) -> bool:
        """Whether it may not be gone through unasked; views and foreign tables: nobody knows."""
        if self.line.estimate is None:
            return self.line.kind in "vf" or self.line.heap > _BIG_BYTES
        return self.line.estimate > BIG_ROWS

    def field(self, name: str) -> Field:
        """Give a column.

        Raises:
            NoSuchThingError: There is none of this name.
        """
        found = self.fields.get(name)
        if found is None:
            raise NoSuchThingError(f"{self.shown} has no column {name[:100]}.")
        return found


_kept: WeakKeyDictionary[Ground, dict[tuple[str, str], tuple[float, Relation]]] = (
    WeakKeyDictionary()
)


async def lines(connection: asyncpg.Connection) -> list[Line]:
    """Give every table and view, at most 10,000."""
    return [Line(*row) for row in await connection.fetch(_LIST)]


async def relation_of(
    ground: Ground, connection: asyncpg.Connection, schema: str, name: str
) -> Relation:
    """Give a table or view; what is said of it may be three seconds old.

    Raises:
        NoSuchThingError: There is none of this name.
    """
    kept = _kept.setdefault(ground, {})
    found = kept.get((schema, name))
    if found is not None and time.monotonic() - found[0] < _KEPT_SECONDS:
        return found[1]
    row = await connection.fetchrow(_ONE, schema, name)
    if row is None:
        raise NoSuchThingError(f"There is no table {schema[:100]}.{name[:100]}.")
    line = Line(*row)
    secrets = (await secret_columns(ground, connection)).get((schema, name), frozenset[str]())
    fields = await _fields(connection, line, secrets)
    indexes = [tuple(row) for row in await connection.fetch(_UNIQUE, line.oid)]
    primary = next((tuple(columns) for is_primary, columns, _ in indexes if is_primary), ())
    usable = [tuple(columns) for _, columns, certain in indexes if certain]
    key, paging = _key(line, primary, usable, secrets)
    relation = Relation(
        line,
        fields,
        primary,
        tuple(tuple(columns) for _, columns, _ in indexes),
        key,
        paging,
        await _foreign_keys(connection, line, "k.conrelid"),
        await _foreign_keys(connection, line, "k.confrelid"),
        attributes_of(ground.schema).get((schema, name)),
    )
    if len(kept) > 1000:
        kept.clear()
    kept[schema, name] = (time.monotonic(), relation)
    return relation


def _key(
    line: Line,
    primary: tuple[str, ...],
    usable: list[tuple[str, ...]],
    secrets: frozenset[str],
) -> tuple[tuple[str, ...] | None, Paging]:
    """Choose what tells rows apart; a key that is a secret may not travel."""
    if line.kind in "vf" or (line.inherited and line.kind == "r"):
        return None, "offset"
    for columns in usable:
        if not secrets & set(columns):
            return columns, "primary" if columns == primary else "unique"
    return (None, "offset") if line.kind == "p" else (POSITION, "position")


async def _fields(
    connection: asyncpg.Connection, line: Line, secrets: frozenset[str]
) -> dict[str, Field]:
    found: dict[str, Field] = {}
    for row in await connection.fetch(_COLUMNS, line.oid):
        name, type_, cast, compare, base, letter, nullable, *rest = tuple(row)
        default, generated, identity, labels, comment, sortable, element = rest
        found[name] = Field(
            name, type_, cast, compare, base, _category(base, letter), nullable, default, generated,
            {"a": "always", "d": "default"}.get(identity or ""), tuple(labels), comment, sortable,
            element, name in secrets,
        )  # fmt: skip
    return found


def _category(base: str, letter: str) -> str:
    """Say by which editor and filters a type is best served."""
    by_name = {"json": "json", "jsonb": "json", "uuid": "uuid", "bytea": "bytes"}
    if letter == "N" and base.startswith("reg"):  # numbers that are written as names
        return "other"
    by_letter = {
        "B": "boolean", "D": "time", "T": "time", "N": "number", "S": "text", "E": "enum",
        "A": "array",
    }  # fmt: skip
    return by_name.get(base) or by_letter.get(letter, "other")


async def _foreign_keys(
    connection: asyncpg.Connection, line: Line, side: str
) -> tuple[ForeignKey, ...]:
    return tuple(
        ForeignKey(
            name, (schema, table), tuple(own), (to, parent), tuple(others), ON_DELETE[action]
        )
        for name, action, schema, table, to, parent, own, others in (
            tuple(row) for row in await connection.fetch(_FOREIGN_KEYS.format(side=side), line.oid)
        )
    )


def attributes_of(schema: object) -> dict[tuple[str, str], str]:
    """Give the schema's attributes by their tables' names."""
    if not isinstance(schema, Schema):
        return {}
    return {(t.schema or "public", t.name): name for name, t in schema.tables.items()}
