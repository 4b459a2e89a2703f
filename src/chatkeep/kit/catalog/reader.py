"""Reads all facts of a database: one query for each kind, none for each object."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources

import asyncpg

from chatkeep.kit.catalog import rows
from chatkeep.kit.catalog.addresses import Found
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import ForeignKey
from chatkeep.kit.catalog.fact import Key, Kind, Unmodelled
from chatkeep.kit.catalog.ownership import owned
from chatkeep.kit.catalog.tables import SequenceOwner

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
    ("enums", rows.enums),
    ("domains", rows.domains),
    ("composites", rows.composites),
    ("sequences", rows.sequences),
    ("tables", rows.tables),
    ("columns", rows.columns),
    ("constraints", rows.constraints),
    ("indexes", rows.indexes),
    ("statistics", rows.statistics),
    ("functions", rows.functions),
    ("views", rows.views),
    ("triggers", rows.triggers),
    ("policies", rows.policies),
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
    comments = await conn.fetch(_query("comments"), ignored)
    strays = rows.comments(found, comments)
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
    for key, fact in found.facts.items():
        needs = set(depends[key])
        if key.kind is Kind.SEQUENCE:
            needs = {need for need in needs if need.kind is Kind.SCHEMA}
        if isinstance(fact, SequenceOwner):
            needs.add(fact.owner)
        if isinstance(fact, ForeignKey):
            target = Key(Kind.TABLE, (fact.target_schema, fact.target_table))
            needs.update({target} & found.facts.keys())
        if key.kind is not Kind.COMMENT:
            needs.update(k for k in [Key(Kind.SCHEMA, key.path[:1])] if k in found.facts)
        depends[key] = frozenset(needs - {key})


@cache
def _query(name: str) -> str:
    return resources.files("chatkeep.kit.catalog").joinpath(f"sql/{name}.sql").read_text("utf-8")
