"""Writing over files of a folder: all of it, or nothing, whenever a crash comes."""

from collections.abc import Collection, Mapping
from pathlib import Path

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder.drizzle1 import is_drizzle_1
from chatkeep.kit.folder.journal import JOURNAL
from chatkeep.kit.folder.note import sync, temporary, write_beside, writer
from chatkeep.kit.folder.reading import Folder


def replace(
    root: Path, writes: Mapping[Path, bytes], removals: Collection[Path], *, journal_text: str
) -> None:
    """Write files, the journal among them or not, and remove others.

    What is written stands on the disk beside its place before the first file is touched. A crash
    before that leaves the folder as it was; after it, the next writer finishes the work.

    Args:
        root: The migrations folder.
        writes: Content by path inside the folder.
        removals: Paths inside the folder; what is written is not removed.
        journal_text: The journal as it was read, "" where there was none.

    Raises:
        MigrationsFolderError: The journal changed since it was read, another process is writing,
            the disk refuses, or it is a folder of drizzle-kit 1.0.
    """
    journal = root / JOURNAL
    if is_drizzle_1(root) and not journal.exists():
        Folder.read(root).refuse_writing()
    gone = [path for path in removals if path not in writes]
    order = sorted(writes, key=lambda path: (path == journal, str(path)))
    try:
        for folder in {path.parent for path in writes}:
            folder.mkdir(parents=True, exist_ok=True)
        with writer(root) as note:
            text = journal.read_text(encoding="utf-8") if journal.exists() else ""
            if text != journal_text:
                raise MigrationsFolderError(
                    f"{journal} changed meanwhile.", hint="Run the command again."
                )
            note.replaces(_names(root, order), _names(root, gone))
            write_beside((path, writes[path]) for path in order)
            note.ready()
            for path in order:
                temporary(path).replace(path)
            for path in gone:
                path.unlink(missing_ok=True)
            sync(*{path.parent for path in [*order, *gone]})
    except OSError as exc:
        raise MigrationsFolderError(f"{root} cannot be written: {exc.strerror}.") from exc


def _names(root: Path, paths: Collection[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]
