"""The state that a folder leads to, made on a scratch database."""

from collections.abc import Sequence

import asyncpg

from chatkeep.kit.applying.run import refuse_unfit_statements, run_statements
from chatkeep.kit.folder import Migration


async def replay(connection: asyncpg.Connection, migrations: Sequence[Migration]) -> None:
    """Run the migrations on an empty scratch database, without any bookkeeping.

    Raises:
        MigrationFailedError: One of them fails even there; the message names file and statement.
    """
    for migration in migrations:
        refuse_unfit_statements(migration)
        async with connection.transaction():
            await run_statements(connection, migration)
        await connection.execute("reset session authorization")
        await connection.execute("reset all")
