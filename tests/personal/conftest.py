"""Databases with two people in every table: one to be exported or erased, and a stranger."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from examples.extending.app_schema import AppSchema

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch, maps
from chatkeep.schema.schema import Schema
from fixtures.servers import Databases, PgServer
from security.worlds import World, make_world

EMAIL = "victim@example.com"
SCHEMA = AppSchema(prefix="x_")

_MORE = """
INSERT INTO x_itinerary (id, user_id, title)
SELECT 'trip ' || u.id, u.id, u.name || ' to Oslo' FROM x_user u;
INSERT INTO x_session (session_token, user_id, expires)
SELECT 'SECRET session ' || u.id, u.id, now() FROM x_user u;
UPDATE x_account SET access_token = 'SECRET a', refresh_token = 'SECRET r', id_token = 'SECRET i';
INSERT INTO x_verification_token (identifier, token, expires)
SELECT upper(u.email), 'SECRET verify ' || u.email, now() FROM x_user u;
INSERT INTO x_search_cache (query, results, expires_at)
SELECT 'who is it', jsonb_build_object('found', jsonb_build_array('mail ' || u.email)), now()
FROM x_user u;
INSERT INTO x_search_event (key_hash, provider, locale, outcome, tier, user_id)
SELECT '\\x00', 'serper', 'en', 'miss', 'fetch', u.id FROM x_user u;
"""


@dataclass(frozen=True)
class Town:
    """A database of its own, and who lives there."""

    url: str
    admin: asyncpg.Connection
    schema: Schema[Any, Any, Any, Any]
    victim: World
    stranger: World

    async def rows(self) -> dict[str, list[str]]:
        """Every row of every table, as text."""
        return await rows(self.admin)


async def rows(admin: asyncpg.Connection) -> dict[str, list[str]]:
    tables = await admin.fetch(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    return {
        name: [row[0] for row in await admin.fetch(f"SELECT t::text FROM {name} t ORDER BY 1")]
        for (name,) in tables
    }


@dataclass(frozen=True)
class Template:
    server: PgServer
    name: str
    victim: World
    stranger: World


@pytest.fixture(scope="session")
def templates() -> Callable[[PgServer], Awaitable[Template]]:
    """One database for each server, to be cloned: filling one takes longer than most tests.

    They go with the server.
    """
    made: dict[str, Template] = {}

    async def template(server: PgServer) -> Template:
        if server.version not in made:
            url = await Databases(server)()
            await create_tables(SCHEMA, url)
            admin = await asyncpg.connect(url)
            async with Database(SCHEMA, url) as db:
                victim = await make_world(db, admin, "victim")
                stranger = await make_world(db, admin, "stranger", "own")
            await admin.execute(_MORE)
            await admin.close()
            made[server.version] = Template(server, urlsplit(url).path[1:], victim, stranger)
        return made[server.version]

    return template


@pytest.fixture
async def town_on(
    templates: Callable[[PgServer], Awaitable[Template]],
    fresh_database: Callable[[PgServer], Databases],
) -> AsyncIterator[Callable[[PgServer], Awaitable[Town]]]:
    admins: list[asyncpg.Connection] = []

    async def make(server: PgServer) -> Town:
        made = await templates(server)
        url = await fresh_database(server)(template=made.name)
        admins.append(await asyncpg.connect(url))
        return Town(url, admins[-1], SCHEMA, made.victim, made.stranger)

    yield make
    for admin in admins:
        await admin.close()


@pytest.fixture
async def town(town_on: Callable[[PgServer], Awaitable[Town]], pg18: PgServer) -> Town:
    """The extended DeepSearch schema on 18."""
    return await town_on(pg18)


@pytest.fixture
async def each_town(town_on: Callable[[PgServer], Awaitable[Town]], pg: PgServer) -> Town:
    """The same on each PostgreSQL."""
    return await town_on(pg)


@pytest.fixture(params=["maps", "maps seed", "deepsearch seed"])
def other_schema(request: pytest.FixtureRequest) -> Schema[Any, Any, Any, Any]:
    """The presets and editions that `town` is not of."""
    return {
        "maps": maps.schema,
        "maps seed": lambda: maps.schema(edition="seed"),
        "deepsearch seed": lambda: deepsearch.schema(prefix="x_", edition="seed"),
    }[request.param]()
