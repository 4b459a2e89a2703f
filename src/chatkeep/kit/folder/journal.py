"""`meta/_journal.json`: which migrations a folder holds, and in which order."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder import jsjson

JOURNAL = Path("meta", "_journal.json")

OWN_KEY = "chatkeep"
"""Our key in an entry. drizzle-kit keeps keys that it does not know."""

SQUASHED_KEY = "squashed"
"""Under our own key of an entry: the migrations that it stands for."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """A migration that was squashed into another.

    Attributes:
        replaces: What it had itself been squashed from.
    """

    tag: str
    when: int
    hash: str
    replaces: tuple["Replaced", ...] = ()

    def all(self) -> Iterator["Replaced"]:
        """Give it and all that it had been squashed from."""
        yield self
        for each in self.replaces:
            yield from each.all()

    def as_json(self) -> dict[str, object]:
        """Give it as the journal keeps it."""
        one: dict[str, object] = {"tag": self.tag, "when": self.when, "hash": self.hash}
        more = [each.as_json() for each in self.replaces]
        return {**one, SQUASHED_KEY: more} if more else one


@dataclass(frozen=True, slots=True)
class Entry:
    """One migration as the journal names it.

    Attributes:
        when: Milliseconds since 1970; drizzle writes it as `created_at` of the bookkeeping row.
        own: What we keep in the entry beyond drizzle's keys; empty in a folder of drizzle-kit.
    """

    idx: int
    when: int
    tag: str
    own: Mapping[str, object] = field(default_factory=dict[str, object])

    def as_json(self) -> dict[str, object]:
        """Give the entry as drizzle-kit writes it, our own key last."""
        entry: dict[str, object] = {
            "idx": self.idx,
            "version": "7",
            "when": self.when,
            "tag": self.tag,
            "breakpoints": True,
        }
        return {**entry, OWN_KEY: dict(self.own)} if self.own else entry

    @property
    def replaces(self) -> tuple[Replaced, ...]:
        """Give the migrations that this one was squashed from; none for any other."""
        return _replaced(self.own.get(SQUASHED_KEY, []))


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal, with every key that we do not know still in `document`."""

    document: Mapping[str, object]
    entries: tuple[Entry, ...]

    @classmethod
    def empty(cls) -> "Journal":
        """Give the journal of a folder without migrations."""
        return cls({"version": "7", "dialect": "postgresql", "entries": []}, ())

    @classmethod
    def parse(cls, text: str, path: Path, *, duplicates: bool = False) -> "Journal":
        """Read a journal; `path` is what the errors name.

        Args:
            text: The file's content.
            path: Where it stands.
            duplicates: Take also a journal in which an idx or tag stands twice.

        Raises:
            MigrationsFolderError: Not JSON, not a journal of PostgreSQL, or an entry that lacks
                something or stands there twice.
        """
        document = parse_object(text, path)
        dialect = document.get("dialect")
        if dialect != "postgresql":
            raise _broken(path, f'"dialect" is {json.dumps(dialect)}, not "postgresql"')
        raw = document.get("entries")
        if not isinstance(raw, list):
            raise _broken(path, '"entries" is not a list')
        entries = tuple(
            _entry(item, number, path) for number, item in enumerate(cast("list[object]", raw))
        )
        for name, values in (
            ("idx", [entry.idx for entry in entries]),
            ("tag", [entry.tag for entry in entries]),
        ):
            twice = [value for value, count in Counter(values).items() if count > 1]
            if twice and not duplicates:
                raise MigrationsFolderError(
                    f"{path} holds two entries with {name} {json.dumps(twice[0])}.",
                    hint="A merge of two branches does that: `chatkeep rebase` renumbers the later one.",
                )
        return cls(document, entries)

    def with_entries(self, new: Sequence[Entry]) -> str:
        """Give the text of this journal with `new` at its end; every other key stays as it is."""
        old = cast("list[object]", self.document["entries"])
        document = {**self.document, "entries": [*old, *(entry.as_json() for entry in new)]}
        return jsjson.dumps(document)

    @property
    def last_when(self) -> int:
        """The latest `when` of all entries, -1 when there is none."""
        return max((entry.when for entry in self.entries), default=-1)


def parse_object(text: str, path: Path) -> dict[str, object]:
    """Read a JSON object from a file of the folder.

    Raises:
        MigrationsFolderError: The text is no JSON (the message names the line), or no object.
    """
    try:
        document: object = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as exc:
        conflict = "<<<<<<<" in text
        hint = "It holds the marks of a merge conflict; `chatkeep rebase` resolves it."
        raise MigrationsFolderError(
            f"{path} is not valid JSON: {exc.msg} in line {exc.lineno}, column {exc.colno}.",
            hint=hint if conflict else None,
        ) from exc
    except RecursionError as exc:
        raise _broken(path, "it is nested too deeply") from exc
    if not isinstance(document, dict):
        raise _broken(path, "it does not hold an object")
    return cast("dict[str, object]", document)


def _entry(item: object, number: int, path: Path) -> Entry:
    if not isinstance(item, dict):
        raise _broken(path, f"entry {number} is not an object")
    entry = cast("dict[str, object]", item)
    idx, when, tag = entry.get("idx"), entry.get("when"), entry.get("tag")
    if not isinstance(idx, int) or isinstance(idx, bool) or idx < 0:
        raise _broken(path, f'entry {number} has no whole number as "idx"')
    if not isinstance(when, int) or isinstance(when, bool) or abs(when) >= 2**63:
        raise _broken(path, f'entry {number} has no whole number of milliseconds as "when"')
    if not isinstance(tag, str) or not tag:
        raise _broken(path, f'entry {number} has no "tag"')
    if any(sign in tag for sign in "/\\\0") or tag in {".", ".."}:
        raise _broken(path, f'the "tag" of entry {number} is not a plain file name')
    raw = entry.get(OWN_KEY)
    own = cast("dict[str, object]", raw) if isinstance(raw, dict) else {}
    try:
        _replaced(own.get(SQUASHED_KEY, []))
    except (TypeError, KeyError, ValueError) as exc:
        raise _broken(path, f"what {tag} was squashed from cannot be read") from exc
    return Entry(idx, when, tag, own)


def _replaced(items: object) -> tuple[Replaced, ...]:
    if not isinstance(items, list):
        raise TypeError
    return tuple(
        Replaced(
            str(item["tag"]),
            int(str(item["when"])),
            str(item["hash"]),
            _replaced(item.get(SQUASHED_KEY, [])),
        )
        for item in cast("list[dict[str, object]]", items)
    )


def _broken(path: Path, what: str) -> MigrationsFolderError:
    return MigrationsFolderError(f"{path} cannot be used: {what}.")
