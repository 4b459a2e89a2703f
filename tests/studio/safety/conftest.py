"""A studio that many tests knock at; none of them changes what it shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from chatkeep.settings import Settings
from chatkeep.studio.door import Door
from chatkeep.studio.serving import Place, running
from fixtures.servers import Databases, PgServer
from fixtures.studio import BUILT
from fixtures.studio_world import FOLDER, SCHEMA


@dataclass
class House:
    """A running studio, its door, and the addresses that its terminal would show."""

    door: Door
    database: str
    root: Path
    told: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.door.port}"

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[httpx.AsyncClient]:
        """A program that was let in, with our header."""
        async with httpx.AsyncClient(
            base_url=self.url,
            headers={"x-chatkeep-studio": "1"},
            timeout=30,
            verify=False,  # reading certificates takes longer than the test
        ) as client:
            assert (await client.get(self.door.url)).status_code == 303
            yield client

    async def ask(self, request: str | bytes, body: bytes = b"") -> tuple[int, str, str]:
        """Send bytes as they are; give status, head and body of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.door.port)
        head = request.encode() if isinstance(request, str) else request
        try:
            writer.write(head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body)
            answer = await asyncio.wait_for(_whole(reader), 30)
        finally:
            writer.close()
            with suppress(OSError):  # the server may have cut it
                await writer.wait_closed()
        top, _, rest = answer.decode("latin-1").partition("\r\n\r\n")
        return int(top.split()[1]) if top else 0, top.lower(), rest


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """Read one answer; the connection may stay open behind it."""
    got = b""
    while True:
        top, blank, rest = got.partition(b"\r\n\r\n")
        length = [
            int(line.partition(b":")[2])
            for line in top.lower().split(b"\r\n")
            if line.startswith(b"content-length:")
        ]
        if blank and length and len(rest) >= length[0]:
            return got
        try:
            more = await reader.read(65536)
        except ConnectionResetError:
            more = b""
        if not more:
            return got
        got += more


@pytest.fixture(scope="session")
async def world_clone(pg18: PgServer, world_template: str) -> AsyncIterator[str]:
    databases = Databases(pg18)
    yield await databases(template=world_template)
    await databases.drop()


@pytest.fixture(scope="session")
async def house(
    world_clone: str, pg18: PgServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A read-only studio of the world."""
    root = tmp_path_factory.mktemp("house")
    settings = Settings(
        root=root, schema=None, migrations=FOLDER, tables_filter=(), url=world_clone,
        scratch_url=pg18.admin_url,
    )  # fmt: skip
    told: list[str] = []
    async with AsyncExitStack() as stack:
        place = Place(settings, world_clone, SCHEMA, static=BUILT)
        door, _ = await stack.enter_async_context(running(place, told.append))
        yield House(door, world_clone, root, told)


@pytest.fixture(scope="session")
async def inside(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A program that was let in."""
    async with house.enter() as client:
        yield client
