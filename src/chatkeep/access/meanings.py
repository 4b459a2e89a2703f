"""What the constraints of a schema's tables mean to a caller, by their names in PostgreSQL."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Table, UniqueConstraint

from chatkeep.engine.translate import Meaning, Meanings
from chatkeep.errors import (
    AlreadyExistsError,
    CheckFailedError,
    EmailTakenError,
    ReferencedRowError,
)
from chatkeep.schema.schema import Schema

_EMAIL_TAKEN = Meaning(EmailTakenError, "Another user has this e-mail address.")
_NAME_BYTES = 63


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
    key = ", ".join(column.name for column in table.primary_key.columns)
    name = table.primary_key.name
    yield (
        str(name) if name else f"{table.name[: _NAME_BYTES - 5]}_pkey",
        Meaning(AlreadyExistsError, f"{logical}: a row with this {key} exists already."),
    )
    for index in table.indexes:
        if index.unique:
            yield str(index.name), _of_unique(logical, index)
    for constraint in table.constraints:
        named = str(constraint.name)
        if isinstance(constraint, UniqueConstraint):
            yield named, _of_unique(logical, constraint)
        elif isinstance(constraint, ForeignKeyConstraint):
            yield named, _of_reference(logical, constraint, schema)
        elif isinstance(constraint, CheckConstraint):
            yield named, Meaning(CheckFailedError, f"{logical}: the row breaks the rule {named}.")


def _of_unique(logical: str, unique: Index | UniqueConstraint) -> Meaning:
    columns = [column.name for column in unique.columns]
    if logical == "users" and columns == ["email"]:
        return _EMAIL_TAKEN
    what = ", ".join(columns) or "value"
    return Meaning(AlreadyExistsError, f"{logical}: a row with this {what} exists already.")


def _of_reference(
    logical: str, key: ForeignKeyConstraint, schema: Schema[Any, Any, Any, Any]
) -> Meaning:
    target = next(
        (name for name, table in schema.tables.items() if table is key.referred_table),
        key.referred_table.name,
    )
    columns = ", ".join(key.column_keys)
    return Meaning(
        ReferencedRowError, f"{logical}: the {columns} names a row of {target} that does not exist."
    )
