"""Databases behind PgBouncer in transaction mode, with fewer server connections than clients."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.pgbouncer import PgBouncer


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
async def place(
    pgbouncer: PgBouncer, database_url: str, schema: deepsearch.Schema
) -> AsyncIterator[Place]:
    await create_tables(schema, database_url)
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
