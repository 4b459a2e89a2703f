"""Databases with and without row-level security, on each PostgreSQL and behind PgBouncer.

The login role owns the tables and is no superuser; PgBouncer logs in as the tests' superuser.

Every call of stranger_calls.py is tried on 18, with and without row-level security. On 15 and behind
PgBouncer CI tries the first call of each method under row-level security and that of every fourth
method without; CHATKEEP_FULL=1 tries all of them there too.
"""

import os
from collections.abc import AsyncIterator
from typing import Literal, cast
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.engine.pool import Pooler
from chatkeep.presets import deepsearch
from fixtures.pgbouncer import PgBouncer
from fixtures.servers import Databases, PgServer
from security.places import OWNER, Place, owned_database
from security.stranger_calls import CALLS, TAKEN
from security.worlds import make_world, nowhere

TAKES = "test_an_id_of_another_user_cannot_be_given_again"
WAYS = [
    "18",
    pytest.param("15", marks=pytest.mark.needs("pg15")),
    pytest.param("18 behind pgbouncer", marks=pytest.mark.needs("pgbouncer")),
]
Security = Literal["rls"] | None
FULL = bool(os.environ.get("CHATKEEP_FULL"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    out = {item for item in items if not FULL and in_full_only(item)}
    config.hook.pytest_deselected(items=list(out))
    items[:] = [item for item in items if item not in out]


def in_full_only(item: pytest.Item) -> bool:
    """Whether it tries a call of a stranger on 15 or behind PgBouncer that the sample leaves out."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    if item.path.name != "test_strangers.py" or params.get("way", "18") == "18":
        return False
    calls = TAKEN if getattr(item, "originalname", "") == TAKES else CALLS
    path = params["path"]
    if params["call"] is not calls[path][0]:
        return True
    return params["security"] is None and sorted(calls).index(path) % 4 != 0


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=[None, "rls"], ids=["plain", "rls"])
def security(request: pytest.FixtureRequest) -> Security:
    return request.param


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def place(
    request: pytest.FixtureRequest, way: str, security: Security
) -> AsyncIterator[Place]:
    server: PgServer = request.getfixturevalue(f"pg{way[:2]}")
    behind = way.endswith("pgbouncer")
    role = ("pooled_app" if behind else "x_app") if security else None
    schema = deepsearch.schema(prefix="x_", security=security, app_role=role)
    databases = Databases(server)
    owner_url = await owned_database(server, databases)
    admin_url = owner_url.replace(f"//{OWNER}@", "//postgres@")
    url = admin_url if behind else owner_url
    await create_tables(schema, url)
    login, pooler = url, cast("Pooler", "none")
    if behind:
        bouncer: PgBouncer = request.getfixturevalue("pgbouncer")
        url, pooler = bouncer.url(urlsplit(url).path.lstrip("/")), "pgbouncer"
    admin = await asyncpg.connect(admin_url)
    async with Database(schema, url, pooler=pooler) as db:
        victim = await make_world(db, admin, "victim")
        stranger = await make_world(db, admin, "stranger", "own")
        gone = await make_world(db, admin, "gone")
        await db.users.delete(gone.user)
        yield Place(db, admin, schema, login, victim, stranger, nowhere(gone.cursors))
    await admin.close()
    await databases.drop()
