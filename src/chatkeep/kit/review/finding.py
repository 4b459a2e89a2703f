"""What a review says: findings, and the measurements behind them, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Severity(StrEnum):
    """How much a finding matters: a danger that nobody acknowledged fails the review."""

    DANGER = "danger"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a reviewer should know about a migration.

    Attributes:
        rule: Id of the rule; `squawk:<name>` where squawk alone says so.
        file: Name of the migration's file.
        statement: Number of the statement in the file, from 1; None where it is about the file.
        line: Line in the file, from 1.
        subject: What it is about, such as `message.role`.
        message: What happens to a live system.
        safe: The safe form, in words.
        table: The table that decides how much it matters, or "".
        rows: How many rows of the real database are concerned; None where that is not known.
        keys: Primary keys of up to three of them. Values of other columns are never told.
        also: Names of squawk's rules that say the same.
        acknowledged: The reason that the file gives for accepting it, or None.
    """

    rule: str
    severity: Severity
    file: str
    line: int
    subject: str
    message: str
    safe: str
    statement: int | None = None
    table: str = ""
    rows: int | None = None
    keys: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    acknowledged: str | None = None

    @property
    def source(self) -> Literal["chatkeep", "squawk"]:
        """Who says it."""
        return "squawk" if self.rule.startswith("squawk:") else "chatkeep"

    @property
    def page(self) -> str | None:
        """Where the rule is explained; None for squawk's."""
        return None if self.source == "squawk" else f"docs/rules/{self.rule}.md"

    @property
    def fails(self) -> bool:
        """Whether it makes the review fail."""
        return self.severity is Severity.DANGER and self.acknowledged is None

    def as_json(self) -> dict[str, object]:
        """Give the finding for programs."""
        return {
            "rule": self.rule,
            "severity": str(self.severity),
            "source": self.source,
            "file": self.file,
            "statement": self.statement,
            "line": self.line,
            "object": self.subject,
            "message": self.message,
            "safe": self.safe,
            "page": self.page,
            "rows": self.rows,
            "keys": list(self.keys),
            "also": list(self.also),
            "acknowledged": self.acknowledged,
        }


@dataclass(frozen=True, slots=True)
class Size:
    """How big a table of the real database is.

    Attributes:
        rows: PostgreSQL's estimate; None where the table was never analyzed.
        bytes: With indexes and TOAST.
    """

    rows: int | None
    bytes: int

    def as_json(self) -> dict[str, object]:
        """Give the size for programs."""
        return {"rows": self.rows, "bytes": self.bytes}

    def __str__(self) -> str:
        amount = f"{self.bytes:,} bytes"
        for unit, power in (("GB", 30), ("MB", 20), ("kB", 10)):
            if self.bytes >= 1 << power:
                amount = f"{self.bytes / (1 << power):,.0f} {unit}"
                break
        rows = "rows not counted yet" if self.rows is None else f"about {self.rows:,} rows"
        return f"{rows}, {amount}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one statement does.

    Attributes:
        locks: Table to lock, such as `{"message": "ACCESS EXCLUSIVE"}`, beyond those held.
        held: The same for locks of earlier statements of the transaction that block others.
        rewrites: Tables that are written anew.
        scans: Tables that are read from end to end.
        writes: Tables whose rows it changes.
        in_transaction: False where the locks come from PostgreSQL's documentation, since the
            statement refuses a transaction in which they could be read.
    """

    number: int
    line: int
    sql: str
    locks: Mapping[str, str]
    held: Mapping[str, str]
    rewrites: tuple[str, ...]
    scans: tuple[str, ...]
    writes: tuple[str, ...]
    in_transaction: bool

    def as_json(self) -> dict[str, object]:
        """Give the measurement for programs."""
        return {
            "statement": self.number,
            "line": self.line,
            "sql": self.sql,
            "locks": dict(self.locks),
            "held": dict(self.held),
            "rewrites": list(self.rewrites),
            "scans": list(self.scans),
            "writes": list(self.writes),
            "measured": self.in_transaction,
        }


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One migration that was reviewed.

    Attributes:
        is_transactional: Whether it runs in one transaction.
        statements: Those that were measured.
    """

    tag: str
    file: str
    is_transactional: bool
    statements: tuple[Measured, ...]
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """Give how many findings of this severity nobody acknowledged."""
        return sum(
            found.severity is severity and found.acknowledged is None for found in self.findings
        )


@dataclass(frozen=True, slots=True)
class Review:
    """What `review` found.

    Attributes:
        sizes: The tables concerned, as they are in the real database; empty without one.
        notes: What could not be looked at, and why.
    """

    migrations: tuple[Reviewed, ...]
    sizes: Mapping[str, Size] = field(default_factory=dict[str, Size])
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, migration by migration."""
        return tuple(found for each in self.migrations for found in each.findings)

    @property
    def fails(self) -> bool:
        """Whether there is a danger that no file acknowledges."""
        return any(found.fails for found in self.findings)

    def as_json(self) -> dict[str, object]:
        """Give the review for programs."""
        return {
            "fails": self.fails,
            "migrations": [
                {
                    "tag": each.tag,
                    "file": each.file,
                    "transaction": each.is_transactional,
                    "statements": [measured.as_json() for measured in each.statements],
                    "findings": [found.as_json() for found in each.findings],
                }
                for each in self.migrations
            ],
            "tables": {name: size.as_json() for name, size in self.sizes.items()},
            "notes": list(self.notes),
        }
