"""An open database with the hardened DeepSearch tables: on each PostgreSQL, and behind PgBouncer.

In CI a sample runs on 15 and behind PgBouncer: see tests/fixtures/ways.py.
"""

from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from chatkeep import Chat, Database, NewMessage, NewUser, User
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch
from fixtures.pgbouncer import PgBouncer
from fixtures.servers import Databases, PgServer
from fixtures.ways import CANDIDATES, OTHERS, WRITE, Sent, choose


@pytest.fixture(scope="session")
def schema() -> deepsearch.Schema:
    return deepsearch.schema(prefix="ai-app-template_")


SENT = Sent()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    choose(config, items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if WRITE and not session.testsfailed:
        SENT.write(session.config.stash[CANDIDATES])


@pytest.fixture(params=["18", *OTHERS])
def way(request: pytest.FixtureRequest) -> str:
    """How the tests of this folder come to a database."""
    return request.param


@pytest_asyncio.fixture(loop_scope="session")
async def db(
    request: pytest.FixtureRequest,
    way: str,
    fresh_database: Callable[[PgServer], Databases],
    schema: deepsearch.Schema,
) -> AsyncIterator[Database]:
    server: PgServer = request.getfixturevalue(f"pg{way[:2]}")
    url = await fresh_database(server).holding(schema)
    if way.endswith("pgbouncer"):
        bouncer: PgBouncer = request.getfixturevalue("pgbouncer")
        through = bouncer.url(urlsplit(url).path.lstrip("/"))
        opened = Database(schema, through, pooler="pgbouncer")
    else:
        opened = Database(schema, url)
    async with opened:
        with SENT.watched(opened, request.node):
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
