"""Along foreign keys: what refers to a row, and rows that a reference could name."""

from typing import Any

import asyncpg

from chatkeep.errors import InvalidInputError
from chatkeep.studio.ground import Ground
from chatkeep.studio.refusing import NoSuchThingError
from chatkeep.studio.rows.binding import Binder, fit_key, key_of
from chatkeep.studio.rows.catalog import Field, ForeignKey, Relation, relation_of
from chatkeep.studio.rows.scanning import plan_of

MOST_COUNTED = 1000
_COST = 2_000  # in PostgreSQL's units, for one of perhaps many foreign keys
_PICKS = 20
_LABEL = 120  # characters of what stands beside a key
_LABELS = ("name", "title", "email", "label", "subject", "slug")


def key_document(key: ForeignKey, other: tuple[str, str], *, inwards: bool) -> dict[str, Any]:
    """Give a foreign key as JSON; `columns` are those of the side that `other` refers from."""
    return {
        "name": key.name,
        "schema": other[0],
        "table": other[1],
        "columns": key.columns,
        "others": key.others,
        "on_delete": key.on_delete,
    } | ({"columns": key.others, "others": key.columns} if inwards else {})


async def references(
    ground: Ground, connection: asyncpg.Connection, relation: Relation, key: list[str]
) -> list[dict[str, Any]]:
    """Count the rows that refer to a row, by foreign key.

    Raises:
        NoSuchThingError: The row is gone.
        InvalidInputError: The key is none of this table.
    """
    await fit_key(connection, relation, key)
    names = list(dict.fromkeys(name for each in relation.into for name in each.others))
    bind = Binder()
    found = key_of(relation, key, bind)
    texts = ", ".join(f"{relation.fields[name].sql}::text" for name in names) or "1"
    row = await connection.fetchrow(
        f"select {texts} from {relation.sql} where {found}",  # noqa: S608 - quoted names
        *bind.values,
    )
    if row is None:
        raise NoSuchThingError(f"The row is not in {relation.shown} any more.")
    values: dict[str, str | None] = {name: row[n] for n, name in enumerate(names)}
    return [await _count(ground, connection, relation, each, values) for each in relation.into]


async def _count(
    ground: Ground,
    connection: asyncpg.Connection,
    relation: Relation,
    key: ForeignKey,
    values: dict[str, str | None],
) -> dict[str, Any]:
    told = key_document(key, key.child, inwards=True)
    given = [values[name] for name in key.others]
    if None in given:
        return told | {"count": 0, "more": False, "filter": None}
    child = await relation_of(ground, connection, *key.child)
    fields = [child.fields[name] for name in key.columns]
    bind = Binder()
    equal = " and ".join(
        f"{field.sql} = {bind(value)}::text::{field.compare}"
        for field, value in zip(fields, given, strict=True)
    )
    statement = f"select 1 from {child.sql} where {equal} limit {MOST_COUNTED + 1}"  # noqa: S608 - quoted names
    secret = any(field.secret for field in fields) or any(
        relation.fields[name].secret for name in key.others
    )
    told["filter"] = None if secret else [
        {"column": field.name, "op": "=", "value": value}
        for field, value in zip(fields, given, strict=True)
    ]  # fmt: skip
    unknown = told | {"count": None, "more": False}
    if not child.line.readable:
        return unknown
    plan = await plan_of(connection, statement, bind.values) if child.big else {}
    if plan.get("Total Cost", 0) > _COST:
        return unknown
    counted = f"select count(*) from ({statement}) s"  # noqa: S608 - quoted names
    count = int(await connection.fetchval(counted, *bind.values) or 0)
    return told | {"count": min(count, MOST_COUNTED), "more": count > MOST_COUNTED}


async def picks(
    connection: asyncpg.Connection, relation: Relation, columns: list[str], text: str
) -> list[dict[str, Any]]:
    """Find rows that a foreign key could refer to: by what its columns hold, or by a name.

    What it refers to stands in a unique index, which holds no long values. In a big table only what an index finds: the exact value of a column that is indexed alone.

    Raises:
        InvalidInputError: A column is a secret, or no unique index has these columns.
        NoSuchThingError: A column is not there.
    """
    fields = [relation.field(name) for name in columns]
    is_referable = any(set(columns) == set(each) for each in relation.unique)
    if not is_referable or any(field.secret for field in fields):
        raise InvalidInputError(
            "A reference is picked by columns that are unique and no secret.", field="columns"
        )
    label = _label(relation, fields)
    searched = [*fields, label] if label is not None else fields
    bind = Binder()
    if not text:
        found = "true"
    elif relation.big:
        found = _exactly(relation, searched, text, bind)
    else:
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = bind(f"%{escaped}%")
        found = " or ".join(f"{field.sql}::text ilike {pattern}" for field in searched)
    shown = [f"{field.sql}::text" for field in fields]
    shown.append(f"left({label.sql}::text, {_LABEL})" if label is not None else "null::text")
    order = ", ".join(str(n + 1) for n in range(len(fields))) if not relation.big else ""
    ordered = f" order by {order}" if order else ""
    statement = (
        f"select {', '.join(shown)} from {relation.sql} where {found}{ordered} limit {_PICKS}"  # noqa: S608 - quoted names
    )
    rows = [tuple(row) for row in await connection.fetch(statement, *bind.values)]
    return [{"values": row[:-1], "label": row[-1]} for row in rows]


def _label(relation: Relation, fields: list[Field]) -> Field | None:
    texts = [f for f in relation.fields.values() if f.category == "text" and not f.secret]
    likely = [f for name in _LABELS for f in texts if f.name.lower() == name and f not in fields]
    return likely[0] if likely else None


def _exactly(relation: Relation, fields: list[Field], text: str, bind: Binder) -> str:
    """Compare with columns that are the first of a unique index, as texts and numbers can be."""
    firsts = {columns[0] for columns in relation.unique}
    usable = [f for f in fields if f.name in firsts and _could_be(f, text)]
    parts = [f"{f.sql} = {bind(text)}::text::{f.compare}" for f in usable]
    return " or ".join(parts) or "false"


def _could_be(field: Field, text: str) -> bool:
    if field.category == "number":
        return text.isascii() and text.isdecimal() and len(text) < 10
    return field.category == "text"
