"""What a sweep found and what it removed, by policy and table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chatkeep.personal.retention import Policy


@dataclass(slots=True)
class PolicyReport:
    """What one policy takes away. Tables have the names of the schema's attributes.

    Attributes:
        policy: Which one.
        found: Rows that were to go before anything went, by table; what goes with them included.
        removed: Rows that went, by table.
        kept: Rows that were to go and stayed, by reason: somebody held them, or a table that the
            foreign keys do not let go refers to them.
        oldest: The earliest time among the rows found.
        newest: The latest one.
        about_bytes: What the rows found take on disk, by the tables' average; None where PostgreSQL
            has no statistics yet.
    """

    policy: Policy
    found: Counter[str] = field(default_factory=Counter[str])
    removed: Counter[str] = field(default_factory=Counter[str])
    kept: Counter[str] = field(default_factory=Counter[str])
    oldest: datetime | None = None
    newest: datetime | None = None
    about_bytes: int | None = None

    @property
    def difference(self) -> Mapping[str, int]:
        """Rows removed less rows found, by table, where that is not 0.

        Below 0 are rows that were kept, or that others changed or removed meanwhile; above 0 those
        that came to be among them.
        """
        names = {**self.found, **self.removed}
        numbers = {name: self.removed[name] - self.found[name] for name in names}
        return {name: number for name, number in numbers.items() if number}

    def see(self, table: str, at: datetime, counts: Mapping[str, int]) -> None:
        """Count a row that is to go, with the rows that go with it."""
        self.found[table] += 1
        self.found.update(counts)
        self.oldest = at if self.oldest is None else min(at, self.oldest)
        self.newest = at if self.newest is None else max(at, self.newest)

    def as_json(self, *, removes: bool) -> dict[str, object]:
        """Give it as what JSON can hold; with what went, if it was to remove anything."""
        removal = {
            "removed": dict(self.removed),
            "kept": dict(self.kept),
            "difference": dict(self.difference),
        }
        return {
            "what": self.policy.what,
            "role": self.policy.role,
            "of": self.policy.of,
            "older_than": self.policy.age,
            "at_most": self.policy.at_most,
            "found": dict(self.found),
            "oldest": self.oldest.isoformat() if self.oldest else None,
            "newest": self.newest.isoformat() if self.newest else None,
            "about_bytes": self.about_bytes,
            **(removal if removes else {}),
        }


@dataclass(slots=True)
class SweepReport:
    """What a sweep found and, if it was to remove anything, what it removed.

    Attributes:
        now: From when ages were counted, by the database's clock.
        policies: One for each policy, in their order; then what expires by itself.
        removes: Whether it was to remove what it found.
        is_stopped: It was stopped before its end; another sweep goes on.
        batches: Transactions that removed something.
        longest_batch: Seconds that the longest one took, those taken back included: nobody waited
            longer for one.
    """

    now: datetime
    policies: list[PolicyReport]
    removes: bool = False
    is_stopped: bool = False
    batches: int = 0
    longest_batch: float = 0.0

    @property
    def found(self) -> Counter[str]:
        """Rows found, by table."""
        return sum((line.found for line in self.policies), Counter[str]())

    @property
    def removed(self) -> Counter[str]:
        """Rows removed, by table."""
        return sum((line.removed for line in self.policies), Counter[str]())

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {
            "now": self.now.isoformat(),
            "removes": self.removes,
            "is_stopped": self.is_stopped,
            "policies": [line.as_json(removes=self.removes) for line in self.policies],
            "found": dict(self.found),
            "removed": dict(self.removed),
            "batches": self.batches,
            "longest_batch_seconds": round(self.longest_batch, 3),
        }
