"""The schema's tables in an empty database, in one transaction."""

from typing import Any

from sqlalchemy.schema import CreateIndex, CreateTable

from chatkeep.engine.compile import DIALECT
from chatkeep.kit.connection import connect
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
        for sql in creation_statements(schema):
            await connection.execute(sql)


def creation_statements(schema: Schema[Any, Any, Any, Any]) -> list[str]:
    """Give the statements that make an empty database hold the schema, in order."""
    statements: list[str] = []
    for table in schema.metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=DIALECT)))
        statements += [
            str(CreateIndex(index).compile(dialect=DIALECT))
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    return [*statements, *(extra.create for extra in schema.extras)]
