"""A studio over a database of the test's own, and a program that asks it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from fixtures.servers import Databases, PgServer


@dataclass
class Asker:
    """Asks for rows of tables, as the browser does."""

    client: httpx.AsyncClient
    connection: asyncpg.Connection
    url: str

    def place(self, table: str, what: str = "", schema: str = "public") -> str:
        path = f"/api/tables/{quote(schema, safe='')}/{quote(table, safe='')}"
        return f"{path}/{what}" if what else path

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        texts = {k: v if isinstance(v, str | int) else json.dumps(v) for k, v in params.items()}
        response = await self.client.get(path, params=texts)
        assert response.status_code == status, response.text[:500]
        return response.json() if status == 200 else response.json()["error"]

    async def post(self, path: str, body: Any, status: int = 200) -> Any:
        response = await self.client.post(path, json=body)
        assert response.status_code == status, response.text[:500]
        return response.json() if status == 200 else response.json()["error"]

    async def rows(self, table: str, status: int = 200, **params: Any) -> Any:
        return await self.get(self.place(table, "rows"), status, **params)

    async def first_cells(self, table: str, **params: Any) -> list[Any]:
        return [row["cells"][0] for row in (await self.rows(table, **params))["rows"]]


@pytest.fixture
async def asking(open_studio: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """`await asking(url, write=True)` opens a studio on a database and gives an Asker."""
    async with AsyncExitStack() as stack:

        async def ask(url: str, *, write: bool = False, schema: object = None) -> Asker:
            site = await open_studio(url, write=write, schema=schema)
            client = await site.client()
            stack.push_async_callback(client.aclose)
            connection = await asyncpg.connect(url)
            stack.push_async_callback(connection.close)
            return Asker(client, connection, url)

        yield ask


@pytest.fixture
async def made(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], asking: Callable[..., Any]
) -> Callable[..., Any]:
    """`await made("create table …", write=True)`: an Asker of a database where this ran."""

    async def make(sql: str, *, write: bool = False, server: PgServer = pg18) -> Asker:
        url = await fresh_database(server)()
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()
        return await asking(url, write=write)

    return make
