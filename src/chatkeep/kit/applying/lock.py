"""One migrating process at a time for a database.

The lock is tried again and again: waiting inside `pg_advisory_lock` would hold a snapshot, and
deadlock with another's CREATE INDEX CONCURRENTLY. It ends with the connection, however that ends.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg

from chatkeep.errors import MigrationLockError

INTERVAL = 0.2  # seconds between two tries

_CLASS, _KEY = 1_667_786_091, 1_835_626_099  # "chak", "migs": any two numbers, the same for ever
_TRY = "select pg_catalog.pg_try_advisory_lock($1, $2)"
_UNLOCK = "select pg_catalog.pg_advisory_unlock($1, $2)"
_HOLDER = """
select a.pid, a.application_name, extract(epoch from now() - a.backend_start)::float8
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 2
  and l.database = (select d.oid from pg_catalog.pg_database d
                    where d.datname = pg_catalog.current_database())
  and l.classid = $1::int8::oid and l.objid = $2::int8::oid
"""


@asynccontextmanager
async def migration_lock(connection: asyncpg.Connection, *, wait: float) -> AsyncGenerator[None]:
    """Hold the database's migration lock for the length of the block.

    Args:
        connection: Keeps the lock; must not be in a transaction.
        wait: Seconds to go on trying.

    Raises:
        MigrationLockError: Another process still holds it; the message names it.
    """
    deadline = time.monotonic() + wait
    while not await connection.fetchval(_TRY, _CLASS, _KEY):
        left = deadline - time.monotonic()
        if left <= 0:
            raise await _refusal(connection, wait)
        await asyncio.sleep(min(INTERVAL, left))
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(_UNLOCK, _CLASS, _KEY)


async def _refusal(connection: asyncpg.Connection, wait: float) -> MigrationLockError:
    holder = await connection.fetchrow(_HOLDER, _CLASS, _KEY)
    who = "another process"
    if holder is not None:
        pid, application, seconds = holder
        who = f"process {pid} ({application or 'unnamed'}, connected for {seconds:.0f} s)"
    return MigrationLockError(
        f"This database is being migrated by {who}; waited {wait:g} s.",
        hint="Try again when it is done.",
    )
