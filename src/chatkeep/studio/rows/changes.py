"""Staged changes: what a request brings, and the statements they become.

One writer makes both the statement that runs, with its values beside it, and the one that is shown,
with its values in it as psql takes them.
"""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

from chatkeep.errors import InvalidInputError
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.studio.rows.binding import Binder, key_of
from chatkeep.studio.rows.catalog import POSITION, Field, Relation

MOST_CHANGES = 1000


class Default(msgspec.Struct, forbid_unknown_fields=True):
    """The column's own default."""

    default: Literal[True]


class Digest(msgspec.Struct, forbid_unknown_fields=True):
    """Stands for a long text that was seen."""

    md5: str


Given: TypeAlias = str | Default | None
Seen: TypeAlias = str | Digest | None


class Update(msgspec.Struct, tag_field="kind", tag="update", forbid_unknown_fields=True):
    """Other values for a row."""

    schema: str
    table: str
    key: list[str]
    set: dict[str, Given]
    old: dict[str, Seen]


class Insert(msgspec.Struct, tag_field="kind", tag="insert", forbid_unknown_fields=True):
    """A new row."""

    schema: str
    table: str
    values: dict[str, Given]


class Delete(msgspec.Struct, tag_field="kind", tag="delete", forbid_unknown_fields=True):
    """A row that is to go."""

    schema: str
    table: str
    key: list[str]
    old: dict[str, Seen]


Change: TypeAlias = Update | Insert | Delete


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """Changes in the order in which they run."""

    changes: list[Change]


Writer: TypeAlias = Callable[[Field, str], str]
"""Writes a value for a column into a statement."""


def check(relation: Relation, change: Change) -> None:
    """Refuse what cannot be done to this table's rows.

    Raises:
        InvalidInputError: Its rows cannot be changed, a column makes its own values, or nothing
            says what was seen in a column.
        NoSuchThingError: A column is not there.
    """
    if not relation.changeable and not (isinstance(change, Insert) and relation.line.kind in "rp"):
        raise InvalidInputError(
            f"The rows of {relation.shown} cannot be changed here: it is a view, a foreign table, "
            "or has no key.",
            field="table",
        )
    given = given_of(change)
    for name, value in given.items():
        _check_column(relation.field(name), value, is_new=isinstance(change, Insert))
    if isinstance(change, Update):
        if not change.set:
            raise InvalidInputError("An update changes at least one column.", field="set")
        for name in change.set:
            if name not in change.old and not relation.field(name).secret:
                raise InvalidInputError(
                    f"Nothing says what was seen in {name} before it was changed.", field=name
                )
    if not isinstance(change, Insert):
        for name in change.old:
            relation.field(name)
        key_of(relation, change.key, Binder())


def given_of(change: Change) -> Mapping[str, Given]:
    """Give the values that a change brings."""
    match change:
        case Update():
            return change.set
        case Insert():
            return change.values
        case Delete():
            return {}


def _check_column(field: Field, value: Given, *, is_new: bool) -> None:
    if field.generated:
        raise InvalidInputError(
            f"{field.name} is worked out from other columns; it cannot be set.", field=field.name
        )
    if field.identity == "always" and not (is_new and isinstance(value, Default)):
        raise InvalidInputError(
            f"{field.name} is GENERATED ALWAYS AS IDENTITY; PostgreSQL numbers its rows itself.",
            field=field.name,
        )


def shown(relation: Relation, change: Change) -> str:
    """Write the statement as psql takes it; the value of a secret is left out."""
    return statement(relation, change, _written, _shown_key(relation, change)) + ";"


def bound(relation: Relation, change: Change, bind: Binder) -> str:
    """Write the statement that runs: it gives the row's key as it is afterwards."""

    def beside(field: Field, value: str) -> str:
        return f"{bind(value)}::text::{field.cast}"

    key = "" if isinstance(change, Insert) else key_of(relation, change.key, bind)
    names = ", ".join(f"{name}::text" for name in key_names(relation)) or "1"
    return statement(relation, change, beside, key) + f" returning {names}"


def key_names(relation: Relation) -> list[str]:
    """Give the key's columns for statements."""
    if relation.key == POSITION:
        return list(POSITION)
    return [ident(name) for name in relation.key or ()]


def statement(relation: Relation, change: Change, write: Writer, key: str) -> str:
    """Write a change.

    Args:
        relation: Its table.
        change: What is to be done.
        write: Writes its values.
        key: The condition that finds the row.
    """

    def value(name: str, given: Given) -> str:
        if given is None:
            return "NULL"
        return "DEFAULT" if isinstance(given, Default) else write(relation.field(name), given)

    values = {name: value(name, given) for name, given in given_of(change).items()}
    match change:
        case Delete():
            return f"DELETE FROM {relation.sql} WHERE {key}"  # noqa: S608 - quoted names
        case Update():
            pairs = ", ".join(f"{ident(name)} = {text}" for name, text in values.items())
            return f"UPDATE {relation.sql} SET {pairs} WHERE {key}"  # noqa: S608 - quoted names
        case Insert():
            if not values:
                return f"INSERT INTO {relation.sql} DEFAULT VALUES"
            names = ", ".join(ident(name) for name in values)
            return f"INSERT INTO {relation.sql} ({names}) VALUES ({', '.join(values.values())})"  # noqa: S608 - quoted names


def _written(field: Field, value: str) -> str:
    return "'' /* a secret, not shown */" if field.secret else literal(value)


def _shown_key(relation: Relation, change: Change) -> str:
    if isinstance(change, Insert):
        return ""
    if relation.key == POSITION:
        place, writer = (literal(each) for each in change.key)
        return f"ctid = {place} AND xmin::text = {writer}"
    return " AND ".join(
        f"{ident(name)} = {literal(value)}"
        for name, value in zip(relation.key or (), change.key, strict=True)
    )
