"""A database behind a proxy that breaks things, and one that does not go through it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.presets import deepsearch
from fixtures.proxy import FaultProxy, eventually, proxied
from fixtures.servers import Databases, PgServer

SCHEMA = deepsearch.schema(prefix="x_")
FULL = os.environ.get("CHATKEEP_FULL") == "1"

BOUNDS = {
    "max_connections": 5,
    "statement_timeout": timedelta(seconds=0.6),
    "acquire_timeout": timedelta(seconds=1.5),
    "connect_timeout": timedelta(seconds=0.6),
}
CALL_SECONDS = 2 * (1.5 + 0.6 + 0.6)  # a read is sent once more
TRANSACTION_SECONDS = CALL_SECONDS + 4 * 0.6 + 5.0  # BEGIN, two statements, COMMIT; ROLLBACK
SLACK = 3.0  # for a machine with other work

OPEN_ONES = """
    select count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
    and (state like 'idle in transaction%' or state = 'active')
"""


@dataclass
class Place:
    """Where a test plays: through the proxy, and beside it."""

    schema: deepsearch.Schema
    proxy: FaultProxy
    url: str  # through the proxy
    direct_url: str
    witness: asyncpg.Connection

    def database(self, **changes: object) -> Database:
        return Database(self.schema, self.url, **{**BOUNDS, **changes})

    async def nothing_open(self) -> None:
        """Wait until the server has nothing under way and no transaction open."""

        async def is_quiet() -> bool:
            return await self.witness.fetchval(OPEN_ONES) == 0

        await eventually(is_quiet, 20)


@pytest.fixture
def seed() -> int:
    return 0


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(
    request: pytest.FixtureRequest,
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
) -> str:
    """A new database on 18, with the tables in it where the test asks for `place` as well."""
    new = fresh_database(pg18)
    return await new.holding(SCHEMA) if "place" in request.fixturenames else await new()


@pytest_asyncio.fixture(loop_scope="session")
async def place(pg18: PgServer, database_url: str, seed: int) -> AsyncIterator[Place]:
    witness = await asyncpg.connect(database_url)
    async with proxied(pg18.socket_dir, seed) as proxy:
        url = proxy.url(urlsplit(database_url).path.lstrip("/"))
        yield Place(SCHEMA, proxy, url, database_url, witness)
    await witness.close()


async def whole(db: Database, connections: int = 5) -> None:
    """Every place of the pool can be used at once, and each answers what it was asked."""
    async with asyncio.timeout(15):
        for _ in range(2):
            counts = await db.gather(*(db.users.count() for _ in range(4 * connections)))
            assert len(set(counts)) == 1
