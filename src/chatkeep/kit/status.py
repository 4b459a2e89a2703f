"""What a database has of a folder: applied, pending, edited, and rows that nobody knows."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from chatkeep.kit.applying import ledger
from chatkeep.kit.applying.matching import Matched, match
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.reading import Format


@dataclass(frozen=True, slots=True)
class Line:
    """One migration of the folder, as the database sees it.

    Attributes:
        state: `applied`, `pending`, `edited` or `redated`.
        applied_at: From our ledger; None where drizzle-kit applied it, whose table has no time.
        seconds: How long it took, from our ledger.
    """

    tag: str
    state: str
    when: int
    applied_at: dt.datetime | None = None
    seconds: float | None = None


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


@dataclass(frozen=True, slots=True)
class Status:
    """The folder against the database.

    Attributes:
        format: Which drizzle-kit's folder it is.
    """

    folder: Path
    lines: tuple[Line, ...]
    unknown: tuple[Unknown, ...]
    format: Format = "0.31"

    def count(self, *states: str) -> int:
        """Give how many migrations are in these states."""
        return sum(line.state in states for line in self.lines)

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
                }
                for line in self.lines
            ],
            "unknown": [
                {"id": row.id, "hash": row.hash, "created_at": row.created_at, "tag": row.tag}
                for row in self.unknown
            ],
        }


async def status(folder: Folder, url: str) -> Status:
    """Compare the folder with the bookkeeping of the database. Nothing is written.

    Raises:
        ConnectionFailedError: No connection to the database.
    """
    async with connect(url, name="chatkeep status") as connection:
        rows = await ledger.read_rows(connection)
        records = await ledger.read_records(connection)
    matching = match(folder.migrations, rows)
    unknown = (
        Unknown(row.id, row.hash, row.created_at, record.tag if record else None)
        for row in matching.unknown
        for record in [records.get((row.created_at or 0, row.hash))]
    )
    lines = tuple(_line(matched, records) for matched in matching.migrations)
    return Status(folder.path, lines, tuple(unknown), folder.format)


def _line(matched: Matched, records: dict[tuple[int, str], ledger.Record]) -> Line:
    migration, row = matched.migration, matched.row
    record = records.get((row.created_at or 0, row.hash)) if row else None
    return Line(
        tag=migration.tag,
        state=matched.state,
        when=migration.when,
        applied_at=record.applied_at if record else None,
        seconds=record.duration.total_seconds() if record else None,
    )
