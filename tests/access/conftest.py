"""An open database with the hardened DeepSearch tables, on each PostgreSQL to be had."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from chatkeep import Chat, Database, NewMessage, NewUser, User
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer


@pytest.fixture(scope="session")
def schema() -> deepsearch.Schema:
    return deepsearch.schema(prefix="ai-app-template_")


@pytest_asyncio.fixture(loop_scope="session")
async def db(
    pg: PgServer,
    fresh_database: Callable[[PgServer], Databases],
    schema: deepsearch.Schema,
) -> AsyncIterator[Database]:
    url = await fresh_database(pg)()
    await create_tables(schema, url)
    async with Database(schema, url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def user(db: Database) -> User:
    return await db.users.create(NewUser(email="user@example.com", name="Ada"))


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(db: Database) -> User:
    return await db.users.create(NewUser(email="stranger@example.com"))


@pytest.fixture
def mine(db: Database, user: User) -> UserScope:
    return db.as_user(user.id)


@pytest_asyncio.fixture(loop_scope="session")
async def chat(mine: UserScope) -> Chat:
    return await mine.chats.create(title="Postgres")


def said(text: str) -> NewMessage:
    return NewMessage(role="user", content=text)
