"""The tables that a database really has: columns, keys, and what this role may do with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import asyncpg

from chatkeep.kit.plan.quoting import ident

_LOCAL = "n.nspname !~ '^pg_(toast|temp)' and n.nspname not in ('pg_catalog', 'information_schema')"
# A row is hidden from a role under row-level security unless one of its policies lets all through.
_TABLES = f"""
select c.oid::int8, n.nspname, c.relname, c.relkind::text,
    case when c.relispartition then pg_catalog.pg_partition_root(c.oid)::oid else c.oid end::int8,
    (pg_catalog.row_security_active(c.oid) and (
        not exists (
            select from pg_catalog.pg_policy p
            where p.polrelid = c.oid and p.polpermissive and p.polcmd = '*'
              and pg_catalog.pg_get_expr(p.polqual, p.polrelid) = 'true'
              and exists (select from unnest(p.polroles) r(oid)
                          where r.oid = 0 or pg_catalog.pg_has_role(r.oid, 'usage')))
        or exists (
            select from pg_catalog.pg_policy p
            where p.polrelid = c.oid and not p.polpermissive
              and exists (select from unnest(p.polroles) r(oid)
                          where r.oid = 0 or pg_catalog.pg_has_role(r.oid, 'usage')))
    )),
    array(select w from unnest(array['SELECT', 'UPDATE', 'DELETE']) w
          where not (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
                     and pg_catalog.has_table_privilege(c.oid, w))),
    exists (select from pg_catalog.pg_depend d
            where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid
              and d.deptype = 'e')
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm', 'f') and c.relispopulated and {_LOCAL}
order by n.nspname, c.relname
"""  # noqa: S608 - a constant of this module
_COLUMNS = """
select a.attrelid::int8, a.attname, pg_catalog.format_type(a.atttypid, null),
    b.typname::text, b.typcategory::text,
    a.attnotnull or t.typnotnull, a.attgenerated <> '', a.atttypmod
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
join lateral (
    with recursive below(oid, typname, typcategory, typtype, typbasetype) as (
        select t.oid, t.typname, t.typcategory, t.typtype, t.typbasetype
        union all
        select n.oid, n.typname, n.typcategory, n.typtype, n.typbasetype
        from below join pg_catalog.pg_type n on n.oid = below.typbasetype
        where below.typtype = 'd')
    select * from below where typtype <> 'd'
) b on true
where a.attnum > 0 and not a.attisdropped and a.attrelid = any($1::int8[]::oid[])
order by a.attrelid, a.attnum
"""
_KEYS = """
select k.conrelid::int8, k.conname, k.contype::text, k.confrelid::int8, k.confdeltype::text,
    array(select a.attname::text from unnest(k.conkey) with ordinality u(n, at)
          join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by at),
    array(select a.attname::text from unnest(k.confkey) with ordinality u(n, at)
          join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by at)
from pg_catalog.pg_constraint k
where k.contype in ('p', 'f') and k.conparentid = 0 and k.conrelid = any($1::int8[]::oid[])
order by k.conrelid, k.conname
"""
# Of an index over expressions the dependencies know the columns.
_UNIQUE = """
select i.indrelid::int8, array_agg(a.attname::text)
from pg_catalog.pg_index i
join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and (a.attnum = any(i.indkey) or exists (
    select from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = i.indexrelid
      and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = i.indrelid
      and d.refobjsubid = a.attnum))
where i.indisunique and i.indrelid = any($1::int8[]::oid[])
group by i.indrelid
"""
_RESOLVE = "select pg_catalog.to_regclass($1)::oid::int8"

ON_DELETE = {
    "c": "cascade",
    "n": "set null",
    "d": "set default",
    "r": "restrict",
    "a": "no action",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        type: As PostgreSQL writes it, without a length.
        base: Name of its type; of what a domain stands on.
        category: PostgreSQL's category of it, such as `S` for texts.
        length: Most characters of a varchar; None where there is no limit.
    """

    name: str
    type: str
    base: str
    category: str
    is_required: bool
    is_generated: bool
    length: int | None


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key.

    Attributes:
        name: None where the schema says it and the database does not have it.
        parent: Oid of the table that it refers to.
        on_delete: A value of `ON_DELETE`.
    """

    name: str | None
    columns: tuple[str, ...]
    parent: int
    parent_columns: tuple[str, ...]
    on_delete: str


@dataclass(slots=True, eq=False)
class Table:
    """A table, materialized view or foreign table.

    Attributes:
        kind: PostgreSQL's letter: r, p (partitioned), m, f.
        root: Oid of the partitioned table whose rows it holds; else its own.
        hides_rows: Row-level security may hide rows of it from this role.
        lacks: Which of SELECT, UPDATE and DELETE this role may not.
        is_of_extension: An extension made it, for its own use.
        primary: Columns of the primary key.
        unique: Columns that stand in a unique index.
    """

    oid: int
    schema: str
    name: str
    kind: str
    root: int
    hides_rows: bool
    lacks: tuple[str, ...]
    is_of_extension: bool
    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    primary: tuple[str, ...] = ()
    unique: set[str] = field(default_factory=set[str])
    keys: list[Key] = field(default_factory=list[Key])

    @property
    def is_partition(self) -> bool:
        """Whether it holds rows of a partitioned table."""
        return self.root != self.oid

    @property
    def is_closed(self) -> bool:
        """Whether this role may not read all of its rows."""
        return "SELECT" in self.lacks or self.hides_rows

    @property
    def sql(self) -> str:
        """Its name for statements."""
        return ident(self.schema, self.name)

    @property
    def shown(self) -> str:
        """Its name for people: without `public`."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"


Tables = Mapping[int, Table]


async def read_tables(connection: asyncpg.Connection) -> dict[int, Table]:
    """Read every table of the database, by oid, in the order of their names."""
    tables: dict[int, Table] = {}
    for row in await connection.fetch(_TABLES):
        oid, schema, name, kind, root, hides, lacks, of_extension = tuple(row)
        tables[oid] = Table(oid, schema, name, kind, root, hides, tuple(lacks), of_extension)
    for row in await connection.fetch(_COLUMNS, list(tables)):
        oid, name, type_, base, category, required, generated, mod = tuple(row)
        length = mod - 4 if base in ("varchar", "bpchar") and mod > 4 else None
        column = Column(name, type_, base, category, required, generated, length)
        tables[oid].columns[name] = column
    for row in await connection.fetch(_KEYS, list(tables)):
        oid, name, kind, parent, action, own, others = tuple(row)
        _add_key(tables[oid], kind, Key(name, tuple(own), parent, tuple(others), action))
    for row in await connection.fetch(_UNIQUE, list(tables)):
        oid, columns = tuple(row)
        tables[oid].unique.update(columns)
    return tables


def _add_key(table: Table, kind: str, key: Key) -> None:
    if kind == "p":
        table.primary = key.columns
    else:
        action = ON_DELETE[key.on_delete]
        table.keys.append(Key(key.name, key.columns, key.parent, key.parent_columns, action))


async def resolve(
    connection: asyncpg.Connection, names: Sequence[tuple[str | None, str]]
) -> list[int | None]:
    """Give the oid of each (schema, name), as the connection's search_path finds it, or None."""
    found: list[int | None] = []
    for schema, name in names:
        whole = ident(schema, name) if schema else ident(name)
        found.append(cast("int | None", await connection.fetchval(_RESOLVE, whole)))
    return found
