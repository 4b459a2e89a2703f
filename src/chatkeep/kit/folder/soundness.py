"""Whether a folder is sound in itself, without any database."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from chatkeep.kit.folder.append import NOTE
from chatkeep.kit.folder.drizzle1 import SNAPSHOT
from chatkeep.kit.folder.journal import parse_object
from chatkeep.kit.folder.reading import FIRST_ID, Folder, read_text


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that `check` found, in one sentence.

    Attributes:
        area: `folder`, `schema`, `database` or `conventions`.
    """

    area: str
    message: str


def folder_findings(folder: Folder) -> list[Finding]:
    """Tell what is wrong with the folder, although it can be read.

    Raises:
        MigrationsFolderError: A snapshot cannot be read, or is not JSON.
    """
    if folder.format == "1.0":
        messages = [*_files(folder), *_snapshots_of_1(folder)]
    else:
        messages = [*_journal(folder), *_files(folder), *_snapshots(folder)]
    return [Finding("folder", message) for message in messages]


def _journal(folder: Folder) -> Iterator[str]:
    entries = folder.journal.entries
    for before, after in pairwise(entries):
        if after.when <= before.when:
            yield (
                f"{after.tag} is not dated later than {before.tag}, which stands before it: "
                "drizzle-kit would skip it where the other is applied."
            )
        if after.idx != before.idx + 1:
            yield f"The journal counts {before.idx}, then {after.idx} ({after.tag})."
    prefixes = Counter(entry.tag.split("_", 1)[0] for entry in entries)
    for prefix, count in prefixes.items():
        if count > 1:
            yield f"{count} migrations have the number {prefix}; a merge of two branches does that."


def _files(folder: Folder) -> Iterator[str]:
    if (folder.path / NOTE).exists():
        yield (
            f"{folder.path / NOTE} says that a writer broke off; "
            "`chatkeep generate` removes what it left."
        )
    place = "in the journal" if folder.format == "0.31" else "in a folder of its own"
    for path in folder.strays():
        yield f"{path} is not {place}, so it is never applied."


def _snapshots(folder: Folder) -> Iterator[str]:
    seen: dict[str, str] = {}
    ids = {FIRST_ID}
    for path in folder.snapshot_paths():
        document = parse_object(read_text(path), path)
        id_, previous = str(document.get("id")), str(document.get("prevId"))
        if previous in seen:
            yield f"{path.name} and {seen[previous]} both follow the same snapshot."
        elif previous not in ids and previous:
            yield f"{path.name} follows a snapshot that is not there."
        seen.setdefault(previous, path.name)
        ids.add(id_)
    for entry in folder.journal.entries:
        prefix = entry.tag.split("_", 1)[0]
        if not (folder.path / "meta" / f"{prefix}_snapshot.json").exists():
            yield f"{entry.tag} has no snapshot; drizzle-kit would not see what it changed."


def _snapshots_of_1(folder: Folder) -> Iterator[str]:
    ids = {FIRST_ID}
    follows: list[tuple[str, str]] = []
    for migration in folder.migrations:
        path = migration.path.with_name(SNAPSHOT)
        if not path.exists():
            yield f"{migration.tag} has no {SNAPSHOT}; drizzle-kit would not see what it changed."
            continue
        document = parse_object(read_text(path), path)
        ids.add(str(document.get("id")))
        previous = document.get("prevIds")
        if not isinstance(previous, list):
            yield f"{path} has no list of prevIds; `drizzle-kit up` brings it up to date."
            continue
        follows += [(migration.tag, str(item)) for item in cast("list[object]", previous)]
    for tag, id_ in follows:
        if id_ not in ids:
            yield f"{tag} follows a snapshot that is not there."
