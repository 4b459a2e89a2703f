"""The note that stands in a folder while it is written, and what it tells the next writer.

A writer that adds files is undone when it broke off; one that replaces files is undone until all
that it wants to write is on the disk, and from then on finished.
"""

import importlib
import json
import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder.journal import JOURNAL

# Windows has no flock; there the comparison of the journal's text has to do.
_fcntl = None if sys.platform == "win32" else importlib.import_module("fcntl")

NOTE = ".chatkeep-writing.json"
"""Stands in the folder while it is written; drizzle-kit looks only at `*.sql` and `meta/`."""

_READY = "ready"


@dataclass(slots=True)
class Note:
    """The note of the writer that holds the folder.

    Attributes:
        removed: What an earlier writer had left, and is gone now.
    """

    file: BinaryIO
    removed: list[Path] = field(default_factory=list[Path])

    def adds(self, files: Iterable[str], tags: Iterable[str]) -> None:
        """Say which new files will be written; they count once the journal names the tags."""
        self._write({"files": list(files), "tags": list(tags)})

    def replaces(self, writes: Iterable[str], removals: Iterable[str]) -> None:
        """Say which files will be written over, and which will go."""
        self._write({"writes": list(writes), "removals": list(removals)})

    def ready(self) -> None:
        """Say that everything stands beside its place: from here on nothing is undone."""
        self._write(_READY)

    def _write(self, what: object) -> None:
        self.file.write(f"{json.dumps(what)}\n".encode())  # opened for appending
        self.file.flush()
        os.fsync(self.file.fileno())


@contextmanager
def writer(root: Path) -> Generator[Note]:
    """Hold the folder alone; settle first what an earlier writer did not finish.

    Raises:
        MigrationsFolderError: Another process is writing.
    """
    path = root / NOTE
    with path.open("a+b") as file:
        if not _lock(file.fileno()) or not path.exists():
            raise MigrationsFolderError(
                f"Another process is writing to {root}.", hint="Try again when it is done."
            )
        note = Note(file, settle(root, _content(file)))
        file.truncate(0)
        try:
            yield note
        except BaseException:
            settle(root, _content(file))
            path.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)


def settle(root: Path, text: str) -> list[Path]:
    """Undo or finish what a note tells; give the files that were removed for it."""
    try:
        first, *rest = [cast("object", json.loads(line)) for line in text.splitlines()]
    except ValueError:
        return []  # nothing was noted, or the crash came while it was: nothing else had been done
    if not isinstance(first, dict):
        return []
    said = cast("dict[str, list[str]]", first)
    if "writes" in said:
        return _settle_replacing(root, said["writes"], said["removals"], ready=_READY in rest)
    return _undo_adding(root, said.get("files", []), said.get("tags", []))


def _undo_adding(root: Path, files: list[str], tags: list[str]) -> list[Path]:
    """Remove the files of migrations that did not reach the journal."""
    journal = root / JOURNAL
    text = journal.read_text(encoding="utf-8") if journal.exists() else ""
    if all(json.dumps(tag) in text for tag in tags):
        return []  # the journal was written: only the note itself was left
    paths = [root / name for name in files]
    return _remove([*map(temporary, paths), *paths, temporary(journal)])


def _settle_replacing(
    root: Path, writes: list[str], removals: list[str], *, ready: bool
) -> list[Path]:
    paths = [root / name for name in writes]
    if not ready:
        return _remove(map(temporary, paths))
    for path in paths:
        if temporary(path).is_file():
            temporary(path).replace(path)
    return _remove(root / name for name in removals)


def _remove(paths: Iterable[Path]) -> list[Path]:
    there = [path for path in paths if path.is_file()]
    for path in there:
        path.unlink()
    return there


def temporary(path: Path) -> Path:
    """Give the name under which a file is written before it takes its place."""
    return path.with_name(f"_{path.name}.tmp")  # drizzle-kit skips names that begin with _


def write_beside(files: Iterable[tuple[Path, bytes]]) -> None:
    """Write files to the disk beside their places."""
    for path, data in files:
        with temporary(path).open("wb") as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())


def sync(*folders: Path) -> None:
    """Make the renames in these folders last."""
    if sys.platform == "win32":
        return
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
