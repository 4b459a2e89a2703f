"""Work on scratch databases that is done once, and ends when nobody waits for it."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.scratch import Scratch
from chatkeep.settings import Settings
from chatkeep.studio.bounding import TookTooLongError
from chatkeep.studio.migrations.scratching import Bench
from fixtures.servers import PgServer


@pytest.fixture
def bench(pg18: PgServer, tmp_path: Path) -> Bench:
    return Bench(
        Settings(
            root=tmp_path,
            schema=None,
            migrations=tmp_path / "drizzle",
            tables_filter=(),
            url=None,
            scratch_url=pg18.admin_url,
        )
    )


async def test_cancelled_work_ends_and_leaves_no_scratch_database(bench: Bench, pg18: PgServer):
    here, urls, begun = asyncio.get_running_loop(), list[str](), asyncio.Event()

    async def for_ever(scratch: Scratch) -> None:
        async with scratch.database() as url:
            urls.append(url)
            here.call_soon_threadsafe(begun.set)
            await asyncio.Event().wait()

    work = asyncio.create_task(bench.do(for_ever))
    await begun.wait()
    work.cancel()
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await work
    name = urls[0].partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(pg18.admin_url)
    try:
        left = await connection.fetchval(
            "select count(*) from pg_database where datname = $1", name
        )
    finally:
        await connection.close()
    assert left == 0


async def test_two_who_ask_for_the_same_effect_take_one(bench: Bench, own_project):
    folder = Folder.read(own_project() / "drizzle")
    last = folder.migrations[-1]
    first, second = await asyncio.gather(bench.effect(folder, last), bench.effect(folder, last))
    assert first is second
    assert [change.name for change in first.changes] == ["public.posts"]


async def test_nobody_waits_for_ever_for_a_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    here, begun, end = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    async def long(_: Scratch) -> str:
        here.call_soon_threadsafe(begun.set)
        while not end.is_set():  # of another loop: it can be asked, not waited for
            await asyncio.sleep(0.01)
        return "done"

    first = asyncio.create_task(bench.do(long))
    await begun.wait()
    monkeypatch.setattr("chatkeep.studio.migrations.scratching.SECONDS", 0.05)
    with pytest.raises(TookTooLongError, match="Waiting for a turn"):
        await bench.do(long)
    end.set()
    assert await first == "done"
