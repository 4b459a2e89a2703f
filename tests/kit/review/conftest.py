"""A database that a test may take apart, set up anew for each."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit.folder import Migration
from chatkeep.kit.folder.journal import Entry
from fixtures.servers import Databases, PgServer

_RESET = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace
                WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
END $$;
CREATE SCHEMA public;
"""

Playground = Callable[[str], Awaitable[asyncpg.Connection]]


async def _playground(server: PgServer) -> AsyncIterator[Playground]:
    databases = Databases(server)
    connection = await asyncpg.connect(await databases())

    async def play(script: str) -> asyncpg.Connection:
        await connection.execute("RESET ALL")
        await connection.execute(_RESET)
        if script:  # asyncpg stumbles over an empty query
            await connection.execute(script)
        return connection

    yield play
    await connection.close()
    await databases.drop()


@pytest.fixture(scope="session")
async def playground18(pg18: PgServer) -> AsyncIterator[Playground]:
    """`connection = await playground18(script)`: one database on 18, emptied, then the script."""
    async for play in _playground(pg18):
        yield play


@pytest.fixture(scope="session")
async def playground15(pg15: PgServer) -> AsyncIterator[Playground]:
    """The same on 15."""
    async for play in _playground(pg15):
        yield play


@pytest.fixture(params=["18", pytest.param("15", marks=pytest.mark.needs("pg15"))])
def playground(request: pytest.FixtureRequest) -> Playground:
    """Both, one after the other."""
    play: Playground = request.getfixturevalue(f"playground{request.param}")
    return play


class Reused:
    """A scratch server that gives one database again and again, emptied: much quicker than new ones."""

    def __init__(self, server: PgServer, play: Playground) -> None:
        self._server, self._play = server, play

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        connection = await self._play("")
        yield self._server.url(await connection.fetchval("SELECT current_database()"))


@pytest.fixture(scope="session")
async def scratch18(pg18: PgServer) -> AsyncIterator[Reused]:
    """Scratch databases on 18."""
    async for play in _playground(pg18):
        yield Reused(pg18, play)


@pytest.fixture(scope="session")
async def scratch15(pg15: PgServer) -> AsyncIterator[Reused]:
    """The same on 15."""
    async for play in _playground(pg15):
        yield Reused(pg15, play)


@pytest.fixture
def migration_of(tmp_path: Path) -> Callable[..., Migration]:
    """A migration of this text, without a folder around it."""

    def make(sql: str, number: int = 0) -> Migration:
        tag = f"{number:04d}_step"
        digest = hashlib.sha256(sql.encode()).hexdigest()
        return Migration(Entry(number, number, tag), tmp_path / f"{tag}.sql", sql, digest)

    return make
