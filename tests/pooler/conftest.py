"""Databases behind PgBouncer in transaction mode, with fewer server connections than clients."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.database.creation import create_tables
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


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    pg18: PgServer, pgbouncer: PgBouncer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[Place]:
    direct = await fresh_database(pg18)()
    schema = deepsearch.schema(prefix="x_")
    await create_tables(schema, direct)
    witness = await asyncpg.connect(direct)
    yield Place(schema, pgbouncer.url(urlsplit(direct).path.lstrip("/")), witness)
    await witness.close()


@pytest_asyncio.fixture(loop_scope="session")
async def db(place: Place) -> AsyncIterator[Database]:
    async with place.database() as opened:
        yield opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "pooler" in item.path.parts:
            item.add_marker(pytest.mark.needs("pgbouncer"))
