"""Applying the pending migrations: each in a transaction of its own, with its bookkeeping."""

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from chatkeep.kit.applying import books, ledger, named
from chatkeep.kit.applying.lock import migration_lock
from chatkeep.kit.applying.matching import Matching, match, refuse_disorder, refuse_edited
from chatkeep.kit.applying.run import failure, refuse_unfit_statements, run_statements
from chatkeep.kit.connection import BROKEN, connect
from chatkeep.kit.folder import Folder, Migration

LOCK_WAIT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Applied:
    """A migration that this run applied.

    Attributes:
        seconds: How long its statements took.
    """

    migration: Migration
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of `migrate` found and did.

    Attributes:
        already: How many migrations of the folder were applied before.
        unknown: How many rows of the bookkeeping no migration of the folder accounts for.
        ledger: False where the role may not create our own ledger; drizzle's rows are complete.
    """

    applied: tuple[Applied, ...]
    already: int
    unknown: int
    ledger: bool


async def pending(folder: Folder, url: str, *, to: str | None = None) -> list[Migration]:
    """Give the migrations that `migrate` would apply, in order; the database stays untouched.

    Raises:
        MigrationEditedError: An applied migration has another content now.
        MigrationOrderError: A pending migration is older than an applied one.
        ConnectionFailedError: No connection to the database.
    """
    _ = folder.until(to)
    async with connect(url, name="chatkeep migrate") as connection:
        matching = match(folder.migrations, await ledger.read_rows(connection))
    return _pending(folder, matching, to)


async def migrate(
    folder: Folder,
    url: str,
    *,
    to: str | None = None,
    lock_wait: float = LOCK_WAIT,
    on_applied: Callable[[Applied], None] | None = None,
) -> Report:
    """Apply the pending migrations, each in one transaction together with its bookkeeping.

    A crash or an error leaves whole migrations only: those before it stay, the failing one leaves
    nothing. Processes that run this at the same time wait for each other.

    Args:
        folder: The migrations.
        url: The database; a direct connection, not through a pooler in transaction mode.
        to: The last migration to apply, by tag or number; all of them without it.
        lock_wait: Seconds to wait for another migrating process.
        on_applied: Called after each migration.

    Raises:
        MigrationEditedError: An applied migration has another content now.
        MigrationOrderError: A pending migration is older than an applied one.
        MigrationFailedError: PostgreSQL refused a statement.
        MigrationLockError: Another process held the lock for all of `lock_wait`.
        ConnectionFailedError: No connection to the database, or it broke.
    """
    _ = folder.until(to)
    async with (
        connect(url, name="chatkeep migrate") as connection,
        migration_lock(connection, wait=lock_wait),
    ):
        rows = await ledger.read_rows(connection)
        matching = match(folder.migrations, rows)
        todo = _pending(folder, matching, to)
        for migration in todo:
            refuse_unfit_statements(migration)
        kept = await books.prepare(connection)
        await named.prepare(connection, folder.migrations, rows)
        done: list[Applied] = []
        for migration in todo:
            done.append(Applied(migration, await _apply(connection, migration, kept=kept)))
            if on_applied is not None:
                on_applied(done[-1])
    return Report(tuple(done), len(matching.of("applied")), len(matching.unknown), kept != "none")


def _pending(folder: Folder, matching: Matching, to: str | None) -> list[Migration]:
    refuse_edited(matching)
    wanted = {migration.tag for migration in folder.until(to)}
    todo = [migration for migration in matching.of("pending") if migration.tag in wanted]
    refuse_disorder(matching, todo)
    return todo


async def _apply(
    connection: asyncpg.Connection, migration: Migration, *, kept: books.Ledger
) -> float:
    transaction = connection.transaction()
    await transaction.start()
    try:
        seconds = await run_statements(connection, migration)
        await ledger.record(connection, migration, ledger=kept)
    except BaseException:
        if not connection.is_closed():
            await transaction.rollback()
        raise
    try:
        await transaction.commit()  # deferred constraints are checked here
    except BROKEN:
        raise
    except asyncpg.PostgresError as exc:
        raise failure(migration, None, exc) from exc
    # A SET in one file must not change the meaning of the next.
    await connection.execute("reset session authorization")
    await connection.execute("reset all")
    return seconds
