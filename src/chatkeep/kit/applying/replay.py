"""The state that a folder leads to, made on a scratch database."""

from collections.abc import Sequence

import asyncpg

from chatkeep.kit.applying.forms import is_transactional
from chatkeep.kit.applying.run import failure, refuse_unfit_statements
from chatkeep.kit.applying.script import AFTER, Step, pieces, statements
from chatkeep.kit.applying.sqlscan import is_blank
from chatkeep.kit.applying.targets import cluster_object
from chatkeep.kit.connection import BROKEN
from chatkeep.kit.folder import Migration


async def replay(connection: asyncpg.Connection, migrations: Sequence[Migration]) -> None:
    """Run the migrations on an empty scratch database, without any bookkeeping.

    What concerns the whole server, such as ALTER SYSTEM, is left out: it is not the scratch
    database's to change, and makes no difference to what a database holds.

    Raises:
        MigrationFailedError: One of them fails even there; the message names file and statement.
    """
    for migration in migrations:
        refuse_unfit_statements(migration)
        if is_transactional(migration):
            async with connection.transaction():
                await _run(connection, migration, pieces(migration))
        else:
            await _run(connection, migration, statements(migration))
        await connection.execute(AFTER)


async def _run(connection: asyncpg.Connection, migration: Migration, steps: Sequence[Step]) -> None:
    for step in steps:
        if is_blank(step.sql) or _is_of_the_server(step):
            continue  # asyncpg stumbles over an empty query
        try:
            await connection.execute(step.sql)
        except BROKEN:
            raise
        except asyncpg.PostgresError as exc:
            raise failure(migration, step, len(steps), exc) from exc


def _is_of_the_server(step: Step) -> bool:
    return (
        cluster_object(step.sql) is not None
        or step.words[:2] in {("ALTER", "SYSTEM"), ("ALTER", "SUBSCRIPTION")}
        or (step.words[:2] == ("ALTER", "DATABASE") and step.is_bare)
    )
