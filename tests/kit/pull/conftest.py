"""Pull a database into a folder of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit.applying.replay import replay
from chatkeep.kit.build import build
from chatkeep.kit.connection import connect
from chatkeep.kit.folder.reading import Folder
from chatkeep.kit.generate import Options as GenerateOptions
from chatkeep.kit.generate import generate
from chatkeep.kit.pull import Options, Pulled, load, pull
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import Target
from chatkeep.kit.writing.dumping import dump_schema
from fixtures.servers import PgServer


@dataclass(frozen=True)
class Taken:
    """What came of a pull, and the round trip that it was put through."""

    pulled: Pulled
    source: str
    target: Target
    live_url: str


async def round_trip(server: PgServer, url: str, root: Path, **options: object) -> Taken:
    """Pull, then build from the module and from the migration: pg_dump says the same thrice."""
    scratch, dump = Scratch(server.admin_url), server.bin / "pg_dump"
    out = root / "pulled_schema.py"
    pulled = await pull(
        url,
        root / "drizzle",
        scratch,
        Options(out, pg_dump=dump, **options),  # type: ignore[arg-type]
    )
    source = out.read_text()
    target = load(source)
    folder = Folder.read(root / "drizzle")
    async with scratch.database() as built, scratch.database() as replayed:
        await build(built, target.state)
        async with connect(replayed) as connection:
            await replay(connection, folder.migrations)
        one, other = [await dump_schema(dump, each) for each in (built, replayed)]
        assert one == other
        if not options.get("tables") and not options.get("accept"):
            assert one == await dump_schema(dump, url, ignore=("drizzle", "chatkeep"))
        assert await columns(built) == await columns(replayed)
    again = await generate(root / "drizzle", target, scratch, GenerateOptions())
    assert again.paths == ()
    return Taken(pulled, source, target, url)


async def columns(url: str) -> list[tuple[object, ...]]:
    """Every column with its place, which dump_schema does not compare."""
    async with connect(url) as connection:
        rows = await connection.fetch(
            "select table_schema, table_name, ordinal_position, column_name"
            " from information_schema.columns where table_schema !~ '^(pg_|information_schema)'"
            " order by 1, 2, 3"
        )
    return [tuple(row) for row in rows]


@pytest.fixture
def place_of(
    fresh_database: Callable[..., Callable[[], Awaitable[str]]],
) -> Callable[..., Awaitable[str]]:
    async def make(server: PgServer, sql: str) -> str:
        url = await fresh_database(server)()
        async with connect(url) as connection:
            await connection.execute(sql)
        return url

    return make


@pytest.fixture
def take(
    fresh_database: Callable[..., Callable[[], Awaitable[str]]], tmp_path: Path
) -> Callable[..., Awaitable[Taken]]:
    async def run(server: PgServer, sql: str, **options: object) -> Taken:
        url = await fresh_database(server)()
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()
        return await round_trip(server, url, tmp_path, **options)

    return run
