"""What the doctor says: findings, what it could not look at, and the report of both."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Severity(StrEnum):
    """How bad a finding is.

    `error`: something is broken or will be. `warning`: it costs time or safety. `note`: worth
    knowing, and no reason to fail.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


MendWith = Literal["sql", "shell", "python", "pgbouncer.ini"]
"""Where the command of a finding goes."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a check found.

    Attributes:
        about: The object, as people name it: `index "x_chat_idx"`.
        message: What is wrong with it, in one sentence.
        mend: The command that mends it, to be pasted as it stands.
        mend_with: Where it goes.
        severity: Where it is not the check's own.
    """

    about: str
    message: str
    mend: str
    mend_with: MendWith = "sql"
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong or missing in a database.

    Attributes:
        check: Name of the check; it has a heading in docs/reference/doctor.md.
        severity: How bad it is.
        about: The object, as people name it.
        message: What is wrong with it, in one sentence.
        why: Why it matters, in one sentence.
        mend: The command that mends it, to be pasted as it stands.
        mend_with: Where it goes: `sql`, `shell`, `python` or `pgbouncer.ini`.
    """

    check: str
    severity: Severity
    about: str
    message: str
    why: str
    mend: str
    mend_with: MendWith

    def as_json(self) -> dict[str, str]:
        """Give it for programs."""
        names = ("check", "severity", "about", "message", "why", "mend", "mend_with")
        return {name: str(getattr(self, name)) for name in names}


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a check could not look at.

    Attributes:
        check: Name of the check.
        reason: Why, and what would let it, in one sentence.
    """

    check: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `diagnose` found.

    Attributes:
        findings: The gravest first.
        unseen: What was not looked at, and why.
        checked: Names of the checks that ran.
    """

    findings: Sequence[Finding] = field(default_factory=tuple)
    unseen: Sequence[Unseen] = field(default_factory=tuple)
    checked: Sequence[str] = field(default_factory=tuple)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing worse than a note was found."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    def count(self, severity: Severity) -> int:
        """Give how many findings are of this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def of(self, check: str) -> list[Finding]:
        """Give the findings of one check."""
        return [finding for finding in self.findings if finding.check == check]

    def as_json(self) -> dict[str, object]:
        """Give the report for programs."""
        return {
            "healthy": self.is_healthy,
            "findings": [finding.as_json() for finding in self.findings],
            "not_looked_at": [{"check": each.check, "reason": each.reason} for each in self.unseen],
            "checked": list(self.checked),
        }
