"""The proof of a plan: run on a copy, it must lead exactly to the wanted state and keep the rows."""

from collections.abc import Sequence
from pathlib import Path

from chatkeep.errors import ProofFailedError, StatementError
from chatkeep.kit.build import run_all
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.dumping import dump_schema
from chatkeep.kit.writing.standing import (
    differing_dumps,
    differing_facts,
    moved_numbers,
    read_numbers,
)

HINT = "This is a fault of the diff: write this migration by hand, and report it with both schemas."


async def prove(
    scratch: Scratch,
    start_url: str,
    statements: Sequence[Statement],
    goal: Catalog,
    *,
    goal_url: str | None = None,
    pg_dump: Path | None = None,
) -> None:
    """Run a plan on a copy of a database and compare what comes out with the goal.

    Compared are all facts; the numbers of rows of tables that stay, under whatever name; where
    sequences stand, also when a serial became an identity. The order of columns does not count.

    Args:
        scratch: The server of `start_url`.
        start_url: The database to copy; nobody may be connected to it.
        statements: The plan.
        goal: What `read_catalog` says of the wanted database.
        goal_url: With `pg_dump`, the wanted database itself, for a second opinion.
        pg_dump: The program, not older than the server.

    Raises:
        ProofFailedError: The message lists what differs, or the statement that PostgreSQL refused.
    """
    async with scratch.database(start_url) as url:
        async with connect(url) as connection:
            before = await read_numbers(connection)
        try:
            await run_all(url, [statement.sql for statement in statements])
        except StatementError as exc:
            raise ProofFailedError(
                f"The planned SQL does not run on a copy of the database. {exc}", hint=HINT
            ) from exc
        async with connect(url) as connection:
            found = await read_catalog(connection)
            after = await read_numbers(connection)
        faults = [*differing_facts(found, goal), *moved_numbers(before, after)]
        if not faults and goal_url is not None and pg_dump is not None:
            dumps = [await dump_schema(pg_dump, each) for each in (url, goal_url)]
            faults = differing_dumps(*dumps)
    refuse_faults(faults)


def refuse_faults(faults: Sequence[str]) -> None:
    """Raise when a plan did not lead where it should.

    Raises:
        ProofFailedError: The message lists what differs.
    """
    if faults:
        raise ProofFailedError(
            f"The planned SQL does not lead to the wanted state: {'; '.join(faults[:20])}.",
            hint=HINT,
        )
