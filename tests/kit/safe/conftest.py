"""Connections that end with their test."""

from contextlib import asynccontextmanager

import asyncpg
import pytest


@pytest.fixture
def connected():
    """`async with connected(url) as connection`."""

    @asynccontextmanager
    async def connect(url: str):
        connection = await asyncpg.connect(url)
        try:
            yield connection
        finally:
            await connection.close()

    return connect
