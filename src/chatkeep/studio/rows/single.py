"""One row: a cell of it whole, and what a copy of it would hold."""

import hashlib
from typing import Any

import asyncpg
import msgspec

from chatkeep.errors import InvalidInputError
from chatkeep.studio.refusing import NoSuchThingError
from chatkeep.studio.rows.binding import Binder, fit_key, key_of
from chatkeep.studio.rows.catalog import Field, Relation

MOST_CELL = 8 * 2**20
"""Most characters of a cell that come on demand."""


class CellAsked(msgspec.Struct, forbid_unknown_fields=True):
    """A secret that is to be shown."""

    key: list[str]
    column: str
    reveal: bool


async def whole_cell(
    connection: asyncpg.Connection,
    relation: Relation,
    key: list[str],
    field: Field,
    *,
    reveal: bool,
) -> dict[str, Any]:
    """Give a cell up to 8 MiB.

    Args:
        connection: Inside a transaction, settled.
        relation: The table.
        key: The row's.
        field: The column.
        reveal: It was asked for as a secret.

    Raises:
        NoSuchThingError: The row is gone.
        InvalidInputError: The key is none of this table, or the column is a secret.
    """
    if field.secret and not reveal:
        raise InvalidInputError(
            f"{field.name} is a secret: it is shown on demand, with --write.", field=field.name
        )
    await fit_key(connection, relation, key)
    bind = Binder()
    found = key_of(relation, key, bind)
    text, name = f"{field.sql}::text", relation.sql
    statement = f"select left({text}, {MOST_CELL}), octet_length({text}) from {name} where {found}"  # noqa: S608 - quoted names
    row = await connection.fetchrow(statement, *bind.values)
    if row is None:
        raise NoSuchThingError(f"The row is not in {relation.shown} any more.")
    value, size = row[0], row[1] or 0
    cut = value is not None and size > MOST_CELL and len(value.encode()) < size
    md5 = None
    if value is not None and not cut:
        md5 = hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()
    return {"text": value, "bytes": size, "cut": cut, "md5": md5}


async def duplicate(
    connection: asyncpg.Connection, relation: Relation, key: list[str]
) -> dict[str, Any]:
    """Give what a copy of a row would hold, without what must differ or makes itself.

    Raises:
        NoSuchThingError: The row is gone.
        InvalidInputError: The key is none of this table.
    """
    await fit_key(connection, relation, key)
    unique = {name for columns in relation.unique for name in columns}
    left = {name: why for name, f in relation.fields.items() if (why := _why_left(f, unique))}
    kept = [field for name, field in relation.fields.items() if name not in left]
    bind = Binder()
    found = key_of(relation, key, bind)
    texts = [f"{field.sql}::text" for field in kept]
    shown = ", ".join(
        f"case when octet_length({text}) <= {MOST_CELL // 8} then {text} end, {text} is null"
        for text in texts
    )
    statement = f"select {shown or '1'} from {relation.sql} where {found}"  # noqa: S608 - quoted names
    row = await connection.fetchrow(statement, *bind.values)
    if row is None:
        raise NoSuchThingError(f"The row is not in {relation.shown} any more.")
    values: dict[str, str | None] = {}
    for n, field in enumerate(kept):
        if row[2 * n] is None and not row[2 * n + 1]:
            left[field.name] = "large"
        else:
            values[field.name] = row[2 * n]
    return {"values": values, "left": [{"column": c, "why": why} for c, why in left.items()]}


def _why_left(field: Field, unique: set[str]) -> str | None:
    if field.identity is not None:
        return "identity"
    if field.generated:
        return "generated"
    if field.name in unique:
        return "default" if field.default is not None else "unique"
    return "secret" if field.secret else None
