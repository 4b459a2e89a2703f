"""Writing migrations into a folder: all of them, or none.

A note of what is about to be written comes first, then files under names that drizzle-kit ignores,
then renames, and the journal last: the journal's rename is the moment at which the migrations
exist. A note that is still there when the next writer comes tells it what a crash left behind.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chatkeep.errors import MigrationsFolderError
from chatkeep.kit.folder import jsjson
from chatkeep.kit.folder.journal import JOURNAL, Entry
from chatkeep.kit.folder.names import next_prefix, slug
from chatkeep.kit.folder.note import NOTE, sync, temporary, write_beside, writer
from chatkeep.kit.folder.reading import Folder


@dataclass(frozen=True, slots=True)
class Draft:
    """A migration to write.

    Attributes:
        name: Goes behind the number; made safe when it is written.
        sql: The whole file.
        snapshot: drizzle's snapshot without `id` and `prevId`.
        own: What we keep in the journal entry beyond drizzle's keys.
        reverse: The whole file `NNNN_name.down.sql` that is written beside, or None.
    """

    name: str
    sql: str
    snapshot: Mapping[str, object]
    own: Mapping[str, object] = field(default_factory=dict[str, object])
    reverse: str | None = None


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
    folder.refuse_writing()
    root = folder.path
    recover(root)
    plan = _plan(folder, drafts, now or dt.datetime.now(dt.UTC))
    try:
        (root / "meta").mkdir(parents=True, exist_ok=True)
        with writer(root) as note:
            _refuse_changes(folder, plan)
            paths = [str(path.relative_to(root)) for path, _ in plan.files]
            note.adds(paths, [entry.tag for entry in plan.entries])
            journal = folder.journal.with_entries(plan.entries).encode()
            _put(root, [*plan.files, (root / JOURNAL, journal)])
    except OSError as exc:
        raise MigrationsFolderError(
            f"{root} cannot be written: {exc.strerror}.", hint="No migration was added."
        ) from exc
    return Folder.read(root), [root / f"{entry.tag}.sql" for entry in plan.entries]


def recover(root: Path) -> list[Path]:
    """Settle what a crashed writer left; give the files that were removed for it.

    Raises:
        MigrationsFolderError: Another process is writing, or the disk refuses.
    """
    if not (root / NOTE).exists():
        return []
    try:
        with writer(root) as note:
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
        if draft.reverse is not None:
            reverse = folder.path / f"{entry.tag}.down.sql"
            plan.files.append((reverse, draft.reverse.encode()))
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


def _put(root: Path, files: Sequence[tuple[Path, bytes]]) -> None:
    write_beside(files)
    for path, _ in files:
        temporary(path).replace(path)
    sync(root / "meta", root)
