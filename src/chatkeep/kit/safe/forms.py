"""The SQL of the safe forms: for each, what a table can bear while it is read and written."""

import re
from collections.abc import Collection, Sequence
from dataclasses import fields, replace
from hashlib import sha256
from typing import cast

from chatkeep.kit.applying.batch import PLACE, PLACEHOLDER
from chatkeep.kit.catalog.catalog import Catalog, default_name
from chatkeep.kit.catalog.constraints import Check, ForeignKey, Keyed, PrimaryKey, Unique
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index, IndexColumn
from chatkeep.kit.catalog.programs import Trigger
from chatkeep.kit.catalog.tables import Column, Table
from chatkeep.kit.plan.kinds.constraints import clause
from chatkeep.kit.plan.kinds.indexes import INDEX
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.writer import texts

BATCH_SIZE = 1000
"""Rows in a batch: those that a client may have to wait for, some ten milliseconds."""

_IN_ONE_GO = (
    "-- In one go, which holds all rows that it changes: they lie in other tables than this one, "
    "and no key is there\n-- to walk along in batches. For a big table give each of those a "
    "statement in batches before this one."
)
OURS = "~chatkeep"
"""How the names of our triggers begin; they fire last: triggers go by name, and `~` is the last sign."""
_EVENTS = re.compile(r" (?:BEFORE|AFTER) (.+?) ON ")
_OF = re.compile(r"UPDATE OF (.+?)(?: OR |\Z)")
_DEFERRABLE = re.compile(r" (?:NOT )?DEFERRABLE\b.*", re.DOTALL)
_PARAMETERS = re.compile(r" WITH \(([^)]*)\)")


def alter(table: tuple[str, ...], action: str) -> str:
    """Give ALTER TABLE."""
    return f"ALTER TABLE {ident(*table[:2])} {action}"


def aside(name: str, label: str = "new") -> str:
    """Give the name of a helper; of a long name a part, with what tells it from others like it."""
    found = default_name(name, "", f"_{label}")
    if found == f"{name}__{label}":
        return found
    return default_name(name, "", f"_{sha256(name.encode()).hexdigest()[:8]}_{label}")


def trigger_function(command: str, name: str, lines: Sequence[str], *, foreign: bool) -> str:
    """Give CREATE FUNCTION of a trigger that sets columns of the row at hand.

    Args:
        command: CREATE, or CREATE OR REPLACE.
        name: Quoted.
        lines: Statements of PL/pgSQL. A bare name in them is a column, also where it is `old`.
        foreign: They hold SQL of the user's own, whose functions are found where this migration
            finds them, not where each writer does.
    """
    head = f"{command} FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
    head += " SET search_path FROM CURRENT" if foreign else ""
    body = "\n".join(lines)
    return f"{head} AS $chatkeep$\n#variable_conflict use_column\nBEGIN\n{body}\n    RETURN NEW;\nEND\n$chatkeep$"


def of_row(
    catalog: Catalog,
    table: tuple[str, str],
    expression: str,
    more: Sequence[str] = (),
    extra: Collection[str] = (),
) -> str:
    """Give an expression on a table's columns for the row that a trigger has at hand.

    Args:
        catalog: Knows the columns.
        table: Schema and name.
        expression: SQL.
        more: Columns that the catalog does not know.
        extra: Those that the expression surely names; of the others it is looked.
    """
    names = [column.name for column in catalog.columns(*table)] + [*more]
    text = expression.lower()
    used = [n for n in dict.fromkeys(names) if ident(n)[1:-1].lower() in text or n in extra]
    row = ", ".join(f"NEW.{ident(name)} AS {ident(name)}" for name in used) or "NULL AS nothing"
    return f"(SELECT {expression} FROM (SELECT {row}) AS {ident(table[1])})"  # noqa: S608 - names are quoted


def index_of(fact: Keyed) -> Index:
    """Give the unique index that a key can be made of."""
    columns = tuple(IndexColumn(name, "", None, None, False, False) for name in fact.columns)
    found = _PARAMETERS.search(fact.extra)
    options = tuple(part.strip().replace("'", "") for part in found[1].split(",")) if found else ()
    return Index(
        fact.schema,
        fact.name,
        fact.table,
        False,
        "",
        "btree",
        True,
        fact.nulls_not_distinct,
        columns,
        fact.include,
        options,
        None,
    )


def build(index: Index) -> list[str]:
    """Give CREATE INDEX CONCURRENTLY, and what it cannot say."""
    first, *rest = texts(INDEX.create(index))
    return [first.replace("INDEX ", "INDEX CONCURRENTLY ", 1), *rest]


def remove(index: Index) -> str:
    """Give DROP INDEX CONCURRENTLY."""
    return f"DROP INDEX CONCURRENTLY {ident(*index.path)}"


def rename_index(schema: str, old: str, new: str) -> str:
    """Give ALTER INDEX … RENAME."""
    return f"ALTER INDEX {ident(schema, old)} RENAME TO {ident(new)}"


def use_index(fact: Keyed, index: str) -> str:
    """Give the key that takes over an index; the index gets the key's name."""
    kind = "PRIMARY KEY" if isinstance(fact, PrimaryKey) else "UNIQUE"
    found = _DEFERRABLE.search(fact.extra)
    when = found.group() if found else ""
    words = f"ADD CONSTRAINT {ident(fact.name)} {kind} USING INDEX {ident(index)}{when}"
    return alter(fact.path, words)


def can_use_index(fact: Keyed) -> bool:
    """Say whether there is an index to take over: not of WITHOUT OVERLAPS, nor in partitions."""
    odd = getattr(fact, "partitioned", False) or getattr(fact, "whole", None)
    return "WITHOUT OVERLAPS" not in fact.extra and not odd


def unproved(fact: Check | ForeignKey) -> Check | ForeignKey:
    """Give the constraint as it is before VALIDATE."""
    word = " NOT VALID"
    if isinstance(fact, Check):
        return replace(fact, extra=fact.extra + word, definition=fact.definition + word)
    definition = f"{clause(fact) if not fact.extra else fact.extra}{word}"
    return replace(fact, extra=definition, definition=definition)


def is_proved(fact: Check | ForeignKey) -> bool:
    """Say whether all rows have to be looked at."""
    return "NOT VALID" not in fact.extra and "NOT ENFORCED" not in fact.extra


def validate(fact: Check | ForeignKey) -> str:
    """Give VALIDATE CONSTRAINT."""
    return alter(fact.path, f"VALIDATE CONSTRAINT {ident(fact.name)}")


def drop(constraint: tuple[str, ...]) -> str:
    """Give DROP CONSTRAINT."""
    return alter(constraint, f"DROP CONSTRAINT {ident(constraint[2])}")


def referring(catalog: Catalog, key: Key) -> list[ForeignKey]:
    """Give the foreign keys that stand on a key."""
    return [f for f in catalog.of(ForeignKey) if key in catalog.depends.get(f.key, frozenset())]


def helper_check(column: Column, name: str) -> str:
    """Give the check that proves NOT NULL, before it is validated."""
    text = f"ADD CONSTRAINT {ident(proof_name(column))} CHECK ({ident(name)} IS NOT NULL) NOT VALID"
    return alter(column.path, text)


def proof_name(column: Column) -> str:
    """Give the name of that check."""
    return default_name(column.table, column.name, "is_not_null")


def batched(catalog: Catalog, table: tuple[str, str], change: str, where: str) -> list[str]:
    """Give an UPDATE in batches: along the primary key, or from page to page and once more.

    Where the rows lie in partitions or children, and no key is there, it runs in one go.

    Args:
        catalog: Knows the table's key.
        table: Schema and name.
        change: What stands after SET.
        where: The condition; leaves out what is done.
    """
    kinds = (PrimaryKey, Unique) if _holds_others(catalog, table) else (PrimaryKey,)
    key = _key(catalog, table, kinds)
    if key is None:
        return by_place(catalog, table, change, where)
    return _told(catalog, table, change, _update(table, key, change, where))


def by_place(catalog: Catalog, table: tuple[str, str], change: str, where: str) -> list[str]:
    """Give an UPDATE in batches, in the order in which the rows lie; a key's where they have none."""
    key = PLACE
    if _holds_others(catalog, table):
        key = _key(catalog, table, (PrimaryKey, Unique))
    if key is None:
        sql = [f"{_IN_ONE_GO}\nUPDATE {ident(*table)} SET {change} WHERE ({where})"]
    else:
        sql = _update(table, key, change, where) * (2 if key == PLACE else 1)
    return _told(catalog, table, change, sql)


def _told(catalog: Catalog, table: tuple[str, str], change: str, sql: list[str]) -> list[str]:
    """Say which of the owner's triggers an UPDATE fires for each row: nothing can pass them over."""
    found = [
        " ".join(fact.name.split())
        for fact in catalog.children(Key(Kind.TABLE, table))
        if isinstance(fact, Trigger) and not fact.name.startswith(OURS) and _fires(fact, change)
    ]
    if not found:
        return sql
    line = f"-- The triggers of the table fire for each row that is filled: {', '.join(sorted(found))}."
    return [f"{line}\n{each}" for each in sql]


def is_on_update_alone(trigger: Trigger) -> bool:
    """Say whether a trigger fires when rows change, and not when they come or go."""
    event = _EVENTS.search(trigger.definition)
    told = event[1] if event else ""
    return "UPDATE" in told and not any(word in told for word in ("INSERT", "DELETE", "TRUNCATE"))


def _fires(trigger: Trigger, change: str) -> bool:
    event = _EVENTS.search(trigger.definition)
    told = event[1] if event else ""
    of = _OF.search(told)
    column = change.partition(" = ")[0]
    if trigger.enabled in {"disabled", "replica"} or "UPDATE" not in told:
        return False
    return of is None or column in {ident(name.strip(' "')) for name in of[1].split(",")}


def _holds_others(catalog: Catalog, table: tuple[str, str]) -> bool:
    """Say whether its rows lie in partitions or in tables that inherit."""
    fact = catalog.find(Table, *table)
    heirs = {
        thing.definition.rpartition(" ")[0].replace('"', "")
        for thing in catalog.unmodelled
        if thing.kind == "inheritance"
    }
    return (fact is not None and fact.partition_key is not None) or ".".join(table) in heirs


def _key(catalog: Catalog, table: tuple[str, str], kinds: tuple[type[Keyed], ...]) -> str | None:
    """Give a key whose columns are never NULL and can stand in a batch line; None without one."""
    facts = [f for f in catalog.children(Key(Kind.TABLE, table)) if isinstance(f, kinds)]
    for fact in sorted(facts, key=lambda fact: (not isinstance(fact, PrimaryKey), fact.name)):
        columns = [catalog.find(Column, *table, name) for name in fact.columns]
        is_full = all(column is not None and column.not_null for column in columns)
        is_plain = not any(re.search(r"[\s,]", name) for name in fact.columns)
        if is_full and is_plain and "WITHOUT OVERLAPS" not in fact.extra:
            return ",".join(fact.columns)
    return None


def _update(table: tuple[str, str], key: str, change: str, where: str) -> list[str]:
    sql = f"UPDATE {ident(*table)} SET {change} WHERE ({where}) {PLACEHOLDER}"  # noqa: S608 - names are quoted
    return [f"-- chatkeep:batch key={key} size={BATCH_SIZE}\n{sql}"]


def table_of(fact: Fact) -> tuple[str, str] | None:
    """Give the table that a part belongs to, or None."""
    if isinstance(fact, Index):
        return None if fact.on_view else (fact.schema, fact.relation)
    names = {item.name for item in fields(fact)}
    if {"schema", "table"} <= names and not getattr(fact, "on_view", False):
        return cast("tuple[str, str]", fact.path[:2])
    return None
