"""The conventions of the tables, as a check that a user's own tables pass through too."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Column, Index, MetaData, Table, UniqueConstraint

from chatkeep.schema.facts import type_text
from chatkeep.schema.naming import MAX_BYTES, fits

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")

RULES: dict[str, str] = {
    "snake_case": "Names of tables (after the prefix) and columns are snake_case.",
    "name_length": f"No name is longer than PostgreSQL's {MAX_BYTES} bytes.",
    "primary_key": "Every table has a primary key.",
    "time_zone": "Times have a zone (`timestamp with time zone`).",
    "created_at": "Every table has `created_at`.",
    "updated_at": "Every table has `updated_at`, unless its rows never change (`append_only`).",
    "foreign_key_index": "An index, key or unique constraint begins with the columns of each"
    " foreign key.",
    "foreign_key_rule": "Every foreign key says what happens on delete (`cascade`, `set null`,"
    " `set default` or `restrict`).",
    "boolean": "Booleans are NOT NULL and have a default.",
    "jsonb": "JSON is `jsonb`, not `json`.",
    "serial": "Numbers are given by identity columns, not by `serial`.",
}


class Breach(NamedTuple):
    """One place where a convention is not kept.

    Attributes:
        table: Full name of the table.
        column: The column, or the constraint or index where the rule is about those; or None.
        rule: A key of `RULES`.
        message: What is wrong and what to do.
    """

    table: str
    column: str | None
    rule: str
    message: str


def check_conventions(metadata: MetaData, *, prefix: str = "") -> list[Breach]:
    """List every breach, table by table, in the order of names.

    Args:
        metadata: The tables.
        prefix: What stands before the names of tables and need not be snake_case.
    """
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    found = [breach for table in tables for rule in _CHECKS for breach in rule(table)]
    names = [breach for table in tables for breach in _snake_case(table, prefix)]
    return sorted(names + found, key=lambda breach: breach.table)


def _snake_case(table: Table, prefix: str) -> Iterator[Breach]:
    advice = "is not snake_case; use small letters, digits and single underscores"
    bare = table.name.removeprefix(prefix)
    if not _SNAKE_CASE.fullmatch(bare):
        yield Breach(table.name, None, "snake_case", f'The table name "{bare}" {advice}.')
    for column in table.columns:
        if not _SNAKE_CASE.fullmatch(column.name):
            message = f'The column name "{column.name}" {advice}.'
            yield Breach(table.name, column.name, "snake_case", message)


def _name_length(table: Table) -> Iterator[Breach]:
    items = [*table.constraints, *table.indexes, *table.columns, table]
    for name in sorted(str(item.name) for item in items if item.name is not None):
        if not fits(name):
            message = f'"{name}" is longer than {MAX_BYTES} bytes, and PostgreSQL would cut it.'
            yield Breach(table.name, name, "name_length", message)
    for key in table.foreign_key_constraints:
        if "drizzle_name" in key.info:
            message = (
                f'"{key.info["drizzle_name"]}" is longer than {MAX_BYTES} bytes; PostgreSQL cut it.'
            )
            yield Breach(table.name, str(key.name), "name_length", message)


def _primary_key(table: Table) -> Iterator[Breach]:
    if not table.primary_key.columns:
        message = "The table has no primary key; add one."
        yield Breach(table.name, None, "primary_key", message)


def _columns(table: Table) -> Iterator[Breach]:
    for column in table.columns:
        kind = type_text(column)
        if kind == "timestamp without time zone":
            yield _about(
                column, "time_zone", "is a time without zone; use TIMESTAMP(timezone=True)"
            )
        if kind == "json":
            yield _about(column, "jsonb", "is json, which has no equality; use jsonb")
        if kind == "boolean" and (column.nullable or column.server_default is None):
            yield _about(
                column, "boolean", "can be NULL or has no default; make it NOT NULL with one"
            )
        if kind in {"serial", "bigserial", "smallserial"}:
            yield _about(column, "serial", "is a serial; use Identity()")


def _about(column: Column[Any], rule: str, text: str) -> Breach:
    return Breach(column.table.name, column.name, rule, f"`{column.name}` {text}.")


def _times(table: Table) -> Iterator[Breach]:
    wanted = ["created_at"] if table.info.get("append_only") else ["created_at", "updated_at"]
    for name in wanted:
        if name not in table.columns:
            extra = ', or say info={"append_only": True}' if name == "updated_at" else ""
            yield Breach(table.name, None, name, f"The table has no `{name}`; add it{extra}.")


def _foreign_keys(table: Table) -> Iterator[Breach]:
    leading = list(_leading_columns(table))
    for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name)):
        columns = [column.name for column in key.columns]
        name = str(key.name)
        if not any(set(names[: len(columns)]) == set(columns) for names in leading):
            message = (
                f"No index begins with ({', '.join(columns)}), the foreign key {name};"
                " add one, or every delete reads the whole table."
            )
            yield Breach(table.name, name, "foreign_key_index", message)
        if key.ondelete is None or key.ondelete.lower() == "no action":
            message = f"The foreign key {name} does not say what happens on delete; add it."
            yield Breach(table.name, name, "foreign_key_rule", message)


def _leading_columns(table: Table) -> Iterator[list[str]]:
    yield [column.name for column in table.primary_key.columns]
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield [column.name for column in constraint.columns]
    for index in table.indexes:
        if _covers_every_row(index):
            yield [
                item.name if isinstance(item, Column) else str(item) for item in index.expressions
            ]


def _covers_every_row(index: Index) -> bool:
    options = index.dialect_options["postgresql"]
    return options.get("where") is None and (options.get("using") or "btree") == "btree"


_CHECKS: tuple[Callable[[Table], Iterator[Breach]], ...] = (
    _name_length,
    _primary_key,
    _columns,
    _times,
    _foreign_keys,
)
