"""What makes a figure quick that was not had in time."""

import asyncpg
from sqlalchemy import Table

from chatkeep.schema.naming import quote_name

_IS_LED = """
select exists (
    select from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = to_regclass($1) and a.attname = $2::text::name and i.indisvalid
      and i.indpred is null
)
"""


def name_of(table: Table) -> str:
    """Give a table's name as PostgreSQL reads it, with its schema where that is told."""
    names = [table.name] if table.schema is None else [table.schema, table.name]
    return ".".join(quote_name(name) for name in names)


async def index_for(
    connection: asyncpg.Connection, table: Table, column: str = "created_at"
) -> str | None:
    """Give the statement that makes a period of a table quick to read; None where there is an index.

    The index is a BRIN one: rows come in the order of their time, so it needs a few pages alone and
    costs an insert nothing.
    """
    name = name_of(table)
    if await connection.fetchval(_IS_LED, name, column):
        return None
    return f"CREATE INDEX CONCURRENTLY ON {name} USING brin ({quote_name(column)});"
