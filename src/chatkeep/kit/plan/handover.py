"""From serial to identity and back: the new sequence goes on where the old one stood."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatkeep.kit.catalog.catalog import Catalog, default_name
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.tables import Column, Default, Sequence, SequenceOwner
from chatkeep.kit.plan.kinds.columns import COLUMN, DEFAULT
from chatkeep.kit.plan.kinds.sequences import create_sequence, own
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.writer import Context, texts


@dataclass(frozen=True, slots=True)
class Handover:
    """A column's change with all that happens to its sequence."""

    column: Key
    statements: list[str]
    dropped: frozenset[Key]
    created: frozenset[Key]


def find_handovers(context: Context) -> Iterator[Handover]:
    """Find the columns that change between a sequence of their own and an identity."""
    before, after = context.before, context.after
    for old in before.of(Column):
        new = after.find(Column, *old.path)
        if new is None or (old.identity is None) == (new.identity is None):
            continue
        catalog = before if old.identity is None else after
        owner = _counter(catalog, old.key)
        other = after if catalog is before else before
        if owner is None or Key(Kind.SEQUENCE, owner.path) in other.facts:
            continue
        if old.identity is None:
            yield _to_identity(context, old, new, owner)
        else:
            yield _from_identity(context, old, new, owner)


def _counter(catalog: Catalog, column: Key) -> SequenceOwner | None:
    """Give the sequence that a column owns and that its default alone counts with."""
    default = Key(Kind.DEFAULT, column.path)
    for need in catalog.depends.get(default, ()):
        owner = catalog.find(SequenceOwner, *need.path)
        if need.kind is Kind.SEQUENCE and owner is not None and owner.owner == column:
            users = [
                k
                for k, needs in catalog.depends.items()
                if need in needs and k.kind is Kind.DEFAULT
            ]
            return owner if users == [default] else None
    return None


def _keys(owner: SequenceOwner) -> frozenset[Key]:
    default = Key(Kind.DEFAULT, owner.owner.path)
    return frozenset({owner.key, Key(Kind.SEQUENCE, owner.path), default})


def _aside(schema: str, name: str) -> tuple[str, str]:
    return schema, default_name(name, "", "replaced")


def _go_on(schema: str, new: str, old: tuple[str, str]) -> str:
    name = literal(ident(schema, new))
    called = f"SELECT setval({name}::regclass, last_value, is_called)"
    return f"{called} FROM {ident(*old)}"


def _to_identity(context: Context, old: Column, new: Column, owner: SequenceOwner) -> Handover:
    identity = new.identity
    if identity is None:
        raise AssertionError(new.key)
    aside = _aside(*owner.path)
    default = Default(old.schema, old.table, old.name, "")
    statements = [
        *texts(DEFAULT.drop(default)),
        f"ALTER SEQUENCE {ident(*owner.path)} RENAME TO {ident(aside[1])}",
        *(COLUMN.alter(old, new, context) or []),
        _go_on(new.schema, identity.sequence, aside),
        f"DROP SEQUENCE {ident(*aside)}",
    ]
    return Handover(new.key, statements, _keys(owner), frozenset())


def _from_identity(context: Context, old: Column, new: Column, owner: SequenceOwner) -> Handover:
    sequence = context.after.find(Sequence, *owner.path)
    default = context.after.find(Default, *new.path)
    identity = old.identity
    if identity is None or sequence is None or default is None:
        raise AssertionError(new.key)
    aside = _aside(old.schema, identity.sequence)
    statements = [
        f"ALTER SEQUENCE {ident(old.schema, identity.sequence)} RENAME TO {ident(aside[1])}",
        *create_sequence(sequence),
        _go_on(owner.schema, owner.name, aside),
        *(COLUMN.alter(old, new, context) or []),
        *own(owner),
        *DEFAULT.create(default),
    ]
    return Handover(new.key, statements, frozenset(), _keys(owner))
