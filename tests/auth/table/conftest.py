"""Databases that hold what the real libraries wrote, asked by applications of many settings."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg
import pytest_asyncio

from auth.golden import SECRET, Case, Golden, store
from chatkeep import AuthOptions, Database
from fixtures.seeds import hardened_schema
from fixtures.servers import Databases, PgServer

AnyDatabase: TypeAlias = Database[Any, Any, Any, Any]

PRESETS = ("deepsearch", "maps")
OWN = tuple(
    Case(f"chatkeep {preset}{special}", "chatkeep", "own", {"preset": preset, **given})
    for preset in PRESETS
    for special, given in (("", {}), (" of another", {}), (" host", {"secure": True}))
)


@dataclass
class World:
    """The databases of both presets, and applications that look at them.

    Attributes:
        golden: Every cookie that is stored here, our own sessions' too, by the case's name.
    """

    golden: dict[str, Golden]
    urls: dict[str, str]
    _stack: AsyncExitStack
    _opened: dict[object, AnyDatabase] = field(default_factory=dict)

    async def db(self, preset: str, options: AuthOptions) -> AnyDatabase:
        """A database with these options; opened once."""
        key = (preset, repr(options), options.auth_secrets, options.better_auth_secrets)
        if key not in self._opened:
            opened = Database(hardened_schema(preset), self.urls[preset], auth=options)
            self._opened[key] = await self._stack.enter_async_context(opened)
        return self._opened[key]

    async def of(self, golden: Golden, *secrets: str, **options: Any) -> AnyDatabase:
        """The application that a cookie is for."""
        return await self.db(golden.case.preset, golden.options(*secrets, **options))

    @asynccontextmanager
    async def restored(self, golden: Golden) -> AsyncIterator[None]:
        """Bring a user and their sessions back at the end, as they were."""
        schema = hardened_schema(golden.case.preset)
        tables = [(schema.users.name, "id"), (schema.sessions.name, "user_id")]
        connection = await asyncpg.connect(self.urls[golden.case.preset])
        try:
            rows = {
                name: await connection.fetchval(
                    f'select json_agg(t) from "{name}" t where {key} = $1', golden.user_id
                )
                for name, key in tables
            }
            yield
            await connection.execute(
                f'delete from "{schema.users.name}" where id = $1', golden.user_id
            )
            for name, _ in tables:
                await connection.execute(
                    f'insert into "{name}" select * from json_populate_recordset(null::"{name}", $1)',
                    rows[name] or "[]",
                )
        finally:
            await connection.close()

    @asynccontextmanager
    async def alone(self, golden: Golden) -> AsyncIterator[AnyDatabase]:
        """The application that a cookie is for, where the cookie has to stand by itself.

        Where a cache is changed, the session's row and not the cache might have let somebody in:
        so there is no row, and the cache is believed.
        """
        async with self.restored(golden):
            db = await self.of(golden, trust_cookie_cache=golden.case.is_cache)
            if golden.case.is_cache:
                assert golden.token is not None
                await db.sessions.delete(golden.token)
            found = await db.auth.session_from_cookies(golden.cookies)
            assert found is not None
            assert found.user_id == golden.user_id
            yield db


def protected(golden: Golden) -> list[str]:
    """Names of the cookies that say who is calling: of a cache without the session's own."""
    names = list(golden.cookies)
    return [name for name in names if "session_data" in name] if golden.case.is_cache else names


async def make_world(
    server: PgServer, libraries: dict[str, Golden], stack: AsyncExitStack
) -> World:
    """Both databases, with all rows of the libraries and a few sessions of our own."""
    databases = Databases(server)
    stack.push_async_callback(databases.drop)
    urls = {preset: await databases.holding(hardened_schema(preset)) for preset in PRESETS}
    world = World(dict(libraries), urls, stack)
    for preset in PRESETS:
        options = AuthOptions(auth_secrets=(SECRET,), better_auth_secrets=(SECRET,))
        db = await world.db(preset, options)
        mine = [golden for golden in libraries.values() if golden.case.preset == preset]
        await store(db, *mine)
        people = iter(mine)
        for case in OWN:
            if case.preset == preset:
                secure = case.given.get("secure", False)
                own = await world.db(preset, AuthOptions(secure_cookies=secure))
                world.golden[case.name] = await _own(own, case, next(people))
    return world


async def _own(db: AnyDatabase, case: Case, person: Golden) -> Golden:
    """A session of our own of a user that is there."""
    issued = await db.auth.sessions.create(person.user_id)
    cookie = db.auth.sessions.cookie(issued.token, issued.session)
    row = {"token": issued.token, "expires": issued.session.expires_at.isoformat()}
    return Golden(case, {cookie.name: cookie.value}, person.user, row, SECRET)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(pg18: PgServer, golden_cookies: dict[str, Golden]) -> AsyncIterator[World]:
    """For all tests: what one changes is brought back by `restored`."""
    async with AsyncExitStack() as stack:
        yield await make_world(pg18, golden_cookies, stack)
