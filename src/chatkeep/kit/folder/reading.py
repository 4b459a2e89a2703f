"""A migrations folder in drizzle-kit 0.31's format, read."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatkeep.errors import MigrationFileMissingError, MigrationsFolderError
from chatkeep.kit.folder.journal import JOURNAL, Entry, Journal, parse_object

MARKER = "--> statement-breakpoint"
"""Splits a file into statements, also inside literals and comments: drizzle splits the raw text."""

CUSTOM = "-- Custom SQL migration file, put your code below! --"
"""What drizzle-kit writes into the file of a custom migration."""

FIRST_ID = "00000000-0000-0000-0000-000000000000"
"""What the first snapshot names as its predecessor."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration: its place in the journal and the text of its file.

    Attributes:
        sql: The whole file, decoded as Node decodes it.
        hash: SHA-256 of that text in hexadecimal, as drizzle stores it in the bookkeeping.
    """

    entry: Entry
    path: Path
    sql: str
    hash: str

    @property
    def tag(self) -> str:
        """The file's name without `.sql`."""
        return self.entry.tag

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
        journal_text: The journal's file as it was read, "" when there was none.
    """

    path: Path
    journal: Journal
    journal_text: str
    migrations: tuple[Migration, ...]

    @classmethod
    def read(cls, path: Path, *, create: bool = False) -> "Folder":
        """Read and validate the folder. Nothing is written.

        Args:
            path: The folder that holds `meta/`.
            create: Take an absent folder, or one without journal and migrations, for an empty one.

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
            if create and not _is_drizzle_1(path) and not any(path.glob("*.sql")):
                return cls(path, Journal.empty(), "", ())
            raise _no_journal(path, journal_path)
        text = read_text(journal_path)
        journal = Journal.parse(text, journal_path)
        migrations = tuple(_migration(path, entry) for entry in journal.entries)
        return cls(path, journal, text, migrations)

    def until(self, tag: str | None) -> tuple[Migration, ...]:
        """Give the migrations up to and including `tag`; all of them without one.

        Args:
            tag: A whole tag, or its number alone (`0002`).

        Raises:
            MigrationsFolderError: The folder holds no such migration.
        """
        if tag is None:
            return self.migrations
        for place, migration in enumerate(self.migrations, start=1):
            if migration.tag == tag or migration.tag.split("_", 1)[0] == tag:
                return self.migrations[:place]
        known = ", ".join(migration.tag for migration in self.migrations) or "none"
        raise MigrationsFolderError(
            f"{self.path} holds no migration {tag!r}.", hint=f"It holds: {known}."
        )

    def snapshot_paths(self) -> list[Path]:
        """Give the snapshots as drizzle-kit finds them: by name, the last one is the newest."""
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


def _migration(folder: Path, entry: Entry) -> Migration:
    path = folder / f"{entry.tag}.sql"
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
    return Migration(entry, path, text, digest)


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


def _is_drizzle_1(path: Path) -> bool:
    return any(path.glob("*/migration.sql"))


def _no_journal(path: Path, journal: Path) -> MigrationsFolderError:
    if _is_drizzle_1(path):
        return MigrationsFolderError(
            f"{path} is a folder of drizzle-kit 1.0, which has no journal.",
            hint="chatkeep reads the format of drizzle-kit 0.31.",
        )
    return MigrationsFolderError(
        f"{path} has no journal ({journal} is not there).",
        hint="Bring it back from version control, or set `migrations` to the right folder.",
    )
