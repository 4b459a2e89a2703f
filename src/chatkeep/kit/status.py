"""What a database has of a folder: applied, pending, broken off, edited, gone, and unknown rows."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chatkeep.kit.applying import indexes
from chatkeep.kit.applying.ledger import Record
from chatkeep.kit.applying.matching import Matched, read_matching
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.reading import Format

_WORDS = {
    "edited": "edited: the file changed after being applied",
    "redated": "redated: applied with another date in the journal",
}
_ADVICE = {
    "edited": "Bring the old content back, and put the change into a new migration.",
    "redated": 'Bring the old date ("when") back to the journal, or the old name to its folder.',
    "running": "`chatkeep migrate` goes on behind the statements that are there.",
    "reversing": "`chatkeep rollback` brings it to its end.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One migration of the folder, as the database sees it.

    Attributes:
        state: `applied`, `pending`, `running` (it broke off between two statements), `reversing`
            (its rollback did), `edited` or `redated`.
        applied_at: From our ledger; None where drizzle-kit applied it, whose table has no time.
        seconds: How long it took, from our ledger.
        done: How many statements are through, of it or its reverse, of one that broke off.
        statements: How many there are, of one that broke off.
    """

    tag: str
    state: str
    when: int
    applied_at: dt.datetime | None = None
    seconds: float | None = None
    done: int | None = None
    statements: int | None = None

    @property
    def words(self) -> str:
        """The state in words."""
        if self.done is None:
            return _WORDS.get(self.state, self.state)
        what = "its rollback broke off" if self.state == "reversing" else "broke off"
        return f"{what}: {self.done} of its {self.statements} statements are there"

    @property
    def advice(self) -> str:
        """What to do about it; "" where nothing is to be done."""
        return _ADVICE.get(self.state, "")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A bookkeeping row that no migration of the folder accounts for.

    Attributes:
        tag: Its name, where our ledger knows it.
    """

    id: int
    hash: str
    created_at: int | None
    tag: str | None

    @property
    def words(self) -> str:
        """Say what that means."""
        name = self.tag or f"hash {self.hash[:12]}…"
        return (
            f"Row {self.id} of the bookkeeping ({name}) belongs to no migration of this folder; "
            "another project may keep its books here."
        )


@dataclass(frozen=True, slots=True)
class Status:
    """The folder against the database.

    Attributes:
        format: Which drizzle-kit's folder it is.
        missing: Names of migrations that this project applied, or began, and whose files are gone.
        invalid_indexes: INVALID indexes, as SQL, that applied migrations of the folder made.
    """

    folder: Path
    lines: tuple[Line, ...]
    unknown: tuple[Unknown, ...]
    format: Format = "0.31"
    missing: tuple[str, ...] = ()
    invalid_indexes: tuple[str, ...] = ()

    @property
    def has_any(self) -> bool:
        """Whether the database has anything of the folder."""
        return any(line.state != "pending" for line in self.lines)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is there that a person should look at; pending migrations are no such."""
        changed = self.count("edited", "redated", "running", "reversing")
        return not (changed or self.missing or self.invalid_indexes)

    def count(self, *states: str) -> int:
        """Give how many migrations are in these states."""
        return sum(line.state in states for line in self.lines)

    def notes(self) -> list[str]:
        """Say what else there is than the migrations of the folder, a sentence each."""
        gone = "is in this database, and its file is gone from the folder."
        return [
            *(f"{tag} {gone}" for tag in self.missing),
            *(invalid_line(index) for index in self.invalid_indexes),
            *(row.words for row in self.unknown),
        ]

    def as_json(self) -> dict[str, object]:
        """Give the report for programs; times in ISO 8601."""
        return {
            "folder": str(self.folder),
            "format": self.format,
            "migrations": [
                {
                    "tag": line.tag,
                    "state": line.state,
                    "when": line.when,
                    "applied_at": line.applied_at.isoformat() if line.applied_at else None,
                    "seconds": line.seconds,
                    "done": line.done,
                    "statements": line.statements,
                }
                for line in self.lines
            ],
            "unknown": [
                {"id": row.id, "hash": row.hash, "created_at": row.created_at, "tag": row.tag}
                for row in self.unknown
            ],
            "missing": list(self.missing),
            "invalid_indexes": list(self.invalid_indexes),
        }


def invalid_line(index: str) -> str:
    """Say what is wrong with an INVALID index of an applied migration, and how to mend it."""
    return f"The index {index} is INVALID: `REINDEX INDEX CONCURRENTLY {index}` builds it again."


async def status(folder: Folder, url: str) -> Status:
    """Compare the folder with the bookkeeping of the database. Nothing is written.

    Raises:
        ConnectionFailedError: No connection to the database.
        MigrationError: The role may not read drizzle's table.
    """
    async with connect(url, name="chatkeep status") as connection:
        matching = await read_matching(connection, folder)
        there = matching.of("applied", "running")
        invalid = await indexes.invalid_names(connection, there)
    missing = {(record.created_at, record.hash): record for record in matching.missing}
    unknown = tuple(
        Unknown(row.id, row.hash, row.created_at, matching.name_of(row))
        for row in matching.unknown
        if (row.created_at, row.hash) not in missing
    )
    return Status(
        folder.path,
        tuple(_line(each, matching.half_reversed) for each in matching.migrations),
        unknown,
        folder.format,
        missing=tuple(record.tag for record in (*matching.missing, *matching.broken_off)),
        invalid_indexes=tuple(invalid),
    )


def _line(matched: Matched, half_reversed: Mapping[str, Record]) -> Line:
    migration, record = matched.migration, matched.record
    is_running = matched.state == "running"
    back = half_reversed.get(migration.tag)
    half = back or (record if is_running else None)
    return Line(
        tag=migration.tag,
        state="reversing" if back else matched.state,
        when=migration.when,
        applied_at=record.applied_at if record and not is_running else None,
        seconds=record.duration.total_seconds() if record else None,
        done=half.done if half else None,
        statements=half.statements if half else None,
    )
