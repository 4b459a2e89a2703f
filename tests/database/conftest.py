"""Databases in the states that an application may meet."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer


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
    """A new database on 18, with the tables in it where the test asks for `db` as well."""
    new = fresh_database(pg18)
    return await new.holding(schema) if "db" in request.fixturenames else await new()


@pytest_asyncio.fixture(loop_scope="session")
async def db(database_url: str, schema: deepsearch.Schema) -> AsyncIterator[Database]:
    async with Database(schema, database_url) as opened:
        yield opened
