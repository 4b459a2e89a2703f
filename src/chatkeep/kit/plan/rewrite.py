"""A catalog as it is after something was renamed, without asking the server.

Names in printed expressions are replaced too. A view or function whose text comes out otherwise
than PostgreSQL prints it is merely written anew, and the proof has the last word.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, Constraint, ForeignKey, Keyed
from chatkeep.kit.catalog.fact import Fact, Key, Kind, OnTable, Unmodelled
from chatkeep.kit.catalog.indexes import Index, Statistics
from chatkeep.kit.catalog.programs import Function, Policy, Trigger, View, ViewDefault
from chatkeep.kit.catalog.tables import (
    Cluster,
    Column,
    Default,
    ReplicaIdentity,
    Sequence,
    SequenceOwner,
)
from chatkeep.kit.catalog.types import Composite, Domain, Enum, Extension, Range, Schema
from chatkeep.kit.plan.quoting import literal, plain, printed, replace_name, tokens_of
from chatkeep.kit.plan.respelling import Names, respelled, retargeted, with_texts
from chatkeep.kit.plan.spelling import (
    Around,
    is_constant,
    is_function,
    is_place,
    is_qualifier,
    respell,
)

Rewrite = Callable[[Fact], Fact]


def rewritten(
    catalog: Catalog, change: Rewrite, strays: Callable[[Unmodelled], Unmodelled] | None = None
) -> Catalog:
    """Apply a change of names to every fact, and to what is no fact where `strays` is given."""
    new = {key: change(fact) for key, fact in catalog.facts.items()}
    keys = {key: fact.key for key, fact in new.items()}
    found = (_unmodelled(each, keys) for each in catalog.unmodelled)
    return Catalog(
        catalog.version,
        {fact.key: fact for fact in new.values()},
        {
            keys[key]: frozenset(keys.get(need, need) for need in needs)
            for key, needs in catalog.depends.items()
        },
        tuple(found if strays is None else map(strays, found)),
    )


def _unmodelled(found: Unmodelled, keys: dict[Key, Key]) -> Unmodelled:
    if found.table is None:
        return found
    new = keys.get(Key(Kind.TABLE, found.table))
    return found if new is None else replace(found, table=(new.path[0], new.path[1]))


def rename_schema(catalog: Catalog, old: str, new: str) -> Catalog:
    """Rename a schema, with all that is in it."""
    inside = {key.path[1] for key in catalog.facts if len(key.path) > 1 and key.path[0] == old}
    inside |= {plain(tokens_of(text)[-1]) for fact in catalog.of(Range) for _, text in fact.options}
    # What an extension or something unmodelled has there is not known by name.
    known = not catalog.unmodelled and all(e.schema != old for e in catalog.of(Extension))

    def is_schema(around: Around) -> bool:
        if around.before == ".":
            return False
        if around.after == ".":  # else it is a relation of that name before its column
            return not known or plain(around.then) in inside
        return around.inside == "regnamespace" or around.before == "SCHEMA"

    def text(_fact: Fact | None, value: str) -> str:
        return respell(value, (old,), (new,), is_schema)

    def schema(name: str) -> str:
        return new if name == old else name

    def place(schema_: str, name: str) -> tuple[str, str]:
        return schema(schema_), name

    names = Names(text, place, schema)
    strays = _strays(old, new, partial(text, None))
    return rewritten(catalog, lambda fact: respelled(fact, names), strays)


def _strays(old: str, new: str, text: Callable[[str], str]) -> Callable[[Unmodelled], Unmodelled]:
    """Rename what is no fact: by its whole name, or the beginning, and in what defines it."""

    def change(found: Unmodelled) -> Unmodelled:
        name = text(found.name)
        if f"{found.name}.".startswith(f"{old}."):
            name = text(new + found.name[len(old) :])
        return replace(found, name=name, definition=text(found.definition))

    return change


def rename_place(catalog: Catalog, before: tuple[str, str], name: str) -> Catalog:
    """Rename a table, a view or a type."""
    after = (before[0], name)
    is_schema_too = before[1] == "public" or catalog.find(Schema, before[1]) is not None

    def place(schema: str, old: str) -> tuple[str, str]:
        return after if (schema, old) == before else (schema, old)

    def text(fact: Fact | None, value: str) -> str:
        made = respell(value, before, after, is_place)
        own = isinstance(fact, OnTable) and fact.path[:2] == before
        if is_schema_too or fact is None or (made == value and not own):
            return made
        return respell(made, before[1:], after[1:], is_qualifier)

    names = Names(text, place)
    strays = _strays(".".join(before), ".".join(after), partial(text, None))
    return rewritten(catalog, lambda fact: respelled(fact, names), strays)


def rename_function(catalog: Catalog, old: Key, name: str) -> Catalog:
    """Rename one function; what calls another of the same name stays."""
    before = (old.path[0], old.path[1])
    after = (old.path[0], name)
    several = sum(k.kind is Kind.FUNCTION and k.path[:2] == before for k in catalog.facts) > 1
    users = {old} | {key for key, needs in catalog.depends.items() if old in needs}

    def own(key: Key) -> Key:
        return Key(old.kind, (*after, old.path[2])) if key == old else key

    def text(fact: Fact | None, value: str) -> str:
        if fact is None or (several and fact.key not in users):
            return value
        return respell(value, before, after, is_function)

    def bare(value: str) -> str:
        return respell(value, before, after, lambda around: around.before != ".")

    names = Names(text, own=own)
    return rewritten(
        catalog,
        lambda fact: respelled(fact, names),
        lambda found: replace(found, definition=bare(found.definition)),
    )


def rename_column(table: tuple[str, str], old: str, new: str) -> Rewrite:
    """Rename a column."""

    def text(value: str) -> str:
        return replace_name(value, (old,), (new,))

    def names(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(new if value == old else value for value in values)

    def key(found: Key) -> Key:
        return Key(found.kind, (*table, new)) if found == (Kind.COLUMN, (*table, old)) else found

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
            case _:
                return retargeted(fact, key)

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
        if isinstance(fact, Enum) and fact.key == enum.key:
            labels = tuple(new if label == old else label for label in fact.labels)
            return replace(fact, labels=labels)
        return with_texts(fact, lambda text: text.replace(before, after))

    return change


def rename_attribute(catalog: Catalog, type_: Composite, old: str, new: str) -> Catalog:
    """Rename an attribute of a composite type, also where an expression names it."""
    users = {key for key, needs in catalog.depends.items() if type_.key in needs}
    users |= {key for key, needs in catalog.depends.items() if needs & users}
    before, after = (*type_.path, old), (*type_.path, new)

    def key(found: Key) -> Key:
        return Key(found.kind, after) if found == (Kind.COLUMN, before) else found

    def change(fact: Fact) -> Fact:
        if isinstance(fact, Composite) and fact.key == type_.key:
            pairs = ((new if name == old else name, kept) for name, kept in fact.attributes)
            return replace(fact, attributes=tuple(pairs))
        if fact.key in users:
            fact = with_texts(fact, lambda text: respell(text, (old,), (new,), _is_attribute))
        return retargeted(fact, key)

    def stray(found: Unmodelled) -> Unmodelled:
        return replace(found, name=respell(found.name, before, after, is_place))

    return rewritten(catalog, change, stray)


def _is_attribute(around: Around) -> bool:
    return around.before == "." and around.after not in (".", "(")


def rename_domain_check(domain: Domain, old: str, new: str) -> Rewrite:
    """Rename a constraint of a domain."""
    before, after = (Key(Kind.CHECK, (*domain.path, name)) for name in (old, new))

    def change(fact: Fact) -> Fact:
        if isinstance(fact, Domain) and fact.key == domain.key:
            checks = ((new if name == old else name, text) for name, text in fact.checks)
            return replace(fact, checks=tuple(sorted(checks)))
        return retargeted(fact, lambda key: after if key == before else key)

    return change


_COUNTING = (Default, ViewDefault, Domain, View, Function)
"""What may take the next number of a sequence."""


def rename_fact(old: Key, new: str) -> Rewrite:
    """Rename a constraint, index or sequence."""
    before, after = (old.path[0], old.path[-1]), (old.path[0], new)
    target = Key(old.kind, (*old.path[:-1], new))

    def text(value: str) -> str:
        return respell(value, before, after, is_constant)

    def change(fact: Fact) -> Fact:
        if isinstance(fact, OnTable | Index | Sequence) and fact.key == old:
            return replace(fact, name=new)
        if old.kind is Kind.SEQUENCE and isinstance(fact, _COUNTING):
            fact = with_texts(fact, text)
        match fact:
            case SequenceOwner() if old == (Kind.SEQUENCE, fact.path):
                return replace(fact, name=new)
            case ReplicaIdentity() | Cluster() if (fact.schema, fact.index) == before:
                return replace(fact, index=new)
            case Index() | Constraint() if fact.whole == before:
                return replace(fact, whole=after)
            case _:
                return retargeted(fact, lambda key: target if key == old else key)

    return change
