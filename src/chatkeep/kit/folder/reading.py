"""A migrations folder in drizzle-kit 0.31's format, or in that of 1.0, read."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chatkeep.errors import MigrationFileMissingError, MigrationsFolderError
from chatkeep.kit.folder import drizzle1
from chatkeep.kit.folder.journal import JOURNAL, Entry, Journal, parse_object

MARKER = "--> statement-breakpoint"
"""Splits a file into statements, also inside literals and comments: drizzle splits the raw text."""

CUSTOM = "-- Custom SQL migration file, put your code below! --"
"""What drizzle-kit writes into the file of a custom migration."""

FIRST_ID = "00000000-0000-0000-0000-000000000000"
"""What the first snapshot names as its predecessor."""

Format = Literal["0.31", "1.0"]
"""Which drizzle-kit's folder it is."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration: its place in the journal and the text of its file.

    Attributes:
        sql: The whole file, decoded as Node decodes it.
        hash: SHA-256 of that text in hexadecimal, as drizzle stores it in the bookkeeping.
        name: What drizzle-kit 1.0 notes it by in the bookkeeping; None in a folder of 0.31.
    """

    entry: Entry
    path: Path
    sql: str
    hash: str
    name: str | None = None

    @property
    def tag(self) -> str:
        """The file's name without `.sql`; that of its folder with drizzle-kit 1.0."""
        return self.entry.tag

    @property
    def label(self) -> str:
        """The file as messages name it: `0003_name.sql`, or `20261121021412_name/migration.sql`."""
        return self.path.name if self.name is None else f"{self.name}/{self.path.name}"

    @property
    def down_path(self) -> Path:
        """Where its reverse stands, if it has one."""
        stem = self.tag if self.name is None else self.path.stem
        return self.path.with_name(f"{stem}.down.sql")

    @property
    def when(self) -> int:
        """Milliseconds since 1970, `created_at` of the bookkeeping row."""
        return self.entry.when

    @property
    def statements(self) -> tuple[str, ...]:
        """The pieces between the markers; a piece may be empty or hold several statements."""
        return tuple(self.sql.removeprefix("\ufeff").split(MARKER))


@dataclass(frozen=True, slots=True)
class Folder:
    """The migrations in the journal's order, which is the order in which they are applied.

    Attributes:
        journal: With drizzle-kit 1.0, which has none, the migrations in the order of their names.
        journal_text: The journal's file as it was read, "" when there was none.
        format: chatkeep writes only to a folder of 0.31.
    """

    path: Path
    journal: Journal
    journal_text: str
    migrations: tuple[Migration, ...]
    format: Format = "0.31"

    @classmethod
    def read(cls, path: Path, *, create: bool = False) -> "Folder":
        """Read and validate the folder. Nothing is written.

        Args:
            path: The folder that holds `meta/`, or the folders of drizzle-kit 1.0.
            create: Take an absent folder, or one without journal and migrations, for an empty one,
                and refuse one that chatkeep does not write to.

        Raises:
            MigrationsFolderError: No such folder, no journal, or a journal that cannot be used.
            MigrationFileMissingError: The journal names a file that is not there.
        """
        journal_path = path / JOURNAL
        if not path.exists():
            if create:
                return cls(path, Journal.empty(), "", ())
            raise MigrationsFolderError(
                f"There is no migrations folder {path}.",
                hint="`chatkeep generate` makes it, or set `migrations` in the configuration.",
            )
        if not path.is_dir():
            raise MigrationsFolderError(f"{path} is not a folder.")
        if not journal_path.exists():
            if drizzle1.is_drizzle_1(path):
                folder = cls._of_drizzle_1(path)
                if create:
                    folder.refuse_writing()
                return folder
            if create and not any(path.glob("*.sql")):
                return cls(path, Journal.empty(), "", ())
            raise _no_journal(path, journal_path)
        text = read_text(journal_path)
        journal = Journal.parse(text, journal_path)
        migrations = tuple(
            _migration(path / f"{entry.tag}.sql", entry) for entry in journal.entries
        )
        return cls(path, journal, text, migrations)

    @classmethod
    def _of_drizzle_1(cls, path: Path) -> "Folder":
        entries = drizzle1.entries_of(path)
        migrations = tuple(
            _migration(path / entry.tag / drizzle1.SQL, entry, entry.tag) for entry in entries
        )
        return cls(path, Journal(Journal.empty().document, entries), "", migrations, "1.0")

    def refuse_writing(self) -> None:
        """Refuse to change a folder whose format chatkeep reads only.

        Raises:
            MigrationsFolderError: It is a folder of drizzle-kit 1.0.
        """
        if self.format == "1.0":
            raise MigrationsFolderError(
                f"{self.path} is a folder of drizzle-kit 1.0, which chatkeep applies and checks but"
                " does not write to.",
                hint="Write the migration with drizzle-kit (`chatkeep schema drizzle` gives it the"
                " schema), or keep a folder in the format of 0.31.",
            )

    def until(self, tag: str | None) -> tuple[Migration, ...]:
        """Give the migrations up to and including `tag`; all of them without one.

        Args:
            tag: A whole tag, or its number alone (`0002`, `2`).

        Raises:
            MigrationsFolderError: The folder holds no such migration.
        """
        if tag is None:
            return self.migrations
        for place, migration in enumerate(self.migrations, start=1):
            number = migration.tag.split("_", 1)[0]
            if tag in {migration.tag, number, number.lstrip("0") or "0"}:
                return self.migrations[:place]
        known = ", ".join(migration.tag for migration in self.migrations) or "none"
        raise MigrationsFolderError(
            f"{self.path} holds no migration {tag!r}.", hint=f"It holds: {known}."
        )

    def snapshot_paths(self) -> list[Path]:
        """Give the snapshots as drizzle-kit finds them: by name, the last one is the newest."""
        if self.format == "1.0":
            paths = [migration.path.with_name(drizzle1.SNAPSHOT) for migration in self.migrations]
            return [path for path in paths if path.exists()]
        meta = self.path / "meta"
        if not meta.is_dir():
            return []
        return sorted(path for path in meta.iterdir() if not path.name.startswith("_"))

    def last_snapshot(self) -> dict[str, object] | None:
        """Read the newest snapshot; None when the folder holds none.

        Raises:
            MigrationsFolderError: It is not a JSON object.
        """
        paths = self.snapshot_paths()
        return parse_object(read_text(paths[-1]), paths[-1]) if paths else None

    def last_snapshot_id(self) -> str:
        """Give the id that the next snapshot names as its predecessor."""
        snapshot = self.last_snapshot()
        found = None if snapshot is None else snapshot.get("id")
        return found if isinstance(found, str) else FIRST_ID

    def strays(self) -> list[Path]:
        """Give the SQL files and snapshots that the journal does not name.

        drizzle-kit never applies such a file, and takes such a snapshot for the newest state.
        """
        if self.format == "1.0":
            return drizzle1.strays(self.path)
        tags = {entry.tag for entry in self.journal.entries}
        prefixes = {tag.split("_", 1)[0] for tag in tags}
        files = sorted(self.path.glob("*.sql")) if self.path.is_dir() else []
        stray = [path for path in files if not _belongs(path.stem, tags)]
        return stray + [
            path
            for path in self.snapshot_paths()
            if path.name.removesuffix("_snapshot.json") not in prefixes
        ]


def join_statements(statements: Sequence[str]) -> str:
    """Give the text of a migration file: the statements with drizzle's marker between them."""
    return f"{MARKER}\n".join(statements)


def hash_of(data: bytes) -> tuple[str, str]:
    """Give a file's text and hash as drizzle computes them: invalid bytes count as U+FFFD."""
    text = data.decode("utf-8", "replace")
    return text, hashlib.sha256(text.encode()).hexdigest()


def _belongs(stem: str, tags: set[str]) -> bool:
    # `0003_name.down.sql` stands beside `0003_name.sql`.
    return stem in tags or stem.removesuffix(".down") in tags


def _migration(path: Path, entry: Entry, name: str | None = None) -> Migration:
    try:
        data = path.read_bytes()
    except FileNotFoundError as exc:
        raise MigrationFileMissingError(
            f"The journal names {entry.tag}, and {path} is not there.",
            hint="Bring the file back from version control; nothing was changed.",
        ) from exc
    except OSError as exc:
        raise MigrationsFolderError(f"{path} cannot be read: {exc.strerror}.") from exc
    text, digest = hash_of(data)
    if "\0" in text:
        raise MigrationsFolderError(f"{path} holds a NUL byte, which PostgreSQL cannot take.")
    return Migration(entry, path, text, digest, name)


def read_text(path: Path) -> str:
    """Read a file of the folder.

    Raises:
        MigrationsFolderError: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise MigrationsFolderError(f"{path} is not UTF-8 (byte {exc.start}).") from exc
    except OSError as exc:
        raise MigrationsFolderError(f"{path} cannot be read: {exc.strerror}.") from exc


def _no_journal(path: Path, journal: Path) -> MigrationsFolderError:
    return MigrationsFolderError(
        f"{path} has no journal ({journal} is not there).",
        hint="Bring it back from version control, or set `migrations` to the right folder.",
    )
