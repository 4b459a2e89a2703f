"""One migrating process at a time for a project in a database.

A lock is tried again and again: waiting inside `pg_advisory_lock` would hold a snapshot, and
deadlock with another's CREATE INDEX CONCURRENTLY. It ends with the connection, however that ends.

Projects that share a database do not wait for each other: each holds the database's lock shared
and a lock of its own. A folder that has no name of its own holds the database's lock alone.
"""

import asyncio
import time
import zlib
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from chatkeep.errors import MigrationLockError

WAIT = 60.0  # seconds, where nobody says another
INTERVAL = 0.2  # seconds between two tries

_CLASS, _KEY = 1_667_786_091, 1_835_626_099  # "chak", "migs": any two numbers, the same for ever
_PROJECTS = 1_667_786_092
_HOLDER = """
select a.pid, a.application_name, extract(epoch from now() - a.backend_start)::float8
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 2
  and l.database = (select d.oid from pg_catalog.pg_database d
                    where d.datname = pg_catalog.current_database())
  and l.classid = $1::int8::oid and l.objid = $2::int8::oid
  and (l.mode = 'ExclusiveLock' or not $3::bool) and l.pid <> pg_catalog.pg_backend_pid()
order by a.backend_start limit 1
"""
_HELD = """
select 1 from pg_catalog.pg_locks l
where l.locktype = 'advisory' and l.granted and l.objsubid = 2
  and l.pid = pg_catalog.pg_backend_pid()
  and l.database = (select d.oid from pg_catalog.pg_database d
                    where d.datname = pg_catalog.current_database())
  and (l.classid::int8, l.objid::int8, l.mode) in
"""


@dataclass(frozen=True, slots=True)
class Key:
    """An advisory lock.

    Attributes:
        shared: Whether others may hold it shared at the same time.
    """

    class_id: int
    object_id: int
    shared: bool = False

    def call(self, function: str) -> str:
        """Give the statement that calls one of PostgreSQL's functions with this key."""
        name = f"{function}_shared" if self.shared else function
        return f"select pg_catalog.{name}({self.class_id}, {self.object_id})"

    @property
    def mode(self) -> str:
        """What pg_locks calls the way in which it is held."""
        return "ShareLock" if self.shared else "ExclusiveLock"


BOOKS = Key(_CLASS, _KEY + 1)
"""Held while the tables of the bookkeeping are made."""


def keys(project: str | None) -> tuple[Key, ...]:
    """Give what a migrating process of this project holds."""
    if project is None:
        return (Key(_CLASS, _KEY),)
    number = zlib.crc32(project.encode()) - 2**31  # int4, as the function takes
    return Key(_CLASS, _KEY, shared=True), Key(_PROJECTS, number)


@asynccontextmanager
async def migration_lock(
    connection: asyncpg.Connection, *, wait: float, project: str | None = None
) -> AsyncGenerator[None]:
    """Hold the migration lock for the length of the block.

    Args:
        connection: Keeps the lock; must not be in a transaction.
        wait: Seconds to go on trying.
        project: Whose migrations; None locks out every project of the database.

    Raises:
        MigrationLockError: Another process still holds it; the message names it.
    """
    async with AsyncExitStack() as stack:
        deadline = time.monotonic() + wait
        for key in keys(project):
            left = max(0.0, deadline - time.monotonic())
            await stack.enter_async_context(held(connection, key, wait=left, said=wait))
        yield


async def refuse_lost(connection: asyncpg.Connection, project: str | None, name: str) -> None:
    """Refuse to note a migration when its statements have given up the migration lock.

    Args:
        connection: Held it, see `migration_lock`; inside a transaction or not.
        project: Whose lock it is.
        name: What the error calls the migration.

    Raises:
        MigrationLockError: Another process may be at work on the same migration.
    """
    wanted = keys(project)
    # Without parameters: a file may have dropped the session's prepared statements.
    rows = (f"({key.class_id}, {key.object_id % 2**32}, '{key.mode}')" for key in wanted)
    said = await connection.execute(f"{_HELD}({', '.join(rows)})")
    if said != f"SELECT {len(wanted)}":
        raise MigrationLockError(
            f"{name} gave up the migration lock under which it ran, so it is not noted.",
            hint="Take out what unlocks (`pg_advisory_unlock_all()`), then run the command again.",
        )


@asynccontextmanager
async def held(
    connection: asyncpg.Connection, key: Key, *, wait: float, said: float | None = None
) -> AsyncGenerator[None]:
    """Hold one advisory lock for the length of the block.

    Args:
        connection: Keeps the lock; must not be in a transaction.
        key: Which one.
        wait: Seconds to go on trying.
        said: What the error calls the wait, where that was longer.

    Raises:
        MigrationLockError: Another process still holds it; the message names it.
    """
    deadline = time.monotonic() + wait
    while not await connection.fetchval(key.call("pg_try_advisory_lock")):
        left = deadline - time.monotonic()
        if left <= 0:
            raise await _refusal(connection, key, wait if said is None else said)
        await asyncio.sleep(min(INTERVAL, left))
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(key.call("pg_advisory_unlock"))


async def _refusal(connection: asyncpg.Connection, key: Key, wait: float) -> MigrationLockError:
    classid, objid = key.class_id, key.object_id % 2**32  # pg_locks shows them as oids
    holder = await connection.fetchrow(_HOLDER, classid, objid, key.shared)
    who = "another process"
    if holder is not None:
        pid, application, seconds = holder
        who = f"process {pid} ({application or 'unnamed'}, connected for {seconds:.0f} s)"
    return MigrationLockError(
        f"This database is being migrated by {who}; waited {wait:g} s.",
        hint="Try again when it is done.",
    )
