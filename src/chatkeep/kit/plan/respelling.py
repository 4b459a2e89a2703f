"""A fact as it is after something that it names was renamed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

from chatkeep.kit.catalog.constraints import Check, Constraint, ForeignKey
from chatkeep.kit.catalog.fact import Fact, Key, Kind, OnTable
from chatkeep.kit.catalog.indexes import Index, IndexColumn, Statistics
from chatkeep.kit.catalog.privileges import DefaultPrivileges, Privileged
from chatkeep.kit.catalog.programs import (
    Comment,
    EventTrigger,
    Function,
    OnRelation,
    Policy,
    Publication,
    View,
    ViewDefault,
)
from chatkeep.kit.catalog.tables import (
    Column,
    Default,
    Generated,
    Partition,
    Sequence,
    SequenceOwner,
    Table,
)
from chatkeep.kit.catalog.types import (
    Collation,
    Composite,
    Domain,
    Enum,
    Extension,
    Range,
    Schema,
)

Text = Callable[[str], str]

_ALONE = (Kind.EXTENSION, Kind.PUBLICATION, Kind.EVENT_TRIGGER, Kind.DEFAULT_PRIVILEGES)
"""Named by no schema."""

_NAMED_APART = (Kind.SEQUENCE, Kind.SEQUENCE_OWNER, Kind.INDEX, Kind.STATISTICS, Kind.COLLATION)
"""May have the name of a relation with columns, or of a type, in the same schema."""


def _same_place(schema: str, name: str) -> tuple[str, str]:
    return schema, name


def _same(name: str) -> str:
    return name


def _same_key(key: Key) -> Key:
    return key


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called after a rename.

    Attributes:
        text: Of SQL that PostgreSQL printed for a fact.
        place: Of a relation with columns, or a type: (schema, name).
        schema: Of a schema.
        own: Of one fact that has a new name by itself.
    """

    text: Callable[[Fact | None, str], str]
    place: Callable[[str, str], tuple[str, str]] = _same_place
    schema: Callable[[str], str] = _same
    own: Callable[[Key], Key] = _same_key

    def key(self, key: Key) -> Key:
        """Give what a key becomes."""
        kind, path = self.own(key)
        if kind in _ALONE:
            return key
        if kind is Kind.FUNCTION:
            return Key(kind, (self.schema(path[0]), path[1], self.text(None, path[2])))
        if kind is Kind.SCHEMA or kind in _NAMED_APART:
            return Key(kind, (self.schema(path[0]), *path[1:]))
        return Key(kind, (*self.place(path[0], path[1]), *path[2:]))


def respelled(fact: Fact, names: Names) -> Fact:
    """Give the fact under the new names."""
    made = with_texts(fact, lambda text: names.text(fact, text))
    match made:
        case OnTable():
            return _on_table(made, names)
        case Table() | View() | Enum() | Domain() | Composite() | Range() | Partition():
            schema, name = names.place(made.schema, made.name)
            made = replace(made, schema=schema, name=name)
        case Index():
            schema, relation = names.place(made.schema, made.relation)
            whole = _whole(made.whole, names)
            made = replace(made, schema=schema, relation=relation, whole=whole)
        case SequenceOwner() | Statistics():
            table_schema, table = names.place(made.table_schema, made.table)
            schema = names.schema(made.schema)
            made = replace(made, schema=schema, table_schema=table_schema, table=table)
        case Sequence() | Collation() | Extension() | DefaultPrivileges():
            made = replace(made, schema=names.schema(made.schema))
        case Function():
            schema, name, _ = names.key(fact.key).path
            made = replace(made, schema=schema, name=name)
        case Schema():
            made = replace(made, name=names.schema(made.name))
        case Comment() | Privileged():
            made = _said(made, names.key)
        case _:
            pass
    if isinstance(made, Partition):
        schema, table = names.place(made.parent_schema, made.parent_table)
        made = replace(made, parent_schema=schema, parent_table=table)
    return made


def _said(fact: Comment | Privileged, key: Callable[[Key], Key]) -> Fact:
    if isinstance(fact, Comment):
        return replace(fact, target=key(fact.target), holder=key(fact.holder))
    holder = None if fact.holder is None else key(fact.holder)
    return replace(fact, target=key(fact.target), holder=holder)


def retargeted(fact: Fact, key: Callable[[Key], Key]) -> Fact:
    """Let a comment, an owner or a grant follow what it is about; other facts stay as they are."""
    return _said(fact, key) if isinstance(fact, Comment | Privileged) else fact


def _whole(whole: tuple[str, str] | None, names: Names) -> tuple[str, str] | None:
    return None if whole is None else (names.schema(whole[0]), whole[1])


def _on_table(fact: OnTable, names: Names) -> Fact:
    schema, table = names.place(fact.schema, fact.table)
    fact = replace(fact, schema=schema, table=table)
    if isinstance(fact, ForeignKey):
        schema, table = names.place(fact.target_schema, fact.target_table)
        return replace(fact, target_schema=schema, target_table=table)
    if isinstance(fact, Constraint):
        return replace(fact, whole=_whole(fact.whole, names))
    if isinstance(fact, Column) and fact.user_type is not None:
        return replace(fact, user_type=names.place(*fact.user_type))
    return fact


_TEXTS: tuple[tuple[type[Fact], tuple[str, ...]], ...] = (
    (Column, ("type", "generated", "collation")),
    (Default, ("expression",)),
    (ViewDefault, ("expression",)),
    (Check, ("definition", "expression")),
    (Constraint, ("definition", "extra")),
    (Index, ("definition", "columns", "where")),
    (Statistics, ("definition", "items")),
    (Function, ("arguments", "definition", "result", "signature")),
    (View, ("definition", "columns")),
    (OnRelation, ("definition",)),
    (EventTrigger, ("definition",)),
    (Policy, ("using", "check")),
    (Domain, ("base", "default", "collation", "checks")),
    (Composite, ("attributes",)),
    (Range, ("options",)),
    (Publication, ("items",)),
    (Table, ("partition_key",)),
)
"""The fields of each class that hold SQL as PostgreSQL printed it."""


def with_texts(fact: Fact, text: Text) -> Fact:
    """Give the fact with its SQL put through a function."""
    fields = next((names for class_, names in _TEXTS if isinstance(fact, class_)), ())
    pairs = ((name, getattr(fact, name)) for name in fields)
    changed = {name: new for name, old in pairs if (new := _through(old, text)) != old}
    if isinstance(fact, Statistics) and changed:
        changed["items"] = tuple(sorted(text(item) for item in fact.items))
    return replace(fact, **changed) if changed else fact


def _through(value: object, text: Text) -> object:
    """Put a field through: a text, a list of them, or (name, text) pairs, whose names stay."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Generated | IndexColumn):
        return replace(value, expression=text(value.expression))
    if not isinstance(value, tuple):
        return value
    items = cast("tuple[object, ...]", value)
    return tuple(
        (cast("tuple[str, str]", item)[0], text(cast("tuple[str, str]", item)[1]))
        if isinstance(item, tuple)
        else _through(item, text)
        for item in items
    )
