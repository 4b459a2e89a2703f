"""What is asked while it is written: the later word stays, in every place."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from cache.core.conftest import Search, World
from chatkeep import SearchResult
from chatkeep.cache import tiers

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def held_up(world: World) -> Any:
    """Let no statement on the entries through."""
    async with world.raw.transaction():
        await world.raw.execute(
            'lock table "ai-app-template_search_cache" in access exclusive mode'
        )
        yield


async def waiting(world: World, count: int) -> None:
    async with asyncio.timeout(5):
        while await world.raw.fetchval("select count(*) from pg_locks where not granted") < count:
            await asyncio.sleep(0)


@pytest.mark.parametrize("asks", ["get", "get_or_fetch"])
async def test_put_while_it_is_looked_for(world: World, asks: str):
    older, newer = ([SearchResult(text, "https://example.com/")] for text in ("older", "newer"))
    await world.process().put("tea", older)
    cache, search = world.process(), Search()
    world.clock.now += 1
    async with held_up(world):
        call = cache.get("tea") if asks == "get" else cache.get_or_fetch("tea", search)
        looking = asyncio.create_task(call)
        await waiting(world, 1)
        putting = asyncio.create_task(cache.put("tea", newer))
        await waiting(world, 2)
    await asyncio.gather(looking, putting)
    found = await cache.get("tea")
    assert found is not None
    assert (found[0].title, search.calls) == ("newer", [])


@pytest.mark.parametrize("asks", ["get", "get_or_fetch"])
async def test_forgotten_while_it_is_looked_for(world: World, asks: str):
    await world.process().put("tea", [SearchResult("older", "https://example.com/")])
    cache, search = world.process(), Search()
    async with held_up(world):
        call = cache.get("tea") if asks == "get" else cache.get_or_fetch("tea", search)
        looking = asyncio.create_task(call)
        await waiting(world, 1)
        forgetting = asyncio.create_task(cache.forget("tea"))
        await waiting(world, 2)
    await asyncio.gather(looking, forgetting)
    assert await cache.get("tea") is None


async def test_a_failing_refresh_is_not_tried_at_each_call_without_memory(world: World):
    cache = world.process(memory_bytes=0)
    await cache.put("tea", [SearchResult("older", "https://example.com/")])
    world.clock.now += 2 * 86_400
    search = Search(error=ConnectionError("away"))
    for _ in range(3):
        assert (await cache.get_or_fetch("tea", search)).outcome == "stale"
        await world.settled()
    assert len(search.calls) == 1
    world.clock.now += 31
    await cache.get_or_fetch("tea", search)
    await world.settled()
    assert len(search.calls) == 2


async def test_a_service_or_a_database_that_is_away_does_not_flood_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(tiers, "_MOST_WRITES", 0)
    cache = world.process()
    for number in range(20):
        await cache.get_or_fetch(f"written {number}", Search())
        await cache.put(f"stale {number}", [SearchResult("older", "https://example.com/")])
    world.clock.now += 2 * 86_400
    for number in range(20):
        search = Search(error=ConnectionError("away"))
        assert (await cache.get_or_fetch(f"stale {number}", search)).outcome == "stale"
        await world.settled()
    assert len([line for line in caplog.messages if "left out so far" in line]) == 1
    assert len([line for line in caplog.messages if "could not be refreshed" in line]) == 1


async def test_a_clock_that_is_put_back_makes_nothing_last_longer(world: World):
    cache, failing = (
        world.process(failure_ttl=timedelta(seconds=30)),
        Search(error=ConnectionError()),
    )
    await cache.put("tea", [SearchResult("older", "https://example.com/")])
    with pytest.raises(ConnectionError):
        await cache.get_or_fetch("coffee", failing)
    await world.settled()
    world.clock.now -= 3600
    await world.process().forget("tea")
    await world.process().forget("coffee")
    assert (await cache.get_or_fetch("tea", Search()))[0].title == "tea 1"
    assert (await cache.get_or_fetch("coffee", Search()))[0].title == "coffee 1"
    await world.settled()
