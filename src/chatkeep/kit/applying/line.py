"""The connection that migrates: direct, alone under the migration lock, and watched."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from chatkeep.kit.applying.events import Tell
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.applying.lock import migration_lock
from chatkeep.kit.applying.pooler import refuse_pooler
from chatkeep.kit.applying.waiting import Watch
from chatkeep.kit.connection import connect


@dataclass(frozen=True, slots=True)
class Line:
    """A connection that migrates.

    Attributes:
        connection: Direct, holds the migration lock.
        watch: Runs statements on it, and sees who holds them up.
        tell: Hears what happens.
    """

    connection: asyncpg.Connection
    watch: Watch
    tell: Tell


class Patience(Protocol):
    """How long a run waits; the options of `migrate` and of `rollback` say it."""

    @property
    def lock_wait(self) -> float:
        """Seconds to wait for another migrating process."""
        ...

    @property
    def limits(self) -> Limits:
        """Time-outs of the statements."""
        ...


@asynccontextmanager
async def open_line(
    url: str, name: str, project: str | None, patience: Patience, tell: Tell
) -> AsyncGenerator[Line]:
    """Hold the migration lock of a database for the length of the block.

    Args:
        url: The database.
        name: What the server's lists of connections, and those who wait, call this one.
        project: Whose migrations, see `project_of`.
        patience: How long it waits.
        tell: Hears what happens.

    Raises:
        MigrationError: The URL leads through a pooler.
        MigrationLockError: Another process held the lock for all of the wait.
        ConnectionFailedError: No connection to the database.
    """
    async with connect(url, name=name) as connection:
        await refuse_pooler(connection)
        async with migration_lock(connection, wait=patience.lock_wait, project=project):
            watch = Watch(url, connection, patience.limits, tell)
            try:
                yield Line(connection, watch, tell)
            finally:
                await watch.close()
