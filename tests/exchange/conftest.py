"""An open database with a user and a stranger, and samples of each format of files."""

import json
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from chatkeep import Database, NewUser, User
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

SCHEMA = deepsearch.schema()


@pytest_asyncio.fixture(loop_scope="session")
async def url(pg18: PgServer, fresh_database: Callable[[PgServer], Databases]) -> str:
    made = await fresh_database(pg18)()
    await create_tables(SCHEMA, made)
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def db(url: str) -> AsyncIterator[Database]:
    async with Database(SCHEMA, url) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def user(db: Database) -> User:
    return await db.users.create(NewUser(email="ada@example.com"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, object], Path]:
    """Write a file: a list as JSON, bytes as they are, anything else as JSON Lines."""

    def write_file(name: str, content: object) -> Path:
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, list):
            path.write_text(json.dumps(content), encoding="utf-8")
        else:
            assert isinstance(content, Iterable)
            path.write_text("".join(json.dumps(one) + "\n" for one in content), encoding="utf-8")
        return path

    return write_file


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
