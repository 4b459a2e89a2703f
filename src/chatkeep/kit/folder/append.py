"""Writing migrations into a folder: all of them, or none.

A note of what is about to be written comes first, then files under names that drizzle-kit ignores,
then renames, and the journal last: the journal's rename is the moment at which the migrations
exist. A note that is still there when the next writer comes tells it what a crash left behind.
"""

import datetime as dt
import importlib
import json
import os
import sys
import uuid
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder import jsjson
from chatkeep.kit.folder.journal import JOURNAL, Entry
from chatkeep.kit.folder.names import next_prefix, slug
from chatkeep.kit.folder.reading import Folder

# Windows has no flock; there the comparison of the journal's text has to do.
_fcntl = None if sys.platform == "win32" else importlib.import_module("fcntl")

NOTE = ".chatkeep-writing.json"
"""Stands in the folder while it is written; drizzle-kit looks only at `*.sql` and `meta/`."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A migration to write.

    Attributes:
        name: Goes behind the number; made safe when it is written.
        sql: The whole file.
        snapshot: drizzle's snapshot without `id` and `prevId`.
        own: What we keep in the journal entry beyond drizzle's keys.
    """

    name: str
    sql: str
    snapshot: Mapping[str, object]
    own: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class _Plan:
    entries: list[Entry]
    files: list[tuple[Path, bytes]]


def append(
    folder: Folder, drafts: Sequence[Draft], *, now: dt.datetime | None = None
) -> tuple[Folder, list[Path]]:
    """Write the drafts behind the folder's last migration; all of them, or none.

    Each `when` is later than every earlier one, whatever the clock says.

    Returns:
        The folder as it is now, and the paths of the new SQL files.

    Raises:
        MigrationsFolderError: The folder changed since it was read, another process is writing,
            a file of that name is there, or the disk refuses. Nothing was changed.
    """
    root = folder.path
    recover(root)
    plan = _plan(folder, drafts, now or dt.datetime.now(dt.UTC))
    try:
        (root / "meta").mkdir(parents=True, exist_ok=True)
        with _writer(root) as note:
            _refuse_changes(folder, plan)
            paths = [str(path.relative_to(root)) for path, _ in plan.files]
            note.write(json.dumps({"files": paths, "tags": [e.tag for e in plan.entries]}))
            journal = folder.journal.with_entries(plan.entries).encode()
            _put(root, [*plan.files, (root / JOURNAL, journal)])
    except OSError as exc:
        raise MigrationsFolderError(
            f"{root} cannot be written: {exc.strerror}.", hint="No migration was added."
        ) from exc
    sql = [path for path, _ in plan.files if path.suffix == ".sql"]
    return Folder.read(root), sql


def recover(root: Path) -> list[Path]:
    """Remove what a crashed writer left, so that the folder is as before it; give what went.

    Raises:
        MigrationsFolderError: Another process is writing, or the disk refuses.
    """
    if not (root / NOTE).exists():
        return []
    try:
        with _writer(root) as note:
            return note.removed
    except OSError as exc:
        raise MigrationsFolderError(f"{root} cannot be written: {exc.strerror}.") from exc


def _plan(folder: Folder, drafts: Sequence[Draft], now: dt.datetime) -> _Plan:
    previous = folder.last_snapshot_id()
    when = folder.journal.last_when
    plan = _Plan([], [])
    for offset, draft in enumerate(drafts):
        idx, prefix = next_prefix(folder.journal, offset=offset, now=now)
        when = max(int(now.timestamp() * 1000), when + 1)
        entry = Entry(idx, when, f"{prefix}_{slug(draft.name)}", draft.own)
        snapshot_id = str(uuid.uuid4())
        snapshot = {"id": snapshot_id, "prevId": previous, **draft.snapshot}
        previous = snapshot_id
        plan.entries.append(entry)
        plan.files.append((folder.path / f"{entry.tag}.sql", draft.sql.encode()))
        plan.files.append(
            (folder.path / "meta" / f"{prefix}_snapshot.json", jsjson.dumps(snapshot).encode())
        )
    return plan


def _refuse_changes(folder: Folder, plan: _Plan) -> None:
    journal = folder.path / JOURNAL
    text = journal.read_text(encoding="utf-8") if journal.exists() else ""
    if text != folder.journal_text:
        raise MigrationsFolderError(
            f"{journal} changed while the migration was made.", hint="Run the command again."
        )
    for path, _ in plan.files:
        if path.exists():
            raise MigrationsFolderError(
                f"{path} is there already, and the journal does not name it.",
                hint="Move it away: a migration that the journal does not name is never applied.",
            )


@dataclass(slots=True)
class _Note:
    file: BinaryIO
    removed: list[Path]

    def write(self, text: str) -> None:
        self.file.write(text.encode())  # opened for appending, and empty by now
        self.file.flush()
        os.fsync(self.file.fileno())


@contextmanager
def _writer(root: Path) -> Generator[_Note]:
    """Hold the folder's note alone; undo first what an earlier writer did not finish."""
    path = root / NOTE
    with path.open("a+b") as file:
        if not _lock(file.fileno()) or not path.exists():
            raise MigrationsFolderError(
                f"Another process is writing to {root}.", hint="Try again when it is done."
            )
        note = _Note(file, _undo(root, _content(file)))
        file.truncate(0)
        try:
            yield note
        except BaseException:
            _undo(root, _content(file))
            raise
        finally:
            path.unlink(missing_ok=True)


def _lock(handle: int) -> bool:
    if _fcntl is None:
        return True
    try:
        _fcntl.flock(handle, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _content(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _undo(root: Path, note: str) -> list[Path]:
    """Remove the files of a note whose migrations did not reach the journal."""
    try:
        planned = cast("dict[str, list[str]]", json.loads(note))
        files, tags = planned["files"], planned["tags"]
    except (ValueError, KeyError, TypeError):
        return []  # the crash came while the note was written: nothing else had been
    journal = root / JOURNAL
    text = journal.read_text(encoding="utf-8") if journal.exists() else ""
    if all(json.dumps(tag) in text for tag in tags):
        return []  # the journal was written: only the note itself was left
    removed: list[Path] = []
    for name in [*files, str(JOURNAL)]:
        path = root / name
        for leftover in (_temporary(path), path if name != str(JOURNAL) else None):
            if leftover is not None and leftover.is_file():
                leftover.unlink()
                removed.append(leftover)
    return removed


def _temporary(path: Path) -> Path:
    return path.with_name(f"_{path.name}.tmp")  # drizzle-kit skips names that begin with _


def _put(root: Path, files: Sequence[tuple[Path, bytes]]) -> None:
    for path, data in files:
        with _temporary(path).open("wb") as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
    for path, _ in files:
        _temporary(path).replace(path)
    for folder in (root / "meta", root):
        _sync(folder)


def _sync(folder: Path) -> None:
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
