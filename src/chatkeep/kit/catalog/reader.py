"""Reads all facts of a database: one query for each kind, none for each object."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

import asyncpg

from chatkeep.kit.catalog import object_rows, rows
from chatkeep.kit.catalog.addresses import Found
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Constraint, ForeignKey
from chatkeep.kit.catalog.fact import Key, Kind, Unmodelled
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.ownership import owned
from chatkeep.kit.catalog.tables import Cluster, Partition, ReplicaIdentity, SequenceOwner

IGNORED_SCHEMAS = ("drizzle", "chatkeep")
"""Bookkeeping of drizzle-kit and of chatkeep: in the database, never in a schema."""

_SETTINGS = """
SET LOCAL search_path = '';
SET LOCAL quote_all_identifiers = off;
SET LOCAL datestyle = 'ISO, DMY';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL timezone = 'UTC';
SET LOCAL jit = off;
"""

_READERS: tuple[tuple[str, Callable[[Found, Sequence[asyncpg.Record]], None]], ...] = (
    ("schemas", rows.schemas),
    ("extensions", rows.extensions),
    ("collations", object_rows.collations),
    ("enums", rows.enums),
    ("domains", rows.domains),
    ("composites", rows.composites),
    ("ranges", object_rows.ranges),
    ("sequences", rows.sequences),
    ("tables", rows.tables),
    ("columns", rows.columns),
    ("partitions", object_rows.partitions),
    ("constraints", rows.constraints),
    ("indexes", rows.indexes),
    ("statistics", rows.statistics),
    ("functions", rows.functions),
    ("views", rows.views),
    ("view_defaults", object_rows.view_defaults),
    ("rules", object_rows.rules),
    ("triggers", rows.triggers),
    ("policies", rows.policies),
    ("publications", object_rows.publications),
    ("event_triggers", object_rows.event_triggers),
    ("default_privileges", object_rows.default_privileges),
)


async def read_catalog(
    conn: asyncpg.Connection,
    *,
    owns: Callable[[str, str], bool] | None = None,
    ignore_schemas: Sequence[str] = IGNORED_SCHEMAS,
) -> Catalog:
    """Read the facts of the connected database.

    Works in a transaction (or savepoint) of its own that is rolled back, so that the connection's
    settings stay as they were. Members of extensions are not facts.

    Args:
        conn: Idle or in a transaction; a failed transaction cannot read.
        owns: Told (schema, name) of each table and view, says whether it is ours; types,
            functions, sequences and schemas that ours need are ours too. None: everything is.
        ignore_schemas: Schemas that are looked past altogether.
    """
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(_SETTINGS)
        catalog = await _read(conn, list(ignore_schemas))
    finally:
        await transaction.rollback()
    return catalog if owns is None else owned(catalog, owns)


async def _read(conn: asyncpg.Connection, ignored: list[str]) -> Catalog:
    found = Found()
    for name, take in _READERS:
        take(found, await conn.fetch(_query(name), ignored))
    for row in await conn.fetch(_query("aliases")):
        catalog, object_id, known_catalog, known_object = row
        found.aliases[catalog, object_id] = (known_catalog, known_object, 0)
    strays = object_rows.comments(found, await conn.fetch(_query("comments"), ignored))
    owners = await conn.fetch(_query("objects", "owners"), ignored)
    strays += object_rows.owners(found, owners)
    rights = await conn.fetch(_query("objects", "grants"), ignored)
    strays += object_rows.grants(found, rights)
    edges = await conn.fetch(_query("dependencies"))
    depends = found.dependencies(((e[0], e[1], e[2]), (e[3], e[4], e[5])) for e in edges)
    _add_ownership(found, depends)
    unmodelled = [
        Unmodelled(
            row["kind"],
            ".".join(part for part in (row["schema"], row["name"]) if part),
            row["definition"] or "",
            (row["table_schema"], row["table_name"]) if row["table_name"] else None,
        )
        for row in await conn.fetch(_query("unmodelled"), ignored)
    ]
    version = conn.get_server_version().major
    return Catalog(version, found.facts, depends, (*unmodelled, *strays))


def _add_ownership(found: Found, depends: dict[Key, frozenset[Key]]) -> None:
    """Say what pg_depend does not: schemas of names, owners of sequences, targets of comments."""
    indexes = _indexes(found)
    for key, fact in found.facts.items():
        needs = set(depends[key])
        if key.kind is Kind.SEQUENCE:
            needs = {need for need in needs if need.kind is Kind.SCHEMA}
        if isinstance(fact, SequenceOwner):
            needs.add(fact.owner)
        if isinstance(fact, ForeignKey):
            needs.add(Key(Kind.TABLE, (fact.target_schema, fact.target_table)))
        if isinstance(fact, Partition):
            needs.add(fact.whole)
        if isinstance(fact, ReplicaIdentity | Cluster) and (fact.schema, fact.index) in indexes:
            needs.add(indexes[fact.schema, fact.index])
        if key.kind is Kind.TABLE:
            # A table can stand without the whole that it is a partition of: that is a fact of its
            # own. PostgreSQL lets the key of a partitioned table need the table's columns.
            part = Key(Kind.PARTITION, key.path) in found.facts
            away = (Kind.COLUMN, Kind.TABLE) if part else (Kind.COLUMN,)
            needs = {need for need in needs if need.kind not in away}
        if key.kind not in _NOT_IN_SCHEMA:
            needs.add(Key(Kind.SCHEMA, key.path[:1]))
        depends[key] = frozenset((needs & found.facts.keys()) - {key})


_NOT_IN_SCHEMA = (Kind.COMMENT, Kind.OWNER, Kind.GRANT, Kind.DEFAULT_PRIVILEGES)


def _indexes(found: Found) -> dict[tuple[str, str], Key]:
    """Give the indexes by their names, those of constraints among them."""
    return {
        (key.path[0], key.path[-1]): key
        for key, fact in found.facts.items()
        if isinstance(fact, Index)
        or (isinstance(fact, Constraint) and key.kind in (Kind.PRIMARY_KEY, Kind.UNIQUE))
    }


@cache
def _query(*names: str) -> str:
    folder = resources.files("chatkeep.kit.catalog").joinpath("sql")
    return "".join(folder.joinpath(f"{name}.sql").read_text("utf-8") for name in names)
