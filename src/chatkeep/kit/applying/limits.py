"""How long a migration may wait for locks and run, and how often it tries."""

from collections.abc import Collection
from dataclasses import dataclass

LOCK_TIMEOUT = 0.5
"""Seconds. Less than PostgreSQL's `deadlock_timeout` of 1 s: where the migration and a client wait for
each other, the migration has given way before PostgreSQL looks for a victim among the two."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Time-outs of each statement.

    While a statement waits for a lock, every later reader of the table waits behind it: so it waits
    shortly, gives way, and comes again. CONCURRENTLY lets others pass, and a time-out would leave
    an INVALID index: both time-outs are lifted for it.

    Attributes:
        lock_timeout: Seconds that a statement waits for a lock; 0 is without end.
        statement_timeout: Seconds that a statement may run; None leaves what the role has.
        attempts: How often a transaction is tried that does not get its locks, or deadlocks.
    """

    lock_timeout: float = LOCK_TIMEOUT
    statement_timeout: float | None = None
    attempts: int = 20

    def settings(self, *, local: bool, own: Collection[str] = ()) -> str:
        """Give the statements that set the time-outs.

        Args:
            local: For the transaction alone.
            own: Those that the file sets itself, in upper case; they are left out.
        """
        times = {"lock_timeout": self.lock_timeout, "statement_timeout": self.statement_timeout}
        word = "set local" if local else "set"
        return "".join(
            f"{word} {name} = '{seconds * 1000:.0f}ms';\n"
            for name, seconds in times.items()
            if seconds is not None and name.upper() not in own
        )

    def shortened(self, elapsed: float) -> str:
        """Give what leaves the rest of a transaction less time to wait; "" while it has enough.

        What it has locked, clients wait for: with several tables, all its waiting together shall
        take no longer than one statement's may.

        Args:
            elapsed: Seconds since the transaction began.
        """
        if not self.lock_timeout or elapsed < self.lock_timeout / 2:
            return ""
        left = max(self.lock_timeout - elapsed, self.lock_timeout / 5)
        return f"set local lock_timeout = '{max(left * 1000, 1):.0f}ms'"


LIFTED = "set lock_timeout = 0;\nset statement_timeout = 0;\n"
"""For CONCURRENTLY."""

RESTORED = "reset lock_timeout;\nreset statement_timeout;\n"
