"""How two catalogs differ, told for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Fact, Key, Kind

Fields = Mapping[str, tuple[object, object]]
"""What differs between two facts, by name: its value in the first and in the second."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that only one of two catalogs has, or that is not the same in both.

    Attributes:
        object: Kind and qualified name.
        found: `missing` from the second, `extra` in the second, or `changed`.
        fields: Where it changed, what.
    """

    object: str
    found: Literal["missing", "extra", "changed"]
    fields: Fields = field(default_factory=dict)


def changed_fields(first: Fact, second: Fact) -> Fields:
    """Give what differs between two facts of one name; `kind` alone where they are of two kinds."""
    if type(first) is not type(second):
        return {"kind": (first.kind, second.kind)}
    pairs = {
        each.name: (getattr(first, each.name), getattr(second, each.name))
        for each in fields(first)
        if each.compare
    }
    return {name: (old, new) for name, (old, new) in pairs.items() if old != new}


def differences(first: Catalog, second: Catalog) -> list[Difference]:
    """Compare two catalogs; what goes with a missing or extra table is not told again."""
    return [
        *_lost(first, second, "missing"),
        *_lost(second, first, "extra"),
        *(
            Difference(str(key), "changed", changed_fields(fact, second.facts[key]))
            for key, fact in first.facts.items()
            if key in second.facts and second.facts[key] != fact
        ),
        *_unmodelled(first, second),
    ]


def _lost(
    here: Catalog, there: Catalog, found: Literal["missing", "extra"]
) -> Iterator[Difference]:
    lost = {key for key in here.facts if key not in there.facts}
    for key in here.facts:
        if key in lost and not _goes_along(here, key, lost):
            yield Difference(str(key), found)


def _goes_along(catalog: Catalog, key: Key, lost: set[Key]) -> bool:
    parent = catalog.facts[key].parent
    if parent in lost:
        return True
    if key.kind is Kind.SEQUENCE:  # a serial's sequence goes with its column
        return any(owner.kind is Kind.SEQUENCE_OWNER for owner in lost if owner.path == key.path)
    return False


def _unmodelled(first: Catalog, second: Catalog) -> Iterator[Difference]:
    ours, theirs = set(first.unmodelled), set(second.unmodelled)
    for thing in sorted(ours - theirs, key=lambda item: (item.kind, item.name)):
        yield Difference(f"{thing.kind} {thing.name}", "missing")
    for thing in sorted(theirs - ours, key=lambda item: (item.kind, item.name)):
        yield Difference(f"{thing.kind} {thing.name}", "extra")
