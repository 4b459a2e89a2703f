"""An open database of the DeepSearch preset, on PostgreSQL 18."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from chatkeep import Chat, Database, NewUser
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer


@pytest.fixture(scope="session")
def schema() -> deepsearch.Schema:
    return deepsearch.schema(prefix="x_")


@pytest_asyncio.fixture(loop_scope="session")
async def url(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], schema: deepsearch.Schema
) -> str:
    return await fresh_database(pg18).holding(schema)


@pytest_asyncio.fixture(loop_scope="session")
async def db(url: str, schema: deepsearch.Schema) -> AsyncIterator[Database]:
    async with Database(schema, url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def mine(db: Database) -> UserScope:
    user = await db.users.create(NewUser(email="user@example.com"))
    return db.as_user(user.id)


@pytest_asyncio.fixture(loop_scope="session")
async def chat(mine: UserScope) -> Chat:
    return await mine.chats.create(title="Observed")
