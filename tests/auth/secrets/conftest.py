"""A server that writes every statement into its log, and ears at it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from auth.secrets.ears import Ears
from chatkeep.database.creation import create_tables
from chatkeep.server import EmbeddedServer
from fixtures.seeds import hardened_schema

# What the documentation tells to set where statements are logged: their text, without what is in it.
LOGGED = {
    "log_statement": "all",
    "log_min_messages": "debug1",
    "log_min_error_statement": "debug1",
    "log_duration": "on",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


@dataclass
class Talkative:
    """The server, and what it wrote since it was asked last."""

    server: EmbeddedServer
    _numbers: Iterator[int] = field(default_factory=count)
    _read: int = 0

    async def database(self, preset: str) -> str:
        name = f"d{next(self._numbers)}"
        await self.run(f"CREATE DATABASE {name}")
        url = self.server.url(name)
        await create_tables(hardened_schema(preset), url)
        return url

    async def run(self, *statements: str) -> list[Any]:
        connection = await asyncpg.connect(self.server.url())
        try:
            return [await connection.fetch(sql) for sql in statements]
        finally:
            await connection.close()

    async def set(self, **settings: str) -> None:
        """Change settings of the server, for all sessions from now on."""
        changes = [f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()]
        await self.run(*changes, "SELECT pg_reload_conf()")

    def wrote(self) -> str:
        """What stands in the server's log since the last time."""
        text = self.server.status().log.read_text(errors="replace")
        new, self._read = text[self._read :], len(text)
        return new


@pytest.fixture(scope="module")
def talkative_server() -> Iterator[EmbeddedServer]:
    folder = Path(tempfile.mkdtemp(prefix="ckt-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedServer(folder / ".chatkeep")
    server.start()
    yield server
    server.reset(force=True)
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def talkative(talkative_server: EmbeddedServer) -> AsyncIterator[Talkative]:
    talkative = Talkative(talkative_server)
    await talkative.set(**LOGGED)
    talkative.wrote()
    yield talkative


@pytest.fixture
def ears() -> Iterator[Callable[[], Ears]]:
    """`ears()` begins to listen to the logs; more is told to it."""
    made: list[Any] = []

    def begin() -> Ears:
        one = Ears()
        listening = one.at_logs()
        listening.__enter__()
        made.append(listening)
        return one

    yield begin
    for listening in made:
        listening.__exit__(None, None, None)
