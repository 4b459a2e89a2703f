"""What has another name now, as the caller says it, and what it may be meant for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chatkeep.errors import MigrationError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.plan import naming
from chatkeep.kit.plan.naming import Path

Renames = Mapping[Path, str | None]
"""What is renamed to its new name: see `Path`; a part of a table or type goes by that as well.

None says that it is not a rename: the object goes.
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that went, and what of the same shape came: perhaps a rename.

    Attributes:
        kind: In words, such as `table` or `enum label`.
        old: See `Path`.
        new: Names that it may have now.
    """

    kind: str
    old: Path
    new: tuple[str, ...]


class _Said(NamedTuple):
    """One `--rename`.

    Attributes:
        kind: The word before, or "".
        parts: The old name.
        holder: What stands before the new name, or nothing.
        new: The new name; "" where it goes.
    """

    text: str
    kind: str
    parts: Path
    holder: Path
    new: str


def check_renames(texts: Iterable[str]) -> None:
    """Refuse what cannot be read, whatever the database holds.

    Raises:
        MigrationError: A text has no colon, too many dots, or an unknown kind.
    """
    for text in texts:
        _read(text)


def parse_renames(texts: Iterable[str], before: Catalog, after: Catalog) -> Renames:
    """Read what `--rename` takes, and find out what each is meant for by what went and what came.

    `table:new`, `table.column:new`, `type.label:new`, `schema:new` and so on, each with or without
    a schema; before it may stand the kind: `view:old:new`. Nothing after the last colon means that
    it is no rename: the object goes.

    Args:
        texts: As the caller gave them.
        before: Where the plan starts.
        after: Where it leads.

    Raises:
        MigrationError: A text cannot be read; nothing of that name went; nothing of the new name
            came; or two things of different kinds did.
    """
    finder = _Finder(before, after)
    left = sorted(map(_read, texts), key=lambda said: (not said.new, len(said.parts)))
    # A table may be given after its columns, which go by the new name: look twice.
    left = [said for said in left if not finder.take(said)]
    for said in left:
        if not finder.take(said):
            raise finder.refusal(said)
    return finder.found


def _read(text: str) -> _Said:
    old, colon, new = text.rpartition(":")
    kind, old = naming.said_kind((old,)) if ":" in old else ("", (old,))
    parts, target = _split(old[0]), _split(new.partition("(")[0])
    known = kind == "" or kind in naming.WORDS
    if not colon or not all(parts) or len(parts) > 3 or not known:
        raise MigrationError(
            f"The rename {text!r} cannot be read.",
            hint="Write table:new, table.column:new, type.label:new, or the kind before it: "
            f"{', '.join(f'{word}:old:new' for word in list(naming.WORDS)[:3])}.",
        )
    return _Said(text, kind, parts, target[:-1], target[-1])


def _split(name: str) -> Path:
    """Split at dots, but not inside the arguments of a function."""
    head, bracket, arguments = name.partition("(")
    *holders, last = head.split(".")
    return (*holders, f"{last}{bracket}{arguments}")


@dataclass
class _Finder:
    """Finds what is meant.

    Attributes:
        found: What is clear so far.
    """

    before: Catalog
    after: Catalog
    found: dict[Path, str | None] = field(default_factory=dict[Path, str | None])
    schemas: dict[str, str] = field(default_factory=dict[str, str])
    places: dict[Path, str] = field(default_factory=dict[Path, str])

    def take(self, said: _Said) -> bool:
        """Take it in if it is clear."""
        keys = self._meant(said)
        if not said.new:
            gone = [self._later_path(key) for key in keys if self._went(key)]
            self.found |= dict.fromkeys(gone or [_qualified(said.parts)])
            return True
        fitting = [key for key in keys if not self._misfit(key, said)]
        several = len(fitting) > 1 and not _overloads(fitting)
        if not fitting or several:
            return False
        for key in fitting:
            self.found[naming.path_of(key, self.before)] = said.new
            if key.kind is Kind.SCHEMA:
                self.schemas[key.path[0]] = said.new
            elif len(key.path) == 2:
                self.places[key.path] = said.new
        return True

    def refusal(self, said: _Said) -> MigrationError:
        """Say why it is not clear."""
        keys = self._meant(said)
        name = ".".join(said.parts)
        if not keys:
            what = said.kind or "object"
            return MigrationError(
                f"Cannot rename {name}: there is no such {what}.",
                hint="Name it whole, as it is before the change: schema.table.column.",
            )
        reasons = {key: self._misfit(key, said) for key in keys}
        fitting = [key for key, reason in reasons.items() if not reason]
        if fitting:
            first = fitting[0]
            return MigrationError(
                f"`{said.text}` may mean {naming.told(fitting)}.",
                hint=f"Say which: --rename {naming.word_of(first)}:{said.text}.",
            )
        return MigrationError(
            f"Cannot rename {'; '.join(reasons.values())}.", hint=self._came(keys)
        )

    def _meant(self, said: _Said) -> list[Key]:
        """Give everything that the old name may be, by what it is called before."""
        paths = [said.parts] if len(said.parts) != 2 else [said.parts, ("public", *said.parts)]
        if len(said.parts) == 1:
            paths.append(("public", *said.parts))
        old_schemas = {new: old for old, new in self.schemas.items()}
        old_places = {(path[0], new): path[1] for path, new in self.places.items()}
        keys: dict[Key, None] = {}
        for path in paths:
            schema, rest = old_schemas.get(path[0], path[0]), path[1:]
            tables = [path, (schema, *rest)] if rest else [path]
            if len(rest) == 2:
                tables.append((schema, old_places.get((schema, rest[0]), rest[0]), rest[1]))
            for each in tables:
                keys |= dict.fromkeys(naming.keys_at(self.before, each))
        return [key for key in keys if said.kind in ("", naming.word_of(key))]

    def _misfit(self, key: Key, said: _Said) -> str:
        """Say why it cannot be this one; "" where it can."""
        told = naming.told([key])
        if not self._went(key):
            return f"{told}: it is there after the change as well"
        holders = (key.path[:-1], self._later(key).path[:-1], key.path[1:-1])
        if said.holder and key.kind is not Kind.FUNCTION and said.holder not in holders:
            return f"{told} to {'.'.join(said.holder)}.{said.new}: a rename moves nothing elsewhere"
        if not self._has_come(key, said.new):
            new = naming.dotted(naming.named(self._later(key), said.new))
            return f"{told}: no {naming.told_kind(key)} {new} comes with the change"
        return ""

    def _later(self, key: Key) -> Key:
        """Give the key with what it is in under the new names."""
        schema, *rest = key.path
        if len(rest) == 2 and key.kind is not Kind.FUNCTION:
            rest[0] = self.places.get((schema, rest[0]), rest[0])
        return key if not rest else Key(key.kind, (self.schemas.get(schema, schema), *rest))

    def _went(self, key: Key) -> bool:
        return not naming.exists(self.after, self._later(key))

    def _has_come(self, key: Key, new: str) -> bool:
        if key.kind is not Kind.FUNCTION:
            came = naming.exists(self.after, naming.named(self._later(key), new))
            return came and not naming.exists(self.before, naming.named(key, new))
        schema = self._later(key).path[0]  # the arguments may have other names as well
        found = naming.keys_at(self.after, (schema, new))
        return any(
            each.kind is Kind.FUNCTION
            and Key(each.kind, (key.path[0], *each.path[1:])) not in self.before.facts
            for each in found
        )

    def _later_path(self, key: Key) -> Path:
        """Give the path by which it is asked for: what it is in has its new name by then."""
        word, _ = naming.said_kind(path := naming.path_of(key, self.before))
        schema, *rest = self._later(key).path[: len(path) - 1] or path
        names = (f"{word}:{schema}" if word else schema, *rest)
        return names if len(path) == 1 else (*names, path[-1])

    def _came(self, keys: Sequence[Key]) -> str:
        """Name what came of the same kinds in the same place."""
        places = {(key.kind, self._later(key).path[: len(key.path) - 1]) for key in keys}
        came = [
            naming.name_of(key)
            for key in sorted(self.after.facts)
            if key not in self.before.facts and (key.kind, key.path[:-1]) in places
        ]
        if not came:
            return "Nothing of its kind came in its place: take the rename away."
        return f"What came in its place: {', '.join(came[:10])}."


def _overloads(keys: Sequence[Key]) -> bool:
    """Say whether it is one name of several functions."""
    return len({(key.kind, key.path[:2]) for key in keys}) == 1 and keys[0].kind is Kind.FUNCTION


def _qualified(parts: Path) -> Path:
    return parts if len(parts) == 3 else ("public", *parts)
