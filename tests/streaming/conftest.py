"""An open database, and who looks at it from beside."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database, NewUser
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

FULL = os.environ.get("CHATKEEP_FULL") == "1"
SCHEMA = deepsearch.schema(prefix="x_")


@dataclass
class Place:
    """One database: its address, and a connection beside it."""

    url: str
    witness: asyncpg.Connection

    def database(self, **options: object) -> Database:
        return Database(SCHEMA, self.url, **options)

    async def rows(self, table: str) -> int:
        return await self.witness.fetchval(f'select count(*) from "x_{table}"')

    async def connections(self, state: str = "%") -> int:
        """Those of ours, the witness aside."""
        return await self.witness.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and application_name = 'chatkeep' and state like $1",
            state,
        )


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
async def place(database_url: str) -> AsyncIterator[Place]:
    witness = await asyncpg.connect(database_url)
    yield Place(database_url, witness)
    await witness.close()


@pytest_asyncio.fixture(loop_scope="session")
async def db(place: Place) -> AsyncIterator[Database]:
    async with place.database() as opened:
        await opened.users.create(NewUser(id="ada", email="ada@example.org"))
        yield opened


@pytest.fixture
def mine(db: Database) -> UserScope:
    return db.as_user("ada")
