"""All tiers together, over a real Redis that goes away and comes back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from cache.core.conftest import Search, World
from cache.core.test_cache import DAY, brief
from chatkeep import SearchFailedError
from chatkeep.cache.cache import SearchCache
from chatkeep.cache.keys import make_key
from fixtures.redis import RedisServer

NAME = f"ai-app-template_:v1:{make_key('q', 'serper', 'en').hash.hex()}"


def process(world: World, redis: RedisServer, **options: Any) -> SearchCache:
    """One more process, which asks Redis each time, whatever happened before."""
    patient = {"redis_timeout": timedelta(seconds=5), "breaker_failures": 10_000}
    return world.process(redis_url=redis.url, **patient, **options)


async def test_the_fastest_place_first(world: World, redis_server: RedisServer):
    search = Search()
    assert brief(await process(world, redis_server).get_or_fetch("q", search))[0] == "miss"
    await world.settled()
    one = process(world, redis_server)
    with world.db.statements() as sent:
        assert brief(await one.get_or_fetch("q", search)) == ("hit", "redis", ["q 1"])
    assert sent.names == []
    assert brief(await one.get_or_fetch("q", search)) == ("hit", "memory", ["q 1"])
    redis_server.client.flushall()
    assert brief(await process(world, redis_server).get("q")) == ("hit", "postgres", ["q 1"])
    await world.settled()
    assert brief(await process(world, redis_server).get("q")) == ("hit", "redis", ["q 1"])


async def test_what_was_written_while_redis_was_away_reaches_it_again(
    world: World, redis_server: RedisServer
):
    search = Search()
    redis_server.kill()
    cache = process(world, redis_server)
    found = await asyncio.gather(*[cache.get_or_fetch("q", search) for _ in range(10)])
    assert {one[0].title for one in found} == {"q 1"}
    await world.settled()
    redis_server.start()
    assert redis_server.client.dbsize() == 0
    assert brief(await process(world, redis_server).get_or_fetch("q", search))[1] == "postgres"
    await world.settled()
    assert brief(await process(world, redis_server).get_or_fetch("q", search))[1] == "redis"
    assert search.calls == ["q"]


async def test_what_redis_could_not_forget_is_told_once(
    world: World, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
):
    cache = process(world, redis_server)

    def told() -> int:
        return caplog.text.count("Redis did not remove what was to be forgotten")

    for outage in (1, 2):
        await cache.put("q", [{"title": "t", "link": "l"}])
        redis_server.kill()
        assert await cache.forget("q")  # PostgreSQL and memory had it
        assert not await cache.forget("q")
        assert told() == outage
        redis_server.start()
        await cache.forget("q")
        assert told() == outage


async def test_garbage_is_a_miss_and_mended(
    world: World, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
):
    await process(world, redis_server).put("q", [{"title": "t", "link": "l"}])
    redis_server.client.set(NAME, b"\x80\x04garbage")
    assert brief(await process(world, redis_server).get("q")) == ("hit", "postgres", ["t"])
    await world.settled()
    assert brief(await process(world, redis_server).get("q")) == ("hit", "redis", ["t"])
    assert "chatkeep.cache" in {record.name for record in caplog.records}


async def test_the_newer_of_two_places(world: World, redis_server: RedisServer):
    """Redis missed a refresh: what it has is stale, and PostgreSQL has the newer one."""
    search = Search()
    await process(world, redis_server).get_or_fetch("q", search)
    await world.settled()
    world.clock.now += DAY
    await world.process().put("q", [{"title": "newer", "link": "l"}])
    cache = process(world, redis_server)
    assert brief(await cache.get_or_fetch("q", search)) == ("hit", "postgres", ["newer"])
    await world.settled()
    assert brief(await process(world, redis_server).get("q")) == ("hit", "redis", ["newer"])
    assert search.calls == ["q"]


async def test_a_failure_is_known_to_other_processes(world: World, redis_server: RedisServer):
    search = Search(error=ConnectionError("SECRET"))
    with pytest.raises(ConnectionError):
        await process(world, redis_server).get_or_fetch("q", search)
    await world.settled()
    with pytest.raises(SearchFailedError, match="ConnectionError"):
        await process(world, redis_server).get_or_fetch("q", search)
    assert b"SECRET" not in redis_server.client.get(NAME)
    assert search.calls == ["q"]


async def test_one_fetch_for_many_processes(world: World, redis_server: RedisServer):
    search = Search(gate=asyncio.Event())
    caches = [process(world, redis_server) for _ in range(4)]
    calls = [asyncio.create_task(c.get_or_fetch("q", search)) for c in caches for _ in range(5)]
    await search.begun.wait()
    search.gate.set()
    await asyncio.gather(*calls)
    assert search.calls == ["q"]
    await world.settled()
