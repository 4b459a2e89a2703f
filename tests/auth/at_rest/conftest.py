"""Databases of both presets, with keys for tokens at rest."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import AuthOptions, Database, NewAccount, NewUser
from chatkeep.presets import deepsearch, maps
from fixtures.servers import Databases, PgServer

OLD, NEW = bytes(range(32)), bytes(range(200, 232))
BOTH = {"new": NEW, "old": OLD}
MARK = "s3cr3t"
BETTER_AUTH_SECRET = "a-secret-of-better-auth-in-tests"

DEEPSEARCH = deepsearch.schema(prefix="x_")
MAPS = maps.schema()

Open = Callable[..., AbstractAsyncContextManager[Database[Any, Any, Any, Any]]]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHATKEEP_TOKEN_KEYS", "BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS", "AUTH_SECRET"):
        monkeypatch.delenv(name, raising=False)


on_each_server = pytest.mark.parametrize(
    "url", ["18", pytest.param("15", marks=pytest.mark.needs("pg15"))], indirect=True
)
"""For the tests whose statements are the ones that matter; the others run on 18 alone."""


@pytest_asyncio.fixture(loop_scope="session")
async def url(
    request: pytest.FixtureRequest, fresh_database: Callable[[PgServer], Databases]
) -> str:
    """Tables of DeepSearch."""
    server: PgServer = request.getfixturevalue(f"pg{getattr(request, 'param', '18')}")
    return await fresh_database(server).holding(DEEPSEARCH)


@pytest_asyncio.fixture(loop_scope="session")
async def maps_url(pg18: PgServer, fresh_database: Callable[[PgServer], Databases]) -> str:
    """Tables of maps."""
    return await fresh_database(pg18).holding(MAPS)


@asynccontextmanager
async def opened(
    url: str, keys: dict[str, bytes] | None = None, schema: Any = DEEPSEARCH, **more: Any
) -> AsyncIterator[Database[Any, Any, Any, Any]]:
    """The database with these keys."""
    options = AuthOptions(token_keys=keys or {}, **more)
    async with Database(schema, url, auth=options) as db:
        yield db


@pytest_asyncio.fixture(loop_scope="session")
async def bare(url: str) -> AsyncIterator[asyncpg.Connection]:
    """The driver, to see what is stored."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


Stored = Callable[..., Awaitable[tuple[str | None, ...]]]


@pytest.fixture
def stored(bare: asyncpg.Connection) -> Stored:
    """The three tokens of an account as they stand there."""

    async def read(account: str = "1") -> tuple[str | None, ...]:
        row = await bare.fetchrow(
            "select access_token, refresh_token, id_token from x_account "
            "where provider = 'google' and provider_account_id = $1",
            account,
        )
        assert row is not None
        return tuple(row)

    return read


def account_of(user_id: str, account: str = "1", **tokens: Any) -> NewAccount:
    given = {"access_token": f"{MARK}-a", "refresh_token": f"{MARK}-r", **tokens}
    return NewAccount(
        user_id=user_id, type="oauth", provider="google", provider_account_id=account, **given
    )


async def a_user(db: Any, email: str = "ada@example.com") -> str:
    user = await db.users.create(NewUser(email=email))
    return str(user.id)
