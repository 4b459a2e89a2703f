"""What no migration may hold, and a clear word when a statement fails."""

import asyncpg

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.applying.forms import NO_TRANSACTION
from chatkeep.kit.applying.script import Step
from chatkeep.kit.applying.sqlscan import (
    copies_through_client,
    discards_all,
    transaction_command,
)
from chatkeep.kit.folder import Migration
from chatkeep.kit.refusal import describe, position, sqlstate

NEEDS_NO_TRANSACTION = {"25001", "2D000"}
"""How PostgreSQL refuses a statement, or a procedure's COMMIT, inside a transaction."""

_UNSAFE_LABEL = "55P04"
_WITHOUT = (
    f"This statement refuses a transaction: write `-- chatkeep:{NO_TRANSACTION}` on a line of its "
    "own at the head of the file, and each of its statements runs for itself."
)
_MADE_BEFORE = (
    "Something made it without this folder's bookkeeping: push, another project, or an embedded "
    "database opened before there were migrations. `chatkeep baseline` takes it over as it is; "
    "`chatkeep db reset` empties an embedded one."
)
_EXISTS = {"42P07", "42710", "42723"}  # table or index, constraint or type, function


def refuse_unfit_statements(migration: Migration) -> None:
    """Refuse a file that would end its transaction, give up the lock, or wait for rows for ever.

    Raises:
        MigrationFailedError: Names the statement.
    """
    total = len(migration.statements)
    for number, statement in enumerate(migration.statements, start=1):
        if command := transaction_command(statement):
            raise MigrationFailedError(
                f"{place(migration, number, total)} holds {command}; nothing was run.",
                hint="chatkeep runs each migration in one transaction of its own: take it out.",
            )
        if discards_all(statement):
            raise MigrationFailedError(
                f"{place(migration, number, total)} holds DISCARD ALL; nothing was run.",
                hint="It gives up the migration lock, too: take it out. chatkeep resets the settings "
                "behind each migration.",
            )
        if copies_through_client(statement):
            raise MigrationFailedError(
                f"{place(migration, number, total)} copies rows through the connection; nothing was run.",
                hint="Write the rows as INSERT (`pg_dump --inserts` does).",
            )


def place(migration: Migration, number: int, total: int) -> str:
    """Say which statement of which file."""
    return f"{migration.label}: statement {number} of {total}"


def failure(
    migration: Migration, step: Step | None, total: int, exc: asyncpg.PostgresError
) -> MigrationFailedError:
    """Give our error for a refused statement of a migration in one transaction.

    Args:
        migration: What was run.
        step: The statement; None when the commit itself was refused.
        total: How many there are.
        exc: What PostgreSQL said.
    """
    where = (
        f"{migration.label}: the commit at its end"
        if step is None
        else place(migration, step.number, total) + line_of(step, exc)
    )
    hint = " ".join(["This migration left nothing behind.", *hints(exc)])
    return MigrationFailedError(f"{where} failed: {describe(exc)}", hint=hint)


def line_of(step: Step, exc: asyncpg.PostgresError) -> str:
    """Give the line in the file that PostgreSQL points to, in parentheses; "" when to none."""
    at = position(exc)
    return "" if at is None else f" (line {step.line + step.sql.count(chr(10), 0, at)})"


def hints(exc: asyncpg.PostgresError) -> list[str]:
    """Give what helps with some refusals."""
    code = sqlstate(exc)
    if code in NEEDS_NO_TRANSACTION | {_UNSAFE_LABEL}:
        return [_WITHOUT]
    return [_MADE_BEFORE] if code in _EXISTS else []
