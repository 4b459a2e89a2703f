"""A catalog as it is after something was renamed, without asking the server.

Names in printed expressions are replaced too. A view or function whose text comes out otherwise
than PostgreSQL prints it is merely written anew, and the proof has the last word.
"""

from collections.abc import Callable
from dataclasses import replace

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, Constraint, ForeignKey, Keyed
from chatkeep.kit.catalog.fact import Fact, Key, Kind, OnTable, Unmodelled
from chatkeep.kit.catalog.indexes import Index, Statistics
from chatkeep.kit.catalog.programs import Comment, Policy, Trigger, View
from chatkeep.kit.catalog.tables import Column, Default, Sequence, SequenceOwner, Table
from chatkeep.kit.catalog.types import Enum
from chatkeep.kit.plan.quoting import literal, printed, replace_name

Rewrite = Callable[[Fact], Fact]


def rewritten(catalog: Catalog, change: Rewrite) -> Catalog:
    """Apply a change of names to every fact."""
    new = {key: change(fact) for key, fact in catalog.facts.items()}
    keys = {key: fact.key for key, fact in new.items()}
    return Catalog(
        catalog.version,
        {fact.key: fact for fact in new.values()},
        {
            keys[key]: frozenset(keys.get(need, need) for need in needs)
            for key, needs in catalog.depends.items()
        },
        tuple(_unmodelled(found, keys) for found in catalog.unmodelled),
    )


def _unmodelled(found: Unmodelled, keys: dict[Key, Key]) -> Unmodelled:
    if found.table is None:
        return found
    new = keys.get(Key(Kind.TABLE, found.table))
    return found if new is None else replace(found, table=(new.path[0], new.path[1]))


def _moved(key: Key, old: tuple[str, ...], new: tuple[str, ...]) -> Key:
    if key.path[: len(old)] == old and key.kind not in (Kind.FUNCTION, Kind.SCHEMA, Kind.INDEX):
        return Key(key.kind, (*new, *key.path[len(old) :]))
    return key


def rename_table(schema: str, old: str, new: str) -> Rewrite:
    """Rename a table."""
    before, after = (schema, old), (schema, new)

    def change(fact: Fact) -> Fact:
        fact = _refer(fact, before, after)
        match fact:
            case Table() if fact.path == before:
                return replace(fact, name=new)
            case OnTable() if fact.path[:2] == before:
                return replace(fact, table=new)
            case Index() if (fact.schema, fact.relation, fact.on_view) == (*before, False):
                return replace(fact, relation=new)
            case SequenceOwner() | Statistics() if (fact.table_schema, fact.table) == before:
                return replace(fact, table=new)
            case Comment():
                target = _moved(fact.target, before, after)
                return replace(fact, target=target, holder=_moved(fact.holder, before, after))
            case _:
                return fact

    return change


def _refer(fact: Fact, before: tuple[str, str], after: tuple[str, str]) -> Fact:
    def text(value: str) -> str:
        return replace_name(value, before, after)

    if isinstance(fact, ForeignKey) and (fact.target_schema, fact.target_table) == before:
        fact = replace(fact, target_table=after[1])
    if isinstance(fact, Constraint) and fact.extra:
        return replace(fact, extra=text(fact.extra), definition=text(fact.definition))
    if isinstance(fact, Trigger | View | Statistics):
        return replace(fact, definition=text(fact.definition))
    return fact


def rename_column(table: tuple[str, str], old: str, new: str) -> Rewrite:
    """Rename a column."""

    def text(value: str) -> str:
        return replace_name(value, (old,), (new,))

    def names(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if value == old else value for value in values)

    def change(fact: Fact) -> Fact:
        if isinstance(fact, ForeignKey) and (fact.target_schema, fact.target_table) == table:
            fact = replace(fact, target_columns=names(fact.target_columns))
        if isinstance(fact, Index) and (fact.schema, fact.relation) == table:
            return _index(fact, text, names)
        if isinstance(fact, OnTable) and fact.path[:2] == table:
            return _on_table(fact, text, names)
        match fact:
            case SequenceOwner() if (fact.table_schema, fact.table) == table:
                return replace(fact, column=names((fact.column,))[0])
            case Statistics() if (fact.table_schema, fact.table) == table:
                items = tuple(sorted(text(item) for item in fact.items))
                return replace(fact, definition=text(fact.definition), items=items)
            case Comment() if fact.target == Key(Kind.COLUMN, (*table, old)):
                target = Key(Kind.COLUMN, (*table, new))
                return replace(fact, target=target, holder=target)
            case _:
                return fact

    return change


def _index(
    fact: Index, text: Callable[[str], str], names: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> Index:
    columns = tuple(
        replace(
            column,
            column=names((column.column,))[0] if column.column else None,
            expression=text(column.expression),
        )
        for column in fact.columns
    )
    where = None if fact.where is None else text(fact.where)
    return replace(fact, columns=columns, include=names(fact.include), where=where)


def _on_table(
    fact: OnTable, text: Callable[[str], str], names: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> OnTable:
    match fact:
        case Column():
            made = fact.generated
            if made is not None:
                made = replace(made, expression=text(made.expression))
            return replace(fact, name=names((fact.name,))[0], generated=made)
        case Default():
            return replace(fact, name=names((fact.name,))[0])
        case Check():
            return replace(fact, expression=text(fact.expression), definition=text(fact.definition))
        case Keyed():
            return replace(fact, columns=names(fact.columns), include=names(fact.include))
        case ForeignKey():
            return replace(fact, columns=names(fact.columns))
        case _:
            return _program(fact, text)


def _program(fact: OnTable, text: Callable[[str], str]) -> OnTable:
    if isinstance(fact, Policy):
        using, check = (None if e is None else text(e) for e in (fact.using, fact.check))
        return replace(fact, using=using, check=check)
    if isinstance(fact, Trigger):
        return replace(fact, definition=text(fact.definition))
    return fact


def rename_label(enum: Enum, old: str, new: str) -> Rewrite:
    """Rename a label of an enum, also where a default or an expression says it."""
    name = f"{printed(enum.schema)}.{printed(enum.name)}"
    before, after = f"{literal(old)}::{name}", f"{literal(new)}::{name}"

    def change(fact: Fact) -> Fact:
        match fact:
            case Enum() if fact.key == enum.key:
                labels = tuple(new if label == old else label for label in fact.labels)
                return replace(fact, labels=labels)
            case Default() | Check():
                return replace(fact, expression=fact.expression.replace(before, after))
            case Index() if fact.where:
                return replace(fact, where=fact.where.replace(before, after))
            case _:
                return fact

    return change


def rename_fact(old: Key, new: str) -> Rewrite:
    """Rename a constraint, index or sequence."""
    before = f"{printed(old.path[0])}.{printed(old.path[-1])}"
    after = f"{printed(old.path[0])}.{printed(new)}"

    def change(fact: Fact) -> Fact:
        if isinstance(fact, OnTable | Index) and fact.key == old:
            return replace(fact, name=new)
        if old.kind is Kind.SEQUENCE:
            if isinstance(fact, Sequence | SequenceOwner) and fact.path == old.path:
                return replace(fact, name=new)
            if isinstance(fact, Default):
                text = fact.expression.replace(literal(before), literal(after))
                return replace(fact, expression=text)
        if isinstance(fact, Comment) and fact.target == old:
            target = Key(old.kind, (*old.path[:-1], new))
            return replace(fact, target=target, holder=target)
        return fact

    return change
