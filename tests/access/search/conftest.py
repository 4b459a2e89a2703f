"""Searching: one database for each way and worker; each test has users of its own."""

from collections.abc import AsyncIterator
from itertools import count

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

_numbers = count()


@pytest.fixture(
    scope="session",
    params=["18", pytest.param("15", marks=pytest.mark.needs("pg15")), "18 rls"],
)
def way(request: pytest.FixtureRequest) -> str:
    """The server, and whether PostgreSQL keeps users apart itself: then no index is used."""
    return request.param


@pytest.fixture(scope="session")
def schema(way: str) -> deepsearch.Schema:
    if not way.endswith("rls"):
        return deepsearch.schema(prefix="x_")
    # A role is the server's: one that a superuser made, nobody else's tests may become.
    return deepsearch.schema(prefix="x_", security="rls", app_role="search_app")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def url(
    request: pytest.FixtureRequest, way: str, schema: deepsearch.Schema
) -> AsyncIterator[str]:
    server: PgServer = request.getfixturevalue(f"pg{way[:2]}")
    admin = await asyncpg.connect(server.admin_url)
    name = f"search_{next(_numbers)}"
    await admin.execute(f"CREATE DATABASE {name}")
    url = server.url(name)
    await create_tables(schema, url)
    yield url
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await asyncpg.connect(url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def db(url: str, schema: deepsearch.Schema) -> AsyncIterator[Database]:
    async with Database(schema, url) as opened:
        yield opened
