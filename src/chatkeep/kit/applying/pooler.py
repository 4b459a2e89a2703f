"""Whether a connection leads to PostgreSQL itself."""

import asyncpg

from chatkeep.errors import MigrationError

_TAKEN = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)


async def refuse_pooler(connection: asyncpg.Connection) -> None:
    """Refuse a connection through a pooler, such as PgBouncer.

    Behind one, each transaction may meet another server process: the migration lock would stay with
    a process that nobody holds any more, and time-outs would strike other clients. It is told by
    the process number: a pooler names one of its own when it is connected to.

    Raises:
        MigrationError: The connection leads through a pooler.
    """
    try:
        async with connection.transaction():  # the same process for all that this takes
            pid = await connection.fetchval("select pg_catalog.pg_backend_pid()")
    except _TAKEN:
        pid = None  # another client of the pooler prepared a statement of this name there
    if pid != connection.get_server_pid():
        raise MigrationError(
            "This URL leads through a connection pooler, where a migration lock cannot be held.",
            hint="Give the direct URL of PostgreSQL (`--url`); many services call it the direct or "
            "non-pooling one.",
        )
