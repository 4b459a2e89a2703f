"""What erasing a person did, or would do. It never holds their id, their e-mail or their words."""

from dataclasses import dataclass, field

from chatkeep.personal.proof import Proof
from chatkeep.personal.redacting import Redacted


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a table's rows.

    Attributes:
        rule: delete, anonymise or keep.
        why: The references that lead to them.
        reason: Why they are kept.
        rows: How many.
    """

    table: str
    rule: str
    why: tuple[str, ...]
    reason: str
    rows: int

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {
            "table": self.table,
            "rule": self.rule,
            "rows": self.rows,
            "why": list(self.why),
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True)
class CacheCleared:
    """What a cache answered.

    Attributes:
        entries: How many it forgot.
        failure: The kind of error that it raised; None where it answered.
    """

    name: str
    entries: int = 0
    failure: str | None = None

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {"name": self.name, "entries": self.entries, "failure": self.failure}


@dataclass(slots=True)
class ErasureReport:
    """What was done, or would be.

    Attributes:
        subject: SHA-256 of the person's id, as in the audit.
        steps: Table by table, in the order in which they are done.
        is_done: False for a preview.
        redacted: Where id or e-mail was replaced in texts of others.
        caches: What the caches answered.
        proof: What the scan read and found; before erasing, what it would find after. None where
            it could not be had.
        failures: What failed once the person was gone, in words: statistics, proof, its note in
            the audit.
        unknown: Tables of the database that the schema does not have.
        suspects: Columns of these whose names promise a person, and that nothing links.
        absent: Foreign keys of the schema that the database does not have.
    """

    subject: str
    steps: list[Step]
    is_done: bool = False
    redacted: list[Redacted] = field(default_factory=list[Redacted])
    caches: list[CacheCleared] = field(default_factory=list[CacheCleared])
    proof: Proof | None = None
    failures: list[str] = field(default_factory=list[str])
    unknown: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left, in the database and in the caches, and all of it was read."""
        failed = self.failures or any(each.failure for each in self.caches)
        return not failed and self.proof is not None and self.proof.is_clean

    def rows(self, rule: str) -> int:
        """Give how many rows go under a rule."""
        return sum(step.rows for step in self.steps if step.rule == rule)

    def counts(self) -> dict[str, object]:
        """Give the numbers that the audit keeps."""
        found: dict[str, dict[str, int]] = {}
        for step in self.steps:
            if step.rows:
                table = found.setdefault(step.rule, {})
                table[step.table] = table.get(step.table, 0) + step.rows
        redacted = {f"{each.table}.{each.column}": each.rows for each in self.redacted}
        return {**found, **({"redacted": redacted} if redacted else {})}

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {
            "erased": self.is_done,
            "clean": self.is_clean,
            "subject": self.subject,
            "steps": [step.as_json() for step in self.steps],
            "redacted": [each.as_json() for each in self.redacted],
            "caches": [each.as_json() for each in self.caches],
            "failures": self.failures,
            "proof": self.proof.as_json() if self.proof else None,
            "tables_not_in_schema": list(self.unknown),
            "unlinked_columns": list(self.suspects),
            "foreign_keys_not_in_database": list(self.absent),
        }
