"""The schema's tables in an empty database, in one transaction."""

from typing import Any

from chatkeep.kit.connection import connect
from chatkeep.schema.ddl import create_statements
from chatkeep.schema.schema import Schema

# Two processes may find the same database empty: the second one waits, and finds it prepared.
_LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
_IS_THERE = "select to_regclass(quote_ident($1)) is not null"


async def create_tables(schema: Schema[Any, Any, Any, Any], url: str) -> None:
    """Create tables, indexes, functions and triggers, all or nothing.

    Does nothing when another process was quicker.

    Raises:
        ConnectionFailedError: The server cannot be reached.
        StatementError: PostgreSQL refused a statement.
    """
    tables = schema.metadata.sorted_tables
    async with connect(url, name="chatkeep create") as connection, connection.transaction():
        await connection.execute(_LOCK, f"chatkeep create {schema.prefix}")
        if await connection.fetchval(_IS_THERE, tables[0].name):
            return
        for sql in create_statements(schema.metadata, schema.extras):
            await connection.execute(sql)
