"""Running one migration: each statement, one transaction, and a clear word when it fails."""

import time

import asyncpg

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.applying.sqlscan import copies_through_client, is_blank, transaction_command
from chatkeep.kit.connection import BROKEN
from chatkeep.kit.folder.reading import MARKER, Migration
from chatkeep.kit.refusal import describe, position, sqlstate

_NEEDS_NO_TRANSACTION = "25001"
_EXISTS = {"42P07", "42710", "42723"}  # table or index, constraint or type, function


def refuse_unfit_statements(migration: Migration) -> None:
    """Refuse a file that would end the transaction in which it runs, or wait for rows for ever.

    Raises:
        MigrationFailedError: Names the statement.
    """
    for number, statement in enumerate(migration.statements, start=1):
        if command := transaction_command(statement):
            raise MigrationFailedError(
                f"{_place(migration, number)} holds {command}; nothing was run.",
                hint="chatkeep runs each migration in one transaction of its own: take it out.",
            )
        if copies_through_client(statement):
            raise MigrationFailedError(
                f"{_place(migration, number)} copies rows through the connection; nothing was run.",
                hint="Write the rows as INSERT (`pg_dump --inserts` does).",
            )


async def run_statements(connection: asyncpg.Connection, migration: Migration) -> float:
    """Run the migration's statements and give the seconds they took.

    The caller holds the transaction open.

    Raises:
        MigrationFailedError: PostgreSQL refused a statement; the message names file, statement
            and line, and repeats no row.
    """
    started = time.perf_counter()
    for number, statement in enumerate(migration.statements, start=1):
        if not is_blank(statement):  # asyncpg stumbles over an empty query
            try:
                await connection.execute(statement)
            except BROKEN:
                raise
            except asyncpg.PostgresError as exc:
                raise failure(migration, number, exc) from exc
    return time.perf_counter() - started


def failure(
    migration: Migration, number: int | None, exc: asyncpg.PostgresError
) -> MigrationFailedError:
    """Give our error for a refused statement.

    Args:
        migration: What was run.
        number: Which statement, from 1; None when the commit itself was refused.
        exc: What PostgreSQL said.
    """
    place = (
        f"{migration.path.name}: the commit at its end"
        if number is None
        else _place(migration, number)
    )
    at = position(exc)
    if number is not None and at is not None:
        place += f" (line {_line(migration, number, at)})"
    hint = "This migration left nothing behind."
    if sqlstate(exc) == _NEEDS_NO_TRANSACTION:
        hint += " chatkeep runs each migration in one transaction, and this statement refuses one."
    elif sqlstate(exc) in _EXISTS:
        hint += (
            " Something made it without this folder's bookkeeping: push, another project, or an"
            " embedded database opened before there were migrations (`chatkeep db reset` empties it)."
        )
    return MigrationFailedError(f"{place} failed: {describe(exc)}", hint=hint)


def _place(migration: Migration, number: int) -> str:
    return f"{migration.path.name}: statement {number} of {len(migration.statements)}"


def _line(migration: Migration, number: int, at: int) -> int:
    before = migration.statements[: number - 1]
    start = sum(len(statement) + len(MARKER) for statement in before)
    return migration.sql.removeprefix("\ufeff").count("\n", 0, start + at) + 1
