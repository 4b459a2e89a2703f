"""Rows of the catalog queries to facts: what stands beside tables, and what is said of others."""

from collections.abc import Iterable

import asyncpg

from chatkeep.kit.catalog import addresses as at
from chatkeep.kit.catalog.addresses import Found
from chatkeep.kit.catalog.expressions import settled
from chatkeep.kit.catalog.fact import Key, Kind, Unmodelled
from chatkeep.kit.catalog.privileges import DefaultPrivileges, Grant, Owner
from chatkeep.kit.catalog.programs import (
    Comment,
    EventTrigger,
    Function,
    Publication,
    Rule,
    ViewDefault,
)
from chatkeep.kit.catalog.tables import Partition
from chatkeep.kit.catalog.types import Collation, Range

Rows = Iterable[asyncpg.Record]

_NOUNS = {
    Kind.TABLE: "TABLE",
    Kind.VIEW: "TABLE",
    Kind.MATERIALIZED_VIEW: "TABLE",
    Kind.SEQUENCE: "SEQUENCE",
    Kind.FUNCTION: "FUNCTION",
    Kind.SCHEMA: "SCHEMA",
    Kind.DOMAIN: "DOMAIN",
}
_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}
_RANGE_OPTIONS = (
    "subtype",
    "subtype_opclass",
    "collation",
    "canonical",
    "subtype_diff",
    "multirange_type_name",
)


def collations(found: Found, rows: Rows) -> None:
    """Take in collations."""
    for row in rows:
        provider = _PROVIDERS.get(row["provider"], row["provider"])
        options: list[tuple[str, str]] = [("provider", str(provider))]
        names = ("lc_collate", "lc_ctype") if provider == "libc" else ("locale", "rules")
        options += [(name, _quoted(str(row[name]))) for name in names if row[name] is not None]
        if not row["deterministic"]:
            options.append(("deterministic", "false"))
        collation = Collation(row["nspname"], row["collname"], tuple(options))
        found.add(collation, at.COLLATION, row["oid"])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def ranges(found: Found, rows: Rows) -> None:
    """Take in range types."""
    for row in rows:
        options = tuple((name, str(row[name])) for name in _RANGE_OPTIONS if row[name] is not None)
        found.add(Range(row["nspname"], row["typname"], options), at.TYPE, row["oid"])


def partitions(found: Found, rows: Rows) -> None:
    """Take in which table is a partition of which."""
    for fields in rows:
        found.note(Partition(*fields))


def rules(found: Found, rows: Rows) -> None:
    """Take in rules."""
    for oid, schema, table, name, definition, on_view, enabled in rows:
        rule = Rule(schema, table, name, settled(definition), enabled, on_view)
        found.add(rule, at.RULE, oid)


def view_defaults(found: Found, rows: Rows) -> None:
    """Take in defaults of views' columns."""
    for oid, schema, view, column, expression in rows:
        found.add(ViewDefault(schema, view, column, settled(expression)), at.DEFAULT, oid)


def event_triggers(found: Found, rows: Rows) -> None:
    """Take in triggers on commands."""
    for oid, *fields in rows:
        found.add(EventTrigger(*fields), at.EVENT_TRIGGER, oid)


def publications(found: Found, rows: Rows) -> None:
    """Take in publications."""
    for oid, name, everything, tables, schemas, publish, via_root, generated in rows:
        options = [("publish", _quoted(publish))]
        options += [("publish_via_partition_root", "true")] if via_root else []
        options += [("publish_generated_columns", "stored")] if generated == "s" else []
        publication = Publication(name, everything, (*tables, *schemas), tuple(options))
        found.add(publication, at.PUBLICATION, oid)


def default_privileges(found: Found, rows: Rows) -> None:
    """Take in ALTER DEFAULT PRIVILEGES."""
    for maker, schema, objects, role, granted, grantable, revoked in rows:
        lists = (tuple(granted), tuple(grantable), tuple(revoked))
        found.note(DefaultPrivileges(maker, schema, objects, role, *lists))


def grants(found: Found, rows: Rows) -> list[Unmodelled]:
    """Take in grants on facts, and give those on anything else."""
    strays: list[Unmodelled] = []
    for row in rows:
        lists = [tuple(row[name]) for name in ("granted", "grantable", "revoked")]
        place = _target(found, row)
        if place is None:
            strays.append(Unmodelled("grant", _name(row), f"{row['role']} {lists}"))
        else:
            found.note(Grant(*place, row["role"], *lists))
    return strays


def owners(found: Found, rows: Rows) -> list[Unmodelled]:
    """Take in unusual owners of facts, and give those of anything else."""
    strays: list[Unmodelled] = []
    for row in rows:
        place = _target(found, row)
        if place is None:
            strays.append(Unmodelled("owner", _name(row), row["role"]))
            continue
        target, holder, noun = place
        if target.kind in (Kind.VIEW, Kind.MATERIALIZED_VIEW):
            noun = target.kind.upper()
        found.note(Owner(target, holder, noun, row["role"]))
    return strays


def _name(row: asyncpg.Record) -> str:
    return ".".join(row[part] for part in ("schema", "name", "column_name") if row[part])


def _target(found: Found, row: asyncpg.Record) -> tuple[Key, Key | None, str] | None:
    """Give what an owner or grant is about, what takes it along, and how GRANT calls it."""
    public = Key(Kind.SCHEMA, ("public",))
    if row["class"] == at.NAMESPACE and row["name"] == "public":
        return public, None, "SCHEMA"
    holder = found.keys.get((row["class"], row["object"], 0))
    if holder is None:
        return None
    noun = _NOUNS.get(holder.kind, "TYPE")
    fact = found.facts[holder]
    if isinstance(fact, Function) and fact.procedure:
        noun = "PROCEDURE"
    if not row["column_name"]:
        return holder, holder, noun
    column = Key(Kind.COLUMN, (*holder.path, row["column_name"]))
    return column, column if column in found.facts else holder, noun


def comments(found: Found, rows: Rows) -> list[Unmodelled]:
    """Take in comments on facts and on columns of views; give those on anything else."""
    strays: list[Unmodelled] = []
    for row in rows:
        exact = found.keys.get((row["class"], row["object"], row["part"]))
        holder = exact or found.keys.get((row["class"], row["object"], 0))
        if exact is not None:
            target = exact
        elif holder is not None and row["column_path"] and holder.kind is not Kind.INDEX:
            target = Key(Kind.COLUMN, tuple(row["column_path"]))
        elif row["domain_path"]:
            target = Key(Kind.CHECK, tuple(row["domain_path"]))
            holder = Key(Kind.DOMAIN, target.path[:2])
        else:
            name = f"{row['type']} {row['identity']}"
            strays.append(Unmodelled("comment", name, row["description"]))
            continue
        fact = found.facts[holder] if holder else None
        procedure = isinstance(fact, Function) and fact.procedure
        comment = Comment(target, row["description"], holder or target, procedure)
        found.note(comment)
    return strays
