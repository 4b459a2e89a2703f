"""Servers that count statements, and a database with tens of thousands of rows on each."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio

from chatkeep.database.creation import create_tables
from fixtures.servers import Databases, PgServer, start_server, stop_server
from insight.rows import FILL, SCHEMA

BOTH = ["pg18", pytest.param("pg15", marks=pytest.mark.needs("pg15"))]


@pytest.fixture(params=BOTH)
def server(request: pytest.FixtureRequest) -> PgServer:
    """PostgreSQL 18, and 15 where it is installed."""
    found: PgServer = request.getfixturevalue(request.param)
    return found


_filled: dict[str, str] = {}


@pytest_asyncio.fixture(loop_scope="session")
async def big(server: PgServer) -> AsyncIterator[asyncpg.Connection]:
    """A database with many rows, filled once for each server; every test only reads."""
    if server.version not in _filled:
        url = await Databases(server)()
        await create_tables(SCHEMA, url)
        connection = await asyncpg.connect(url)
        await connection.execute(FILL)
        await connection.execute("vacuum analyze")
        await connection.close()
        _filled[server.version] = url
    connection = await asyncpg.connect(_filled[server.version])
    yield connection
    await connection.close()


def _counting(server: PgServer) -> Iterator[PgServer]:
    own = start_server(server.bin, shared_preload_libraries="pg_stat_statements")
    yield own
    stop_server(own)


@pytest.fixture(scope="session")
def counting18(pg18: PgServer) -> Iterator[PgServer]:
    """A server of its own that loads `pg_stat_statements`."""
    yield from _counting(pg18)


@pytest.fixture(scope="session")
def counting15(pg15: PgServer) -> Iterator[PgServer]:
    """The same of Debian's PostgreSQL 15."""
    yield from _counting(pg15)


@pytest.fixture(params=["counting18", pytest.param("counting15", marks=pytest.mark.needs("pg15"))])
def counting(request: pytest.FixtureRequest) -> PgServer:
    """Each server that counts statements."""
    found: PgServer = request.getfixturevalue(request.param)
    return found
