"""Databases in the states that an application may meet."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch


@pytest.fixture(scope="session")
def schema() -> deepsearch.Schema:
    return deepsearch.schema(prefix="x_")


@pytest_asyncio.fixture(loop_scope="session")
async def db(database_url: str, schema: deepsearch.Schema) -> AsyncIterator[Database]:
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as opened:
        yield opened
