"""The facts of the database that is shown, and where each relation stands in them."""

from weakref import WeakKeyDictionary

import asyncpg

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.programs import Comment, MaterializedView, View
from chatkeep.kit.catalog.reader import IGNORED_SCHEMAS, read_catalog
from chatkeep.kit.catalog.tables import Table
from chatkeep.schema.schema import Schema
from chatkeep.studio.ground import Ground

Relation = Table | View
Name = tuple[str, str]
"""Schema and name of a table or view."""

_ROWS = """
select n.nspname::text, c.relname::text,
  coalesce(nullif(s.n_live_tup, 0), case when c.reltuples >= 0 then c.reltuples end)::int8
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_stat_all_tables s on s.relid = c.oid
where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""


# Whatever changes an object's definition writes a row of one of these tables, whose xmin is new.
_DEFINITIONS = (
    "attrdef",
    "attribute",
    "class",
    "collation",
    "constraint",
    "depend",
    "description",
    "enum",
    "index",
    "inherits",
    "namespace",
    "policy",
    "proc",
    "range",
    "rewrite",
    "sequence",
    "statistic_ext",
    "trigger",
    "type",
)
_STATE = " union all ".join(
    f"select '{name}', count(*)::int8, coalesce(sum(xmin::text::int8), 0)::text, max(xmin::text::int8)"  # noqa: S608 - our own names
    f" from pg_catalog.pg_{name}"
    for name in _DEFINITIONS
)
_kept: WeakKeyDictionary[Ground, tuple[object, Catalog]] = WeakKeyDictionary()


async def read_facts(ground: Ground, connection: asyncpg.Connection) -> Catalog:
    """Read the facts, those of the bookkeeping's tables among them.

    Of a database with hundreds of tables that takes a second: while no definition changes, they are
    read once.
    """
    state = {tuple(row) for row in await connection.fetch(_STATE)}
    kept = _kept.get(ground)
    if kept is not None and kept[0] == state:
        return kept[1]
    catalog = await read_catalog(connection, ignore_schemas=())
    _kept[ground] = (state, catalog)
    return catalog


def relations_of(catalog: Catalog) -> list[Relation]:
    """Give tables and views by their names."""
    found: list[Relation] = [
        *catalog.of(Table),
        *catalog.of(View),
        *catalog.of(MaterializedView),
    ]
    return sorted(found, key=lambda fact: fact.path)


def relation(catalog: Catalog, schema: str, name: str) -> Relation | None:
    """Give the table or view of this name, or None."""
    kinds = (Table, View, MaterializedView)
    found = (catalog.find(kind, schema, name) for kind in kinds)
    return next((fact for fact in found if fact is not None), None)


def kind_of(fact: Relation) -> str:
    """Say what a relation is: `table`, `partitioned table`, `view` or `materialized view`."""
    if isinstance(fact, Table):
        return "table" if fact.partition_key is None else "partitioned table"
    return str(fact.kind)


def is_bookkeeping(schema: str) -> bool:
    """Whether a schema holds what drizzle-kit or chatkeep write down for themselves."""
    return schema in IGNORED_SCHEMAS


def comments_of(catalog: Catalog) -> dict[Key, str]:
    """Give the comments by what they are about."""
    return {comment.target: comment.text for comment in catalog.of(Comment)}


def column_key(schema: str, table: str, column: str) -> Key:
    """Give the key of a column's fact."""
    return Key(Kind.COLUMN, (schema, table, column))


def attributes_of(schema: object) -> dict[Name, str]:
    """Give the tables' attributes of the schema object by their names in the database."""
    if not isinstance(schema, Schema):
        return {}
    return {
        (table.schema or "public", table.name): attribute
        for attribute, table in schema.tables.items()
    }


async def estimated_rows(connection: asyncpg.Connection) -> dict[Name, int | None]:
    """Give how many rows tables have by PostgreSQL's statistics; nothing is counted.

    None where it has none, as of a database that was copied or restored and not analyzed since.
    """
    rows = await connection.fetch(_ROWS)
    return {(str(row[0]), str(row[1])): None if row[2] is None else int(row[2]) for row in rows}
