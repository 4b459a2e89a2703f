"""Whether a folder is sound in itself, without any database."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder.append import NOTE
from chatkeep.kit.folder.directives import directives
from chatkeep.kit.folder.drizzle1 import SNAPSHOT
from chatkeep.kit.folder.journal import JOURNAL, Entry, Journal, parse_object
from chatkeep.kit.folder.reading import FIRST_ID, Folder, hash_of, read_text

REBASE = "`chatkeep rebase` puts it right."
BRING_BACK = "Bring it back from version control."
_CONFLICT = re.compile(r"^<{7} ", re.MULTILINE)
_REVERSE = "reverse"  # the directive at the head of a `.down.sql`

Said = Iterator[tuple[str, str]]
"""What is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that `check` found.

    Attributes:
        area: `folder`, `schema`, `database` or `conventions`.
        message: What is wrong, in one sentence.
        remedy: What to do about it, or "".
    """

    area: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Examined:
    """A folder that may be broken.

    Attributes:
        folder: None where it cannot be run.
        findings: What is wrong with it; of a folder that can be run nothing yet.
    """

    folder: Folder | None
    findings: tuple[Finding, ...] = ()


def examine(path: Path) -> Examined:
    """Read a folder, and where that fails tell all that is wrong with it.

    Raises:
        MigrationsFolderError: There is no folder, or none with a journal.
    """
    try:
        return Examined(Folder.read(path))
    except MigrationsFolderError as exc:
        if not (path / JOURNAL).is_file():
            raise
        try:
            journal = Journal.parse(read_text(path / JOURNAL), path / JOURNAL, duplicates=True)
        except MigrationsFolderError as broken:
            return Examined(None, (Finding("folder", str(broken.args[0]), broken.hint or ""),))
        found = [*_twice(journal.entries), *_absent(path, journal.entries)]
        found = found or [(str(exc.args[0]), exc.hint or "")]
        rest = folder_findings(Folder(path, journal, "", ()))
        return Examined(None, (*(Finding("folder", *each) for each in found), *rest))


def folder_findings(folder: Folder) -> list[Finding]:
    """Tell what is wrong with the folder, although it can be read.

    Raises:
        MigrationsFolderError: A file cannot be read.
    """
    if folder.format == "1.0":
        said = [*_files(folder), *_snapshots_of_1(folder)]
    else:
        said = [*_journal(folder.journal.entries), *_files(folder), *_snapshots(folder)]
    return [Finding("folder", *each) for each in [*said, *_texts(folder)]]


def _twice(entries: Sequence[Entry]) -> Said:
    for name, values in (("idx", [e.idx for e in entries]), ("tag", [e.tag for e in entries])):
        for value, count in Counter(values).items():
            if count > 1:
                yield f"The journal has {count} entries with {name} {value}.", REBASE


def _absent(path: Path, entries: Sequence[Entry]) -> Said:
    for entry in entries:
        if not (path / f"{entry.tag}.sql").is_file():
            yield f"The journal names {entry.tag}, and {entry.tag}.sql is not there.", BRING_BACK


def _journal(entries: Sequence[Entry]) -> Said:
    for before, after in pairwise(entries):
        if after.when <= before.when:
            yield (
                (
                    f"{after.tag} is not dated later than {before.tag}, which stands before it: "
                    "drizzle-kit would skip it where the other is applied."
                ),
                REBASE,
            )
        if after.idx not in {before.idx, before.idx + 1}:
            yield f"The journal counts {before.idx}, then {after.idx} ({after.tag}).", REBASE
    for prefix, tags in _by_prefix(entries).items():
        if len(tags) > 1:
            yield (
                (
                    f"{len(tags)} migrations have the number {prefix} ({', '.join(tags)}); a merge of "
                    "two branches does that."
                ),
                "`chatkeep rebase` renumbers the later one.",
            )


def _by_prefix(entries: Sequence[Entry]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in entries:
        found.setdefault(entry.tag.split("_", 1)[0], []).append(entry.tag)
    return found


def _files(folder: Folder) -> Said:
    if (folder.path / NOTE).exists():
        yield (
            f"{folder.path / NOTE} says that a writer broke off.",
            "`chatkeep generate` settles what it left.",
        )
    place = "in the journal" if folder.format == "0.31" else "in a folder of its own"
    for path in folder.strays():
        yield (
            f"{path} is not {place}, so it is never applied.",
            "Move it away, or bring back the journal that names it.",
        )


def _texts(folder: Folder) -> Said:
    for migration in folder.migrations:
        name = migration.label
        if _CONFLICT.search(migration.sql):
            yield f"{name} holds the marks of a merge conflict.", "Decide what it shall be."
        if migration.sql.startswith("\ufeff"):
            yield (
                f"{name} begins with a byte order mark, at which drizzle-kit fails.",
                "Save it as UTF-8 without one, before it is applied anywhere.",
            )
        if not migration.down_path.is_file():
            continue
        text, _ = hash_of(migration.down_path.read_bytes())
        hashes = [each.arguments for each in directives(text) if each.word == _REVERSE]
        if hashes and hashes[0] != migration.hash:
            yield (
                f"{migration.down_path.name} is the reverse of another content of {name}.",
                f"Bring back the {name} that it reverses, or write the reverse anew.",
            )


def _snapshots(folder: Folder) -> Said:
    seen: dict[str, str] = {}
    ids = {FIRST_ID}
    for path in folder.snapshot_paths():
        try:
            document = parse_object(read_text(path), path)
        except MigrationsFolderError as exc:
            yield str(exc.args[0]), REBASE
            continue
        id_, previous = str(document.get("id")), str(document.get("prevId"))
        if id_ in ids:
            yield f"{path.name} has the id of another snapshot.", REBASE
        if previous in seen:
            yield f"{path.name} and {seen[previous]} both follow the same snapshot.", REBASE
        elif previous not in ids and previous:
            yield f"{path.name} follows a snapshot that is not there.", REBASE
        if document.get("version") != "7":
            yield (
                f"{path.name} is of version {document.get('version')}, not 7.",
                (
                    "`drizzle-kit up` brings an older one up to date; chatkeep and drizzle-kit 0.31 "
                    "do not know a newer one."
                ),
            )
        seen.setdefault(previous, path.name)
        ids.add(id_)
    for prefix, tags in _by_prefix(folder.journal.entries).items():
        if not (folder.path / "meta" / f"{prefix}_snapshot.json").exists():
            yield (
                f"{tags[0]} has no snapshot; drizzle-kit would not see what it changed.",
                f"{BRING_BACK[:-1]}, or let `chatkeep rebase` write it anew.",
            )


def _snapshots_of_1(folder: Folder) -> Said:
    ids = {FIRST_ID}
    follows: list[tuple[str, str]] = []
    for migration in folder.migrations:
        path = migration.path.with_name(SNAPSHOT)
        if not path.exists():
            yield (
                f"{migration.tag} has no {SNAPSHOT}; drizzle-kit would not see what it changed.",
                BRING_BACK,
            )
            continue
        document = parse_object(read_text(path), path)
        ids.add(str(document.get("id")))
        previous = document.get("prevIds")
        if not isinstance(previous, list):
            yield f"{path} has no list of prevIds.", "`drizzle-kit up` brings it up to date."
            continue
        follows += [(migration.tag, str(item)) for item in cast("list[object]", previous)]
    for tag, id_ in follows:
        if id_ not in ids:
            yield f"{tag} follows a snapshot that is not there.", BRING_BACK
