"""Databases with a schema in them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import pytest
from sqlalchemy import MetaData

from chatkeep.schema.ddl import create_statements
from chatkeep.schema.schema import Extra
from fixtures.servers import PgServer

Open = Callable[..., Awaitable[asyncpg.Connection]]


@pytest.fixture
async def opened(fresh_database) -> AsyncIterator[Open]:
    """`await opened(server, metadata, extras)`: a connection to a new database that holds them."""
    connections: list[asyncpg.Connection] = []

    async def open_database(
        server: PgServer, metadata: MetaData, extras: Sequence[Extra] = ()
    ) -> asyncpg.Connection:
        url = await fresh_database(server).made_by(create_statements(metadata, extras))
        connection = await asyncpg.connect(url)
        connections.append(connection)
        return connection

    yield open_database
    for connection in connections:
        await connection.close()
