"""Which statements rewrite or read a whole table: tried on a scratch database, and taken back."""

from collections.abc import Sequence

import asyncpg

_FILES = """
SELECT c.oid::int8, pg_catalog.pg_relation_filenode(c.oid)::int8
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'i') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_SCANS = """
SELECT relid::int8, coalesce(seq_scan, 0) FROM pg_catalog.pg_stat_xact_user_tables
"""


async def measure(connection: asyncpg.Connection, statements: Sequence[str]) -> list[bool]:
    """Say of each statement whether it works through a table that was there before all of them.

    Empty tables are enough: PostgreSQL begins the same scans and rewrites, whatever the number of
    rows. Nothing stays.

    Args:
        connection: To a scratch database; not in a transaction.
        statements: One after the other.

    Raises:
        asyncpg.PostgresError: PostgreSQL refuses one of them.
    """
    heavy: list[bool] = []
    transaction = connection.transaction()
    await transaction.start()
    try:
        start = {oid for oid, _ in await connection.fetch(_FILES)}
        for sql in statements:
            files = await _files(connection, start)
            scans = await _scans(connection)
            await connection.execute(sql)
            now, scanned = await _files(connection, start), await _scans(connection)
            moved = any(now.get(oid, file) != file for oid, file in files.items())
            read = any(n > scans.get(oid, 0) for oid, n in scanned.items() if oid in start)
            heavy.append(moved or read)
    finally:
        await transaction.rollback()
    return heavy


async def _files(connection: asyncpg.Connection, start: set[int]) -> dict[int, int]:
    return {oid: file for oid, file in await connection.fetch(_FILES) if oid in start}


async def _scans(connection: asyncpg.Connection) -> dict[int, int]:
    return dict(await connection.fetch(_SCANS))
