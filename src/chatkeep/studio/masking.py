"""Which columns hold secrets, by what the schema declares and by their names.

A table's own columns are judged as an export of personal data judges them. A view shows columns of
tables under other names and inside expressions: of one that reads a table with secrets, a column
is shown only if it bears the name of a column that is none, or cannot hold a text, and if
PostgreSQL's plan names no secret for it.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias
from weakref import WeakKeyDictionary

import asyncpg

from chatkeep.kit.plan.quoting import ident
from chatkeep.personal.catalog import Column, Table, read_tables
from chatkeep.personal.registry import Declared, declared_of, is_like_secret
from chatkeep.schema.schema import Schema
from chatkeep.studio.console.veiling import telling_outputs
from chatkeep.studio.ground import Ground

Secrets = Mapping[tuple[str, str], frozenset[str]]
"""Names of the secret columns by schema and table; tables without any are not in it."""

_KEPT_SECONDS = 3.0
_kept: WeakKeyDictionary[Ground, tuple[float, Secrets]] = WeakKeyDictionary()
_View: TypeAlias = tuple[int, str, str, list[int], list[str], list[str], str | None]
_NO_TEXT = frozenset("NBDTGI")  # numbers, booleans, times, spans, geometry, addresses
_VIEWS = """
select v.oid::int8, n.nspname, v.relname,
    array(select distinct d.refobjid::int8
          from pg_catalog.pg_rewrite r
          join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass
            and d.objid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
          where r.ev_class = v.oid and d.refobjid <> v.oid),
    array(select a.attname::text from pg_catalog.pg_attribute a
          where a.attrelid = v.oid and a.attnum > 0 and not a.attisdropped order by a.attnum),
    array(select t.typcategory::text from pg_catalog.pg_attribute a
          join pg_catalog.pg_type t on t.oid = a.atttypid
          where a.attrelid = v.oid and a.attnum > 0 and not a.attisdropped order by a.attnum),
    case when v.relkind = 'm' then rtrim(pg_catalog.pg_get_viewdef(v.oid), '; ') end
from pg_catalog.pg_class v join pg_catalog.pg_namespace n on n.oid = v.relnamespace
where v.relkind in ('v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
order by v.oid
"""


async def secret_columns(ground: Ground, connection: asyncpg.Connection) -> Secrets:
    """Give the secret columns of every table and view; the answer may be three seconds old."""
    kept = _kept.get(ground)
    if kept is not None and time.monotonic() - kept[0] < _KEPT_SECONDS:
        return kept[1]
    tables = await read_tables(connection)
    declared = _declared(ground.schema, tables)
    by_oid = {oid: frozenset(declared.secrets(table)) for oid, table in tables.items()}
    names = {oid: (table.schema, table.name) for oid, table in tables.items()}
    for oid, table in tables.items():
        by_oid[oid] |= by_oid.get(table.root, frozenset())
    columns = {oid: frozenset(table.columns) for oid, table in tables.items()}
    views = [tuple(row) for row in await connection.fetch(_VIEWS)]
    for oid, schema, name, *_ in views:
        names[oid] = (schema, name)
    for oid, _, _, _, own, _, _ in views:
        columns[oid] = frozenset(own)
    _judge_views(views, by_oid, columns)
    for view in views:
        if any(by_oid.get(source) for source in view[3]):
            secrets = {names[oid]: secret for oid, secret in by_oid.items() if oid in names}
            by_oid[view[0]] |= await _told_by_plan(connection, view, secrets)
    _judge_views(views, by_oid, columns)
    found = {names[oid]: secret for oid, secret in by_oid.items() if secret}
    _kept[ground] = (time.monotonic(), found)
    return found


def _declared(schema: object, tables: Mapping[int, Table]) -> Declared:
    """Take what the schema declares of tables and columns that are there by now."""
    known = {f"{each.schema}.{each.name}": each for each in tables.values()}
    if not isinstance(schema, Schema):
        return Declared({}, known)
    for attribute, table in schema.tables.items():
        there = known.get(f"{table.schema or 'public'}.{table.name}")
        if there is not None:
            known[attribute] = there
    said = {
        name: tuple(
            replace(each, columns=tuple(c for c in each.columns if c in known[name].columns))
            for each in all_said
        )
        for name, all_said in declared_of(schema).items()
        if name in known
    }
    return Declared(said, known)


def _judge_views(
    views: list[_View],
    by_oid: dict[int, frozenset[str]],
    columns: Mapping[int, frozenset[str]],
) -> None:
    """Add the secrets of views, until those of views over views change no more."""
    changed = True
    while changed:
        changed = False
        for oid, _, _, sources, own, categories, _ in views:
            hiding = [each for each in sources if by_oid.get(each)]
            harmless = {
                name
                for each in sources
                for name in columns.get(each, ())
                if name not in by_oid.get(each, ())
            }
            taken = {name for each in hiding for name in by_oid[each]}
            found = by_oid.get(oid, frozenset()) | {
                name
                for name, category in zip(own, categories, strict=True)
                if _is_like_secret(name, category)
                or name in taken
                or (hiding and name not in harmless and category not in _NO_TEXT)
            }
            changed = changed or found != by_oid.get(oid, frozenset())
            by_oid[oid] = found


async def _told_by_plan(
    connection: asyncpg.Connection, view: _View, secrets: Secrets
) -> frozenset[str]:
    """Look which columns of a view come from secrets, under whatever name."""
    _, schema, name, _, own, categories, definition = view
    asked = definition or f"select * from {ident(schema, name)}"  # noqa: S608 - quoted names
    texts = [
        name for name, category in zip(own, categories, strict=True) if category not in _NO_TEXT
    ]
    attempt = connection.transaction()
    await attempt.start()
    try:
        await connection.execute(
            "set local lock_timeout = 100"
        )  # nobody waits here for a migration
        told = await connection.fetchval(f"explain (verbose, format json) {asked}")
    except asyncpg.InsufficientPrivilegeError:
        return frozenset()  # the role may not read it, or not what it was made from
    except asyncpg.PostgresError:
        return frozenset(texts)  # nobody knows now; the next look is in some seconds
    finally:
        await attempt.rollback()  # no lock of a view's tables stays
    places = telling_outputs(json.loads(str(told))[0]["Plan"], secrets)
    return frozenset(own[place] for place in places if place < len(own)) & frozenset(texts)


def _is_like_secret(name: str, category: str) -> bool:
    return is_like_secret(Column(name, "", "", category, False, False, None))
