"""What a run of `migrate` tells while it runs."""

from collections.abc import Callable
from dataclasses import dataclass

from chatkeep.kit.applying.sqlscan import is_blank
from chatkeep.kit.folder import Migration


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a migration."""

    migration: Migration

    def line(self) -> tuple[str, bool]:
        """Give a sentence about it, "" for none, and whether it is what one expects to happen."""
        return "", True


@dataclass(frozen=True, slots=True)
class Begun(Event):
    """A migration begins.

    Attributes:
        statements: How many pieces or, without a transaction, single statements it has.
        transactional: Whether it runs in one transaction.
        resumed: How many of its statements an earlier run left there.
    """

    statements: int
    transactional: bool
    resumed: int = 0

    def line(self) -> tuple[str, bool]:
        """Name it where it runs statement by statement, or holds nothing to run."""
        if is_blank(self.migration.sql):
            return f"{self.migration.tag}: no statement in it, nothing but comments", False
        if self.transactional:
            return "", True
        on = f", goes on behind statement {self.resumed}" if self.resumed else ""
        return f"{self.migration.tag}: without a transaction{on}", True


@dataclass(frozen=True, slots=True)
class Ran(Event):
    """A statement is through.

    Attributes:
        number: Counted from 1.
        seconds: How long it took.
        head: Its first words, without any literal.
    """

    number: int
    statements: int
    seconds: float
    head: str = ""

    def line(self) -> tuple[str, bool]:
        """Give the time of one of several."""
        if self.statements == 1:
            return "", True
        time = f"{self.seconds * 1000:.0f} ms" if self.seconds < 10 else f"{self.seconds:.1f} s"
        return f"  {self.number}/{self.statements}  {self.head}  {time}", True


@dataclass(frozen=True, slots=True)
class Recognised(Event):
    """A statement was not sent again: its effect was there before this run."""

    number: int
    statements: int

    def line(self) -> tuple[str, bool]:
        """Say that it was there."""
        return f"  {self.number}/{self.statements}  had come through before", True


@dataclass(frozen=True, slots=True)
class Retried(Event):
    """A lock was not to be had, or a deadlock was broken: it is tried again after a pause.

    Attributes:
        attempt: Which attempt failed, from 1.
        attempts: How many there are.
        pause: Seconds until the next.
        blockers: Who held it, one phrase each; empty where nobody could be seen.
    """

    attempt: int
    attempts: int
    pause: float
    blockers: tuple[str, ...]

    def line(self) -> tuple[str, bool]:
        """Say who was in the way."""
        who = ", ".join(self.blockers) or "somebody who is gone now"
        text = (
            f"{self.migration.tag}: attempt {self.attempt} of {self.attempts} gave way to {who}; "
            f"again in {self.pause:.1f} s"
        )
        return text, False


@dataclass(frozen=True, slots=True)
class Waiting(Event):
    """A statement waits for others, and goes on doing so until it gets its lock or a time-out."""

    number: int
    blockers: tuple[str, ...]

    def line(self) -> tuple[str, bool]:
        """Say for whom."""
        return (
            f"{self.migration.tag}: statement {self.number} waits for {', '.join(self.blockers)}",
            False,
        )


@dataclass(frozen=True, slots=True)
class Dropped(Event):
    """An INVALID index that a broken run had left was dropped, to be built again."""

    index: str

    def line(self) -> tuple[str, bool]:
        """Name it."""
        return f"{self.migration.tag}: dropped the INVALID index {self.index}", False


@dataclass(frozen=True, slots=True)
class Batched(Event):
    """A statement in batches came so far.

    Attributes:
        rows: Rows visited by this run.
        total: Rows of the table as PostgreSQL estimates them, or None.
        seconds_left: At the speed so far, or None.
    """

    number: int
    rows: int
    total: int | None
    seconds_left: float | None

    def line(self) -> tuple[str, bool]:
        """Say how far it is."""
        of = "" if self.total is None else f" of about {self.total}"
        left = "" if self.seconds_left is None else f", {self.seconds_left:.0f} s left"
        return f"  {self.number}  {self.rows} rows{of}{left}", True


Tell = Callable[[Event], None]


def silent(event: Event) -> None:
    """Tell nobody."""
    _ = event
