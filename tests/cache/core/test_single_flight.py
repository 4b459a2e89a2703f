"""One fetch for many callers."""

import asyncio
import gc
from contextvars import ContextVar
from datetime import timedelta

import pytest

from cache.core.conftest import Search, World
from chatkeep import Database, DatabaseClosedError, SearchFailedError
from fixtures.servers import Databases, PgServer

WHO = ContextVar("WHO", default="nobody")


async def test_one_fetch_for_many_callers(world: World):
    cache, search = world.process(), Search()
    found = await asyncio.gather(*[cache.get_or_fetch("q", search) for _ in range(50)])
    assert search.calls == ["q"]
    assert [one.outcome for one in found].count("miss") == 1
    assert {one.tier for one in found} == {"fetch"}
    assert len({one[0].title for one in found}) == 1


async def test_one_fetch_for_many_processes(world: World):
    search = Search(gate=asyncio.Event())
    caches = [world.process(memory_bytes=0) for _ in range(4)]
    calls = [asyncio.create_task(c.get_or_fetch("q", search)) for c in caches for _ in range(5)]
    await search.begun.wait()
    search.gate.set()
    found = await asyncio.gather(*calls)
    assert search.calls == ["q"]
    assert sum(one.outcome == "miss" for one in found) == 1
    assert sum(one.tier == "postgres" for one in found) >= 15
    await world.settled()


async def test_the_error_goes_to_everybody(world: World):
    cache, search = world.process(), Search(error=ValueError("secret"))
    found = await asyncio.gather(
        *[cache.get_or_fetch("q", search) for _ in range(20)], return_exceptions=True
    )
    assert all(error is search.error for error in found)
    assert search.calls == ["q"]


async def test_a_cancelled_caller_leaves_the_fetch_to_the_others(world: World):
    cache, search = world.process(), Search(gate=asyncio.Event())
    calls = [asyncio.create_task(cache.get_or_fetch("q", search)) for _ in range(5)]
    await search.begun.wait()
    for call in calls[:4]:
        call.cancel()
    await asyncio.wait(calls[:4])
    search.gate.set()
    assert (await calls[4]).outcome in {"miss", "hit"}
    assert all(call.cancelled() for call in calls[:4])
    assert (search.calls, search.cancelled) == (["q"], 0)


async def test_cancelled_while_looking(world: World):
    """Whoever looks into the tiers for all is cancelled before the first answer."""
    cache, search = world.process(), Search()
    calls = [asyncio.create_task(cache.get_or_fetch("q", search)) for _ in range(5)]
    await asyncio.sleep(0)
    calls[0].cancel()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(one[0].title == "q 1" for one in found[1:])
    assert search.calls == ["q"]


async def test_nobody_waits_any_more(world: World):
    cache, search = world.process(), Search(gate=asyncio.Event())
    calls = [asyncio.create_task(cache.get_or_fetch("q", search)) for _ in range(3)]
    await search.begun.wait()
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
    await world.settled()
    assert search.cancelled == 1
    search.gate = None
    assert (await cache.get_or_fetch("q", search)).outcome == "miss"  # its lock was let go, too


async def test_no_exception_is_never_retrieved(world: World):
    problems: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: problems.append(context))
    try:
        cache, search = world.process(), Search(gate=asyncio.Event(), error=ValueError())
        call = asyncio.create_task(cache.get_or_fetch("q", search))
        await search.begun.wait()
        call.cancel()
        search.gate.set()
        await asyncio.wait([call])
        await world.settled()
        del call
        gc.collect()
    finally:
        loop.set_exception_handler(None)
    assert problems == []


async def test_a_fetch_that_is_too_slow_is_not_waited_for(world: World):
    slow, quick = Search(gate=asyncio.Event()), Search()
    cache = world.process(fetch_timeout=timedelta(milliseconds=50))
    first = asyncio.create_task(cache.get_or_fetch("q", slow))
    await slow.begun.wait()
    for process in (cache, world.process(fetch_timeout=timedelta(milliseconds=50))):
        found = await process.get_or_fetch("q", quick)
        assert found[0].title == "q 1"
    assert not first.done()
    slow.gate.set()
    assert (await first).outcome == "miss"
    await world.settled()


async def test_a_fetch_that_cancels_itself(world: World):
    async def search() -> list[object]:
        raise asyncio.CancelledError

    with pytest.raises(SearchFailedError, match="CancelledError"):
        await world.process().get_or_fetch("q", search)


async def test_context_of_the_first(world: World):
    async def search() -> list[dict[str, str]]:
        return [{"title": WHO.get(), "link": "l"}]

    async def ask(name: str) -> str:
        WHO.set(name)
        return (await cache.get_or_fetch("q", search))[0].title

    cache = world.process()
    assert await asyncio.gather(*[ask(name) for name in ("a", "b", "c")]) == ["a"] * 3


async def test_closed_while_it_fetches(pg18: PgServer, fresh_database, monkeypatch):
    from cache.core.conftest import SCHEMA

    monkeypatch.delenv("REDIS_URL", raising=False)
    databases: Databases = fresh_database(pg18)
    search = Search(gate=asyncio.Event())
    async with Database(SCHEMA, await databases.holding(SCHEMA)) as db:
        calls = [asyncio.create_task(db.search_cache.get_or_fetch("q", search)) for _ in range(3)]
        await search.begun.wait()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(error) for error in found] == [DatabaseClosedError] * 3
    assert search.cancelled == 1
