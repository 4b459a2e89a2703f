"""The two versions of a folder that were merged, each read whole from where git keeps it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from chatkeep.errors import MigrationFileMissingError, MigrationsFolderError
from chatkeep.kit.folder.journal import JOURNAL, Entry, Journal
from chatkeep.kit.folder.reading import Migration, hash_of
from chatkeep.kit.rebasing.git import BASE, OURS, THEIRS, Repository

Read = Callable[[str], bytes | None]
"""Gives a file of one version by its path in the folder, or None."""

_MARK = re.compile(r"^(<{7}|\|{7}|={7}|>{7})(?: .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A migration with all that belongs to it, as one version of the folder has it.

    Attributes:
        raw: Its entry in the journal with every key.
        down: The file of its reverse, or None.
        data: The file of its snapshot, or None.
    """

    entry: Entry
    raw: Mapping[str, object]
    sql: bytes
    down: bytes | None
    data: bytes | None

    @property
    def tag(self) -> str:
        """The file's name without `.sql`."""
        return self.entry.tag

    @property
    def snapshot(self) -> Mapping[str, object]:
        """What the snapshot holds; nothing where it is absent or cannot be read."""
        try:
            found: object = json.loads(self.data) if self.data is not None else None
        except ValueError:
            return {}
        return cast("dict[str, object]", found) if isinstance(found, dict) else {}

    @property
    def identity(self) -> tuple[int, str]:
        """Date and hash, by which a database knows the migration."""
        return self.entry.when, hash_of(self.sql)[1]

    def migration(self, entry: Entry, folder: Path) -> Migration:
        """Give it as a migration under another entry."""
        return Migration(entry, folder / f"{entry.tag}.sql", *hash_of(self.sql))


@dataclass(frozen=True, slots=True)
class Side:
    """One version of the folder.

    Attributes:
        name: What the messages call it.
        document: The journal with all its keys.
    """

    name: str
    document: Mapping[str, object]
    pieces: tuple[Piece, ...]

    @classmethod
    def read(cls, name: str, read: Read, text: str | None, path: Path) -> "Side":
        """Read a version; `text` is its journal, None where it has none.

        Raises:
            MigrationsFolderError: The journal cannot be used.
            MigrationFileMissingError: It names a file that the version does not have.
        """
        if text is None:
            return cls(name, Journal.empty().document, ())
        journal = Journal.parse(text, path / JOURNAL, duplicates=True)
        raws = cast("list[dict[str, object]]", journal.document["entries"])
        pairs = zip(journal.entries, raws, strict=True)
        pieces = tuple(_piece(entry, raw, read, name) for entry, raw in pairs)
        return cls(name, journal.document, pieces)


@dataclass(frozen=True, slots=True)
class Sides:
    """What was merged.

    Attributes:
        first: Whose migrations stay as they are.
        own: Whose migrations come after them.
        base: The version from which both went out, where it is known.
        text: The journal as it stands in the working tree.
    """

    first: Side
    own: Side
    base: Side | None
    text: str


def find_sides(path: Path, onto: str | None) -> Sides:
    """Find what was merged: from a conflict, from git's history, or from the journal alone.

    Args:
        path: The migrations folder.
        onto: The commit whose migrations come first. Without it: in a merge the branch that is
            merged into this one, in a rebase that onto which it goes; on the main branch itself
            always its own.

    Raises:
        MigrationsFolderError: A version cannot be read, `onto` names none, or git is needed.
        MigrationFileMissingError: A journal names a file that is not there.
    """
    repository = Repository.around(path)
    text = (path / JOURNAL).read_text(encoding="utf-8") if (path / JOURNAL).exists() else ""
    if repository is None:
        if onto is not None:
            raise MigrationsFolderError(f"{path} is in no git repository, so {onto} means nothing.")
        return _without_git(path, text, "theirs")
    stages = repository.stages()
    if JOURNAL.as_posix() in stages:
        return _of_conflict(path, text, repository, stages, onto)
    if onto is None and _MARK.search(text):
        return _without_git(path, text, "ours" if repository.is_main_branch() else "theirs")
    return _of_history(path, text, repository, onto)


def _of_conflict(
    path: Path,
    text: str,
    repository: Repository,
    stages: Mapping[str, frozenset[int]],
    onto: str | None,
) -> Sides:
    journal = JOURNAL.as_posix()
    first = OURS
    if repository.commit("MERGE_HEAD") and not repository.is_main_branch():
        first = THEIRS
    if onto is not None:
        wanted = repository.read(_known(repository, onto), journal)
        same = [n for n in (OURS, THEIRS) if repository.read(f":{n}", journal) == wanted]
        if not same:
            raise MigrationsFolderError(
                f"{onto} is neither side of the conflict in {path / JOURNAL}.",
                hint="Name one of the two branches, or none.",
            )
        first = same[0]

    tree = _tree(path)

    def side(stage: int) -> Side:
        def read(name: str) -> bytes | None:
            if name in stages:
                data = repository.read(f":{stage}", name) if stage in stages[name] else None
            else:  # the index first: an earlier run may have put another file into its place
                data = repository.read(":0", name) or tree(name)
            if data is None:  # the other side took it away
                data = repository.read_of_side(stage, name)
            # Of the ancestor only the journal has to be whole: its files may be gone by now.
            return b"" if data is None and stage == BASE and name.endswith(".sql") else data

        data = read(journal)
        names = {OURS: "this branch", THEIRS: "the other branch", BASE: "the common ancestor"}
        return Side.read(names[stage], read, None if data is None else data.decode(), path)

    base = side(BASE) if BASE in stages[journal] else None
    return Sides(side(first), side(OURS + THEIRS - first), base, text)


def _of_history(path: Path, text: str, repository: Repository, onto: str | None) -> Sides:
    own = Side.read("the working tree", _tree(path), text or None, path)
    ref, sound = onto, _sound_part(own)
    if ref is None and len(sound.pieces) < len(own.pieces):
        ref = repository.other_side()
    if ref is None:
        return Sides(sound, own, None, text)
    commit = _known(repository, ref)

    def read(name: str) -> bytes | None:
        return repository.read(commit, name)

    data = read(JOURNAL.as_posix())
    first = Side.read(ref, read, None if data is None else data.decode(), path)
    absent = [piece.tag for piece in first.pieces if not (path / f"{piece.tag}.sql").exists()]
    if absent:
        raise MigrationsFolderError(
            f"{path} does not have {absent[0]} of {ref} yet.", hint=f"First `git merge {ref}`."
        )
    return Sides(first, own, None, text)


def _without_git(path: Path, text: str, first: str) -> Sides:
    read = _tree(path)
    if not _MARK.search(text):
        own = Side.read("the journal", read, text or None, path)
        return Sides(_sound_part(own), own, None, text)
    ours = Side.read("the upper side", read, _taken(text, "<"), path)
    theirs = Side.read("the lower side", read, _taken(text, ">"), path)
    return Sides(ours, theirs, None, text) if first == "ours" else Sides(theirs, ours, None, text)


def _sound_part(side: Side) -> Side:
    """Give what comes before the first fault of the journal; the rest is to be renumbered."""
    kept: list[Piece] = []
    for piece in side.pieces:
        last = kept[-1].entry if kept else None
        prefixes = {_prefix(each.tag) for each in kept}
        if last is not None and (
            piece.entry.idx != last.idx + 1
            or piece.entry.when <= last.when
            or _prefix(piece.tag) in prefixes
        ):
            break
        kept.append(piece)
    return Side(side.name, side.document, tuple(kept))


def _taken(text: str, side: str) -> str:
    """Resolve the conflicts of a text for one side: `<` the upper, `>` the lower."""
    out: list[str] = []
    part = ""
    for line in text.splitlines(keepends=True):
        mark = _MARK.match(line)
        if mark is not None:
            part = {"<": "<", "|": "|", "=": ">", ">": ""}[mark.group()[0]]
        elif part in {"", side}:
            out.append(line)
    return "".join(out)


def _tree(path: Path) -> Read:
    def read(name: str) -> bytes | None:
        file = path / name
        return file.read_bytes() if file.is_file() else None

    return read


def _known(repository: Repository, ref: str) -> str:
    commit = repository.commit(ref)
    if commit is None:
        raise MigrationsFolderError(f"git knows no commit {ref}.", hint="Fetch it first.")
    return commit


def _piece(entry: Entry, raw: Mapping[str, object], read: Read, side: str) -> Piece:
    sql = read(f"{entry.tag}.sql")
    if sql is None:
        raise MigrationFileMissingError(
            f"The journal of {side} names {entry.tag}, and {entry.tag}.sql is not there.",
            hint="Bring the file back from version control; nothing was changed.",
        )
    if re.search(rb"^<{7} ", sql, re.MULTILINE):
        raise MigrationsFolderError(
            f"{entry.tag}.sql holds the marks of a conflict.",
            hint="Two migrations have this name: bring one back, and the other under a new name.",
        )
    snapshot = read(f"meta/{_prefix(entry.tag)}_snapshot.json")
    return Piece(entry, raw, sql, read(f"{entry.tag}.down.sql"), snapshot)


def _prefix(tag: str) -> str:
    return tag.split("_", 1)[0]
