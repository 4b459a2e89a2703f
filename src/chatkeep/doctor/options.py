"""What the caller may say to the doctor."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something counts.

    Attributes:
        statement_timeout: A statement of a check that takes longer is stopped, and the check is
            reported as not looked at.
        statistics_age: An index counts as unused when the statistics are at least that old.
        idle_in_transaction: A session may wait that long inside a transaction.
        running: A statement may run that long.
        waiting: A session may wait that long for a lock.
        answer_silent: A running answer may be without a sign of its writer that long.
        dead_rows: So many dead rows may a table have, whatever its size.
        dead_share: And this part of all its rows.
        bloat_bytes: A table or index may waste so many bytes, whatever its size.
        bloat_share: And this part of its size.
        transaction_age: So many transactions old may the oldest row of a table be.
        key_share: This part of its numbers may a key have used.
        rows: Of a table with more rows only so many are looked at, taken here and there.
    """

    statement_timeout: timedelta = timedelta(seconds=5)
    statistics_age: timedelta = timedelta(days=7)
    idle_in_transaction: timedelta = timedelta(minutes=5)
    running: timedelta = timedelta(minutes=5)
    waiting: timedelta = timedelta(seconds=10)
    answer_silent: timedelta = timedelta(hours=1)
    dead_rows: int = 10_000
    dead_share: float = 0.2
    bloat_bytes: int = 32 * 1024 * 1024
    bloat_share: float = 0.6
    transaction_age: int = 500_000_000
    key_share: float = 0.7
    rows: int = 500_000


@dataclass(frozen=True, slots=True)
class Options:
    """What to look at, and with what beside the database.

    Attributes:
        only: Names of checks; only these run. Empty means all.
        skip: Names of checks that do not run.
        folder: The migrations folder, for the checks of the bookkeeping; None leaves them out.
        tables_filter: Patterns of the project's tables, such as `app_*`, where other projects
            share the database; the schema's own tables count in any case. Empty means that every
            table is the project's.
        embedded: The `.chatkeep/` of the embedded server where the URL leads to it, else None.
        limits: From where on something counts.
    """

    only: Collection[str] = ()
    skip: Collection[str] = ()
    folder: Path | None = None
    tables_filter: Sequence[str] = ()
    embedded: Path | None = None
    limits: Limits = field(default_factory=Limits)
