"""A database of each preset, with two users; whole cycles run on 15 and behind PgBouncer too."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import AuthOptions, Database, NewUser
from chatkeep.inputs import maps as maps_inputs
from chatkeep.presets import deepsearch, maps
from fixtures.servers import Databases, PgServer

SCHEMAS: dict[str, Any] = {
    "deepsearch": deepsearch.schema(prefix="ai-app-template_"),
    "maps": maps.schema(),
    "deepsearch_rls": deepsearch.schema(security="rls"),
}


@dataclass
class Place:
    """An open database, two users in it, and a connection that looks at its rows."""

    preset: str
    url: str
    db: Database[Any, Any, Any, Any]
    raw: asyncpg.Connection
    user: str = "user_1"
    stranger: str = "user_2"

    @property
    def table(self) -> str:
        return f'"{SCHEMAS[self.preset].sessions.name}"'

    @property
    def token(self) -> str:
        return "token" if self.preset == "maps" else "session_token"

    @property
    def ends(self) -> str:
        return "expires_at" if self.preset == "maps" else "expires"

    def opened(self, **options: Any) -> Database[Any, Any, Any, Any]:
        """The same database under other options."""
        return Database(SCHEMAS[self.preset], self.url, auth=AuthOptions(**options))

    async def node_session(
        self, token: str, user: str = "user_1", left: timedelta = timedelta(days=1)
    ) -> None:
        """A session as Auth.js or Better Auth stores it: with its token as it is."""
        id_ = {"id": f"id-{token}"} if self.preset == "maps" else {}
        values = {**id_, self.token: token, "user_id": user}
        names = ", ".join(values)
        places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
        await self.raw.execute(
            f"insert into {self.table} ({names}, {self.ends}) "
            f"values ({places}, now() + ${len(values) + 1}::interval)",
            *values.values(),
            left,
        )

    async def age(self, by: timedelta) -> None:
        """Let time pass for every session."""
        await self.raw.execute(
            f"update {self.table} set {self.ends} = {self.ends} - $1::interval, "
            "created_at = created_at - $1::interval, updated_at = updated_at - $1::interval",
            by,
        )

    async def rows(self) -> list[asyncpg.Record]:
        return await self.raw.fetch(f"select * from {self.table} order by created_at")


@asynccontextmanager
async def opened_place(preset: str, url: str, through: str = "") -> AsyncIterator[Place]:
    schema = SCHEMAS[preset]
    pooler: Any = "pgbouncer" if through else "none"
    raw = await asyncpg.connect(url)
    try:
        async with Database(schema, through or url, pooler=pooler) as db:
            place = Place(preset, url, db, raw)
            new = maps_inputs.NewUser if preset == "maps" else NewUser
            for number in (1, 2):
                email = f"user{number}@example.com"
                await db.users.create(new(id=f"user_{number}", email=email))
            yield place
    finally:
        await raw.close()


@pytest_asyncio.fixture(loop_scope="session", params=["deepsearch", "maps"])
async def place(
    request: pytest.FixtureRequest, pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[Place]:
    url = await fresh_database(pg18).holding(SCHEMAS[request.param])
    async with opened_place(request.param, url) as opened:
        yield opened


WAYS = [
    pytest.param(("18", "deepsearch_rls"), id="18 deepsearch_rls"),
    pytest.param(("15", "deepsearch"), id="15 deepsearch", marks=pytest.mark.needs("pg15")),
    pytest.param(("15", "maps"), id="15 maps", marks=pytest.mark.needs("pg15")),
    pytest.param(
        ("18 pgbouncer", "maps"), id="18 pgbouncer maps", marks=pytest.mark.needs("pgbouncer")
    ),
    pytest.param(
        ("18 pgbouncer", "deepsearch"),
        id="18 pgbouncer deepsearch",
        marks=pytest.mark.needs("pgbouncer"),
    ),
]


@pytest_asyncio.fixture(loop_scope="session", params=WAYS)
async def anywhere(
    request: pytest.FixtureRequest, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[Place]:
    """Other ways to a database than `place` goes."""
    way, preset = request.param
    server: PgServer = request.getfixturevalue(f"pg{way[:2]}")
    url, through = await fresh_database(server).holding(SCHEMAS[preset]), ""
    if way.endswith("pgbouncer"):
        bouncer = request.getfixturevalue("pgbouncer")
        through = bouncer.url(urlsplit(url).path.lstrip("/"))
    async with opened_place(preset, url, through) as opened:
        yield opened
