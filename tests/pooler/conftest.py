"""Databases behind PgBouncer in transaction mode, with fewer server connections than clients."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.presets import deepsearch
from fixtures.pgbouncer import PgBouncer
from fixtures.servers import Databases, PgServer


@dataclass
class Place:
    """One database: its address through PgBouncer, and a connection beside it."""

    schema: deepsearch.Schema
    url: str
    witness: asyncpg.Connection

    def database(self, **options: Any) -> Database:
        return Database(self.schema, self.url, **{"pooler": "pgbouncer", **options})


@pytest.fixture(scope="session")
def schema() -> deepsearch.Schema:
    return deepsearch.schema(prefix="x_")


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(
    request: pytest.FixtureRequest,
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
    schema: deepsearch.Schema,
) -> str:
    """A new database on 18, with the tables in it where the test asks for `place` as well."""
    new = fresh_database(pg18)
    return await new.holding(schema) if "place" in request.fixturenames else await new()


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    pgbouncer: PgBouncer, database_url: str, schema: deepsearch.Schema
) -> AsyncIterator[Place]:
    witness = await asyncpg.connect(database_url)
    yield Place(schema, pgbouncer.url(urlsplit(database_url).path.lstrip("/")), witness)
    await witness.close()


@pytest_asyncio.fixture(loop_scope="session")
async def db(place: Place) -> AsyncIterator[Database]:
    async with place.database() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(place: Place) -> AsyncIterator[Database]:
    """One connection only: what is not given back is missed by the next call."""
    async with place.database(max_connections=1, acquire_timeout=timedelta(seconds=8)) as opened:
        yield opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "pooler" in item.path.parts:
            item.add_marker(pytest.mark.needs("pgbouncer"))
