"""What the constraints of a schema's tables mean to a caller, by their names in PostgreSQL."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from chatkeep.access.trashed import has_trash
from chatkeep.engine.translate import Meaning, Meanings
from chatkeep.errors import (
    AlreadyExistsError,
    CheckFailedError,
    EmailTakenError,
    ReferencedRowError,
)
from chatkeep.schema.schema import Schema

_EMAIL_TAKEN = Meaning(
    EmailTakenError, "Another user has this e-mail address.", "users", ("email",)
)
_NAME_BYTES = 63
_NO_NAMES = re.compile(r"'(?:[^']|'')*'|::\s*\w+")  # texts and types in a rule's SQL


def meanings_of(schema: Schema[Any, Any, Any, Any]) -> Meanings:
    """Say what breaking each constraint and unique index of the schema means."""
    return {
        name: meaning
        for logical, table in schema.tables.items()
        for name, meaning in _of_table(logical, table, schema)
    }


def _of_table(
    logical: str, table: Table, schema: Schema[Any, Any, Any, Any]
) -> Iterator[tuple[str, Meaning]]:
    name = table.primary_key.name
    yield (
        str(name) if name else f"{table.name[: _NAME_BYTES - 5]}_pkey",
        _of_unique(logical, table.primary_key.columns, " or is in the trash" * has_trash(table)),
    )
    for column in table.columns:
        if not column.nullable:
            yield f"{table.name}.{column.name}", _of_not_null(logical, column)
    for index in table.indexes:
        if index.unique:
            expressions = " ".join(str(expression) for expression in index.expressions)
            columns = list(index.columns) or _columns_in(expressions, table)
            yield str(index.name), _of_unique(logical, columns)
    for constraint in table.constraints:
        named = str(constraint.name)
        if isinstance(constraint, UniqueConstraint | ExcludeConstraint):
            yield named, _of_unique(logical, constraint.columns)
        elif isinstance(constraint, ForeignKeyConstraint):
            yield named, _of_reference(logical, constraint, schema)
        elif isinstance(constraint, CheckConstraint):
            yield named, _of_check(logical, named, constraint, table)


def _of_unique(logical: str, columns: Iterable[Column[Any]], where: str = "") -> Meaning:
    fields = tuple(column.key for column in columns)
    if logical == "users" and fields == ("email",):
        return _EMAIL_TAKEN
    what = ", ".join(fields) or "value"
    return Meaning(
        AlreadyExistsError,
        f"{logical}: a row with this {what} exists already{where}.",
        logical,
        fields,
    )


def _of_not_null(logical: str, column: Column[Any]) -> Meaning:
    return Meaning(
        CheckFailedError, f"{logical}: {column.key} cannot be NULL.", logical, (column.key,)
    )


def _of_check(logical: str, named: str, check: CheckConstraint, table: Table) -> Meaning:
    fields = tuple(column.key for column in _columns_in(str(check.sqltext), table))
    return Meaning(
        CheckFailedError, f"{logical}: the row breaks the rule {named}.", logical, fields
    )


def _of_reference(
    logical: str, key: ForeignKeyConstraint, schema: Schema[Any, Any, Any, Any]
) -> Meaning:
    target = next(
        (name for name, table in schema.tables.items() if table is key.referred_table),
        key.referred_table.name,
    )
    fields = tuple(column.key for column in key.columns)
    return Meaning(
        ReferencedRowError,
        f"{logical}: the {', '.join(fields)} names a row of {target} that does not exist.",
        logical,
        fields,
    )


def _columns_in(sql: str, table: Table) -> list[Column[Any]]:
    """Give the columns that a piece of SQL names, in the order of the table."""
    words = set(re.findall(r"\w+", _NO_NAMES.sub(" ", sql)))
    return [column for column in table.columns if column.name in words]
