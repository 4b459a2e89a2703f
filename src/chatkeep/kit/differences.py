"""How two catalogs differ, told for people."""

import dataclasses
import textwrap
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
        found: `missing` from the second, `extra` in the second, `changed`, or the same under
            another name.
        fields: Where it changed, what.
    """

    object: str
    found: Literal["missing", "extra", "changed", "renamed"]
    fields: Fields = field(default_factory=dict)

    def told(self, first: str, second: str) -> str:
        """Give it as the beginning of a sentence; no full stop.

        Args:
            first: What the first of the two catalogs is called: `the folder`.
            second: The same for the second.
        """
        words = {
            "missing": f"is in {first}, not in {second}",
            "extra": f"is in {second}, not in {first}",
            "changed": f"is not the same in {first} and {second}",
            "renamed": f"has another name in {second}",
        }
        pairs = self.fields.items()
        said = ", ".join(f"{name}: {_short(one)}, {_short(other)}" for name, (one, other) in pairs)
        return f"The {self.object} {words[self.found]}{f' ({said})' if said else ''}"


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
    renamed = _renamed(first, second)
    return [
        *_lost(first, second, "missing", set(renamed)),
        *_lost(second, first, "extra", set(renamed.values())),
        *(
            Difference(str(old), "renamed", {"name": (old.path[-1], new.path[-1])})
            for old, new in renamed.items()
        ),
        *(
            Difference(str(key), "changed", changed_fields(fact, second.facts[key]))
            for key, fact in first.facts.items()
            if key in second.facts and second.facts[key] != fact
        ),
        *_unmodelled(first, second),
    ]


_NAMED_FREELY = {
    Kind.PRIMARY_KEY,
    Kind.UNIQUE,
    Kind.CHECK,
    Kind.EXCLUDE,
    Kind.FOREIGN_KEY,
    Kind.INDEX,
}  # two tools give these other names, and nothing else about them differs


def _renamed(first: Catalog, second: Catalog) -> dict[Key, Key]:
    """Find what is the same but for its name; only where nothing else could be meant."""
    gone = [f for key, f in first.facts.items() if key not in second.facts]
    come = [f for key, f in second.facts.items() if key not in first.facts]
    found: dict[Key, Key] = {}
    for old in gone:
        alike = [new for new in come if _same_but_name(old, new)]
        if len(alike) == 1 and sum(_same_but_name(other, alike[0]) for other in gone) == 1:
            found[old.key] = alike[0].key
    return found


def _same_but_name(old: Fact, new: Fact) -> bool:
    if old.kind not in _NAMED_FREELY or type(old) is not type(new):
        return False
    if old.path[:-1] != new.path[:-1]:
        return False
    return dataclasses.replace(old, name=new.path[-1]) == new


def _lost(
    here: Catalog, there: Catalog, found: Literal["missing", "extra"], renamed: set[Key]
) -> Iterator[Difference]:
    lost = {key for key in here.facts if key not in there.facts}
    for key in here.facts:
        if key in lost and key not in renamed and not _goes_along(here, key, lost):
            yield Difference(str(key), found)


def _goes_along(catalog: Catalog, key: Key, lost: set[Key]) -> bool:
    parent = catalog.facts[key].parent
    if parent in lost:
        return True
    if key.kind is Kind.SEQUENCE:  # a serial's sequence goes with its column
        return any(owner.kind is Kind.SEQUENCE_OWNER for owner in lost if owner.path == key.path)
    return False


def _short(value: object) -> str:
    return textwrap.shorten(repr(value), 100, placeholder="…")


def _unmodelled(first: Catalog, second: Catalog) -> Iterator[Difference]:
    ours, theirs = set(first.unmodelled), set(second.unmodelled)
    for thing in sorted(ours - theirs, key=lambda item: (item.kind, item.name)):
        yield Difference(f"{thing.kind} {thing.name}", "missing")
    for thing in sorted(theirs - ours, key=lambda item: (item.kind, item.name)):
        yield Difference(f"{thing.kind} {thing.name}", "extra")
