"""What went and came alike: perhaps a rename, and only the caller knows."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from chatkeep.errors import RenameUnclearError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.programs import Function, View
from chatkeep.kit.catalog.tables import Sequence, SequenceOwner, Table
from chatkeep.kit.catalog.types import Composite, Domain, Enum, Schema
from chatkeep.kit.plan import naming, rewrite
from chatkeep.kit.plan.renames import Candidate, Renames


def find_unclear(before: Catalog, after: Catalog, renames: Renames) -> list[Candidate]:
    """Find what may have been renamed, leaving out what the caller called gone (None)."""
    found = [
        *_schemas(before, after),
        *_objects(before, after),
        *_columns(before, after),
        *_attributes(before, after),
        *_labels(before, after),
    ]
    return [c for c in found if not (c.old in renames and renames[c.old] is None)]


def _candidate(before: Catalog, key: Key, names: Collection[str]) -> Candidate:
    return Candidate(naming.told_kind(key), naming.path_of(key, before), tuple(names))


def _schemas(before: Catalog, after: Catalog) -> Iterator[Candidate]:
    """An empty schema is not asked for: nothing is lost with it."""
    new = [schema for schema in after.of(Schema) if schema.key not in before.facts]
    for schema in before.of(Schema):
        if schema.key in after.facts:
            continue
        inside = _inside(before, schema)
        names = [s.name for s in new if inside and _alike(inside, _inside(after, s))]
        if names:
            yield _candidate(before, schema.key, names)


def _inside(catalog: Catalog, schema: Schema) -> frozenset[tuple[str, str]]:
    kinds = (*naming.OBJECTS, Kind.FUNCTION)
    return frozenset(
        (key.kind, key.path[1])
        for key in catalog.facts
        if key.kind in kinds and key.path[0] == schema.name
    )


def _objects(before: Catalog, after: Catalog) -> Iterator[Candidate]:
    for kind in (Table, Enum, Domain, Composite, View, Function, Sequence):
        yield from _of_class(before, after, kind)


_Asked = Table | Enum | Domain | Composite | View | Function | Sequence


def _of_class(before: Catalog, after: Catalog, class_: type[_Asked]) -> Iterator[Candidate]:
    gone = [f for f in before.facts.values() if isinstance(f, class_) and f.key not in after.facts]
    came = [f for f in after.facts.values() if isinstance(f, class_) and f.key not in before.facts]
    for old in sorted(gone, key=lambda fact: fact.key):
        names = [
            new.path[1]
            for new in sorted(came, key=lambda fact: fact.key)
            if (new.kind, new.schema) == (old.kind, old.schema) and _may_be(before, after, old, new)
        ]
        if names:
            yield _candidate(before, old.key, names)


def _may_be(before: Catalog, after: Catalog, old: Fact, new: Fact) -> bool:
    """Say whether to ask.

    Half of what a table or a type is made of is enough, since a wrong guess costs every row. A
    view, function or sequence must be the same but for its name.
    """
    match old, new:
        case Table(), Table():
            return _alike(_shape(before, old), _shape(after, new))
        case Enum(), Enum():
            return _alike(frozenset(old.labels), frozenset(new.labels))
        case Composite(), Composite():
            return _alike(frozenset(old.attributes), frozenset(new.attributes))
        case Sequence(), Sequence():
            owned = Key(SequenceOwner.kind, old.path) in before.facts
            owns = Key(SequenceOwner.kind, new.path) in after.facts
            return not owned and not owns and old.options == new.options
        case _:
            return _same_but_name(old, new)


def _same_but_name(old: Fact, new: Fact) -> bool:
    match old, new:
        case Domain(), Domain():
            return old.base == new.base  # the rest is changed in place
        case View(), View():
            return replace(old, name=new.name) == new
        case Function(), Function():
            return _same_function(old, new)
        case _:
            return False


def _same_function(old: Function, new: Function) -> bool:
    if (old.arguments, old.result) != (new.arguments, new.result):
        return False
    alone = rewrite.rename_function(Catalog(0, {old.key: old}), old.key, new.name)
    return alone.find(Function, *new.path) == new


def _alike(one: frozenset[object], other: frozenset[object]) -> bool:
    return 2 * len(one & other) >= min(len(one), len(other))


def _shape(catalog: Catalog, table: Table) -> frozenset[tuple[str, str]]:
    return frozenset((column.name, column.type) for column in catalog.columns(*table.path))


def _columns(before: Catalog, after: Catalog) -> Iterator[Candidate]:
    for table in before.of(Table):
        if table.key not in after.facts:
            continue
        new = [c for c in after.columns(*table.path) if c.key not in before.facts]
        for column in before.columns(*table.path):
            names = [c.name for c in new if c.type == column.type]
            if names and column.key not in after.facts:
                yield _candidate(before, column.key, names)


def _attributes(before: Catalog, after: Catalog) -> Iterator[Candidate]:
    for type_ in before.of(Composite):
        other = after.find(Composite, *type_.path)
        if other is None:
            continue
        had, has = dict(type_.attributes), dict(other.attributes)
        for name, kept in had.items():
            names = [new for new, type_now in has.items() if new not in had and type_now == kept]
            if names and name not in has:
                yield _candidate(before, Key(Kind.COMPOSITE, (*type_.path, name)), names)


def _labels(before: Catalog, after: Catalog) -> Iterator[Candidate]:
    for enum in before.of(Enum):
        other = after.find(Enum, *enum.path)
        if other is None or len(other.labels) != len(enum.labels):
            continue
        pairs = [(a, b) for a, b in zip(enum.labels, other.labels, strict=True) if a != b]
        if all(a not in other.labels and b not in enum.labels for a, b in pairs):
            for old, new in pairs:
                yield _candidate(before, Key(Kind.ENUM, (*enum.path, old)), [new])


def refuse_unclear(candidates: list[Candidate]) -> None:
    """Raise when there is something to ask.

    Raises:
        RenameUnclearError: A rename, or a drop and an add? `candidates` holds what was found.
    """
    if not candidates:
        return
    said = "; ".join(
        f"{c.kind} {'.'.join(naming.said_kind(c.old)[1])} -> {' or '.join(c.new)}"
        for c in candidates
    )
    first = candidates[0]
    given = f"{'.'.join(first.old)}:{first.new[0]}"
    given = f"'{given}'" if "(" in given else given
    raise RenameUnclearError(
        f"This may be a rename, or a drop and an add: {said}.",
        hint=f"Say `--rename {given}` for each rename, or --allow-drops where nothing was renamed.",
        candidates=tuple((c.kind, c.old, c.new) for c in candidates),
    )
