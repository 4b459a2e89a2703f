"""The bookkeeping in the database: drizzle's table, and our own ledger beside it.

drizzle's table says what is applied, and nothing else does. Our ledger, in the database schema
`chatkeep`, keeps what drizzle's has no room for: names, times, whose project it is, and how far a
migration came that runs without a transaction. Both are written in one transaction.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import asyncpg

from chatkeep.errors import MigrationError
from chatkeep.kit.applying import books, named
from chatkeep.kit.folder import Migration

State = Literal["running", "applied", "baseline", "reverted"]
"""What our ledger says of a migration.

running: some of its statements are there, and drizzle's table does not have it yet;
applied: chatkeep ran it;
baseline: it was noted without being run;
reverted: its reverse was run, and drizzle's row is gone.
"""

_ROWS = """
select m.id, m.hash, m.created_at, pg_catalog.to_jsonb(m) ->> 'name'
from "drizzle"."__drizzle_migrations" m order by m.id
"""  # only drizzle 1.0's table has names
_RECORDS = """
select distinct on (m.created_at, m.hash)
    m.created_at, m.hash, m.tag, m.applied_at, m.duration, pg_catalog.to_jsonb(m)::text
from "chatkeep"."migrations" m
order by m.created_at, m.hash, m.id desc
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of drizzle's bookkeeping.

    Attributes:
        created_at: The journal's `when` in milliseconds; None only where somebody wrote by hand.
        name: By which drizzle 1.0 knows the migration; None where 0.x or chatkeep noted one of 0.31.
    """

    id: int
    hash: str
    created_at: int | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What our ledger knows about a migration.

    Attributes:
        applied_at: When it was applied; when it was begun, while it is `running`.
        project: Whose it is, see `project_of`; None for rows of an older chatkeep.
        statements: How many single statements it has; None where they were not counted.
        done: How many of them are there, while it is `running`.
        attempted: Number of the last statement that was sent, from 1; greater than `done` while
            nobody knows whether its effect came through.
        done_hash: SHA-256 of the texts of those that are done.
        position: Where the statement after them stands, if it runs in batches: JSON of its number,
            its `Batch.text_hash` and what `run_batches` saved.
    """

    tag: str
    applied_at: dt.datetime
    duration: dt.timedelta
    hash: str = ""
    created_at: int = 0
    state: State = "applied"
    project: str | None = None
    statements: int | None = None
    done: int = 0
    attempted: int = 0
    done_hash: str = ""
    position: str | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """What the bookkeeping of a database says.

    Attributes:
        there: Which of its tables there are.
        rows: drizzle's, by id.
        records: Our ledger by (created_at, hash), the newest row of each. Empty where drizzle-kit
            alone has migrated, or the role may not read it: drizzle's table says what is applied.
    """

    there: books.Look
    rows: Sequence[Row]
    records: Mapping[tuple[int, str], Record]


async def read_books(connection: asyncpg.Connection) -> Books:
    """Read the bookkeeping; a database may have none.

    Raises:
        MigrationError: The role may not read drizzle's table.
    """
    there = await books.look(connection)
    rows = await _rows(connection) if there.drizzle else []
    records = await connection.fetch(_RECORDS) if there.ledger != "none" else []
    by_identity = {(row[0], row[1]): _record(tuple(row)) for row in records}
    return Books(there, rows, by_identity)


async def _rows(connection: asyncpg.Connection) -> list[Row]:
    try:
        rows = await connection.fetch(_ROWS)
    except asyncpg.InsufficientPrivilegeError as exc:
        raise MigrationError(
            "This role may not read drizzle.__drizzle_migrations.",
            hint="Grant it USAGE on schema drizzle and SELECT on the table.",
        ) from exc
    return [Row(*row) for row in rows]


def _record(row: tuple[object, ...]) -> Record:
    created_at, hash_, tag, applied_at, duration, text = row
    whole = cast("dict[str, object]", json.loads(cast("str", text)))
    return Record(
        tag=cast("str", tag),
        applied_at=cast("dt.datetime", applied_at),
        duration=cast("dt.timedelta", duration),
        hash=cast("str", hash_),
        created_at=cast("int", created_at),
        state=cast("State", whole.get("state") or "applied"),
        project=cast("str | None", whole.get("project")),
        statements=cast("int | None", whole.get("statements")),
        done=cast("int", whole.get("done") or 0),
        attempted=cast("int", whole.get("attempted") or 0),
        done_hash=cast("str", whole.get("done_hash") or ""),
        position=cast("str | None", whole.get("position")),
    )


async def prepare_books(
    connection: asyncpg.Connection, found: Books, migrations: Sequence[Migration]
) -> books.Ledger:
    """Make the tables that are not there yet, in the form that the folder needs.

    Args:
        connection: Holds the migration lock.
        found: What the bookkeeping says.
        migrations: Of the folder.

    Returns:
        What there is of our ledger to write to.

    Raises:
        MigrationError: The role may not make or change drizzle's table.
        MigrationLockError: Another process is at the same for longer than half a minute.
    """
    ledger = await books.prepare(connection, found.there)
    await named.prepare(connection, migrations, found.rows)
    return ledger


async def record_baseline(
    connection: asyncpg.Connection,
    migrations: Sequence[Migration],
    *,
    ledger: books.Ledger,
    project: str | None = None,
) -> None:
    """Note migrations as there without running them, in one transaction.

    Args:
        connection: Holds the migration lock.
        migrations: Those that the database has already, in their order.
        ledger: What `prepare_books` gave.
        project: Whose they are, see `project_of`.
    """
    async with connection.transaction():
        for migration in migrations:
            await connection.execute(
                books.note_applied(migration, ledger=ledger, project=project, state="baseline")
            )
