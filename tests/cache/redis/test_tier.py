"""The tier against real servers: what it keeps, what it believes, what it says."""

import asyncio
import logging
import os
import random
import time
from datetime import timedelta
from pathlib import Path

import pytest

from chatkeep.cache.redis_place import RedisPlace
from fixtures.proxy import FaultProxy, eventually
from fixtures.redis import RedisServer, free_port, redis_program
from fixtures.redis_places import FAR, Clock, entry, key, opened_place


def name(text: str) -> str:
    return f"app:v1:{key(text).hash.hex()}"


async def test_an_entry_comes_back_as_it_went(place: RedisPlace, redis_server: RedisServer) -> None:
    assert await place.tier.get(key("a")) is None
    assert await place.tier.put(key("a"), entry("a"))
    found = await place.tier.get(key("a"))
    assert found is not None
    assert found.results == entry("a").results
    assert (found.fetched_at, found.expires_at, found.stale_until) == (1.0, FAR, FAR)
    assert redis_server.client.keys() == [name("a").encode()]
    assert await place.tier.get(key("b")) is None
    assert await place.tier.forget(key("a"))
    assert not await place.tier.forget(key("a"))
    assert await place.tier.get(key("a")) is None


async def test_redis_drops_an_entry_when_it_is_gone(redis_server: RedisServer) -> None:
    place = opened_place(redis_server.url, Clock())
    now = time.time()
    assert await place.tier.put(key("a"), entry("a", now + 1000))
    assert 990_000 < redis_server.client.pttl(name("a")) <= 1_000_000
    assert not await place.tier.put(key("b"), entry("b", now - 1))
    assert redis_server.client.keys() == [name("a").encode()]
    await place.aclose()


async def test_a_namespace_keeps_applications_apart(redis_server: RedisServer) -> None:
    one = opened_place(redis_server.url, Clock())
    other = opened_place(redis_server.url, Clock(), namespace="other")
    assert await one.tier.put(key("a"), entry("a"))
    assert await other.tier.get(key("a")) is None
    await one.aclose()
    await other.aclose()


@pytest.mark.parametrize(
    "stored", [b"", b"\x80\x04K\x01.", b"ck1", b"ck1{}", b"ck0[]", b"\x00" * 5000]
)
async def test_what_cannot_be_read_is_a_miss_and_is_said_once(
    place: RedisPlace,
    redis_server: RedisServer,
    caplog: pytest.LogCaptureFixture,
    stored: bytes,
) -> None:
    redis_server.client.set(name("a"), stored)
    with caplog.at_level(logging.INFO, "chatkeep.cache"):
        for _ in range(10):
            assert await place.tier.get(key("a")) is None
    (record,) = caplog.records
    assert "cannot be read and counts as none" in record.getMessage()
    assert not place.link.breaker.open
    assert await place.tier.put(key("a"), entry("a"))
    assert await place.tier.get(key("a")) is not None


async def test_another_keys_entry_is_a_miss(place: RedisPlace, redis_server: RedisServer) -> None:
    assert await place.tier.put(key("a"), entry("a"))
    redis_server.client.rename(name("a"), name("b"))
    assert await place.tier.get(key("b")) is None


async def test_another_type_at_the_key_is_a_miss_and_is_written_over(
    place: RedisPlace, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.client.lpush(name("a"), "x")
    for _ in range(10):
        assert await place.tier.get(key("a")) is None
    assert not place.link.breaker.open
    assert "something else is at its key" in caplog.text
    assert await place.tier.put(key("a"), entry("a"))
    assert await place.tier.get(key("a")) is not None


async def test_a_full_server_still_gives_what_it_has(
    place: RedisPlace,
    redis_server: RedisServer,
    monotonic: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await place.tier.put(key("a"), entry("a"))
    redis_server.fill()
    for number in range(20):
        assert not await place.tier.put(key(f"n{number}"), entry("n"))
        assert await place.tier.get(key("a")) is not None
    assert "Redis keeps new entries no more: OOM, 3 times in a row" in caplog.text
    assert len(caplog.records) == 1
    assert redis_server.client.info("errorstats")["errorstat_OOM"]["count"] >= 3
    redis_server.client.config_set("maxmemory", "0")
    monotonic.now += 5
    assert await place.tier.put(key("n1"), entry("n1"))
    assert "Redis keeps new entries again" in caplog.text


async def test_a_replica_still_gives_what_it_has(
    place: RedisPlace, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert await place.tier.put(key("a"), entry("a"))
    redis_server.read_only()
    for _ in range(10):
        assert not await place.tier.put(key("b"), entry("b"))
        assert await place.tier.get(key("a")) is not None
    assert len(caplog.records) == 1
    assert not await place.tier.forget(key("a"))


@pytest.mark.needs("redis")
async def test_after_a_failover_it_connects_anew(
    redis_server: RedisServer, monotonic: Clock, tmp_path: Path
) -> None:
    proxy = FaultProxy(redis_server.folder / "redis.sock")
    await proxy.start()
    promoted = RedisServer(redis_program(), tmp_path)
    host, port = proxy.address
    place = opened_place(f"redis://{host}:{port}", monotonic)
    await asyncio.gather(*[place.tier.get(key(str(number))) for number in range(20)])
    redis_server.read_only()
    proxy.aim(tmp_path / "redis.sock")
    answers = await asyncio.gather(*[place.tier.put(key("a"), entry("a")) for _ in range(20)])
    assert not any(answers[:3])
    monotonic.now += 5
    assert await place.tier.put(key("a"), entry("a"))
    assert promoted.client.exists(name("a"))
    assert await place.tier.get(key("a")) is not None
    await place.aclose()
    await proxy.stop()
    promoted.stop()


@pytest.mark.parametrize("write", ["put", "forget"])
async def test_what_could_not_be_replaced_is_not_believed(
    place: RedisPlace, redis_server: RedisServer, monotonic: Clock, write: str
) -> None:
    await place.tier.put(key("a"), entry("old"))
    redis_server.read_only()
    if write == "put":
        assert not await place.tier.put(key("a"), entry("new"))
    else:
        assert not await place.tier.forget(key("a"))
    assert redis_server.client.exists(name("a"))
    assert await place.tier.get(key("a")) is None
    redis_server.client.execute_command("REPLICAOF", "NO", "ONE")
    assert await place.tier.get(key("a")) is None
    monotonic.now += 5
    assert await place.tier.put(key("a"), entry("new"))
    found = await place.tier.get(key("a"))
    assert found is not None
    assert found.results[0].title == "new"


async def test_a_server_that_loads_is_away(redis_server: RedisServer, monotonic: Clock) -> None:
    place = opened_place(redis_server.url, monotonic)
    await place.tier.put(key("a"), entry("a"))
    for number in range(200):
        redis_server.client.set(f"x{number}", os.urandom(2000))
    with redis_server.loading():
        for _ in range(5):
            assert await place.tier.get(key("a")) is None
        assert place.link.breaker.open
    monotonic.now += 5
    assert await place.tier.get(key("a")) is not None
    await place.aclose()


async def test_calls_beside_a_silent_server_take_no_longer_than_the_bound(
    redis_server: RedisServer, monotonic: Clock
) -> None:
    place = opened_place(redis_server.url, monotonic, timeout=timedelta(milliseconds=50))
    redis_server.pause()
    async with asyncio.timeout(20):  # 80 calls one after another would take it; 32 go at once
        assert set(await asyncio.gather(*[place.tier.get(key("a")) for _ in range(80)])) == {None}
    assert place.link.breaker.open
    redis_server.resume()
    monotonic.now += 5
    patient = opened_place(redis_server.url, monotonic)
    assert await patient.tier.put(key("a"), entry("a"))
    await eventually(lambda: _asked_again(place, monotonic))
    await patient.aclose()
    await place.aclose()


async def _asked_again(place: RedisPlace, monotonic: Clock) -> bool:
    monotonic.now += 5
    return await place.tier.get(key("a")) is not None


async def test_a_refused_port_opens_the_breaker_and_nothing_is_raised(
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = opened_place(f"redis://:hidden-word@127.0.0.1:{free_port()}/0", Clock())
    for _ in range(10):
        assert await place.tier.get(key("a")) is None
        assert not await place.tier.put(key("a"), entry("a"))
        assert not await place.tier.forget(key("a"))
    assert [record.getMessage() for record in caplog.records] == [
        "Redis is asked no more: ConnectionError, 3 times in a row; tried again every 5 s",
        (
            "Redis did not remove what was to be forgotten: it may give it to other processes "
            "when it is back. Forget it again then."
        ),
    ]
    await place.aclose()


async def test_cancelled_calls_leave_no_answer_to_the_next_caller(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    """Calls are cancelled before their answers came, which come when the next ones have asked."""
    dice = random.Random(8)
    texts = [f"q{number}" for number in range(40)]
    for text in texts:
        assert await place.tier.put(key(text), entry(text))

    async def reads_its_own() -> bool:
        text = dice.choice(texts)
        found = await place.tier.get(key(text))
        return found is not None and found.results[0].title == text

    for _ in range(15):
        redis_server.pause()
        first = [asyncio.create_task(reads_its_own()) for _ in range(30)]
        for _ in range(dice.randrange(30)):
            await asyncio.sleep(0)
        cancelled = dice.sample(first, 20)
        for task in cancelled:
            task.cancel()
        assert all(
            isinstance(one, asyncio.CancelledError)
            for one in await asyncio.gather(*cancelled, return_exceptions=True)
        )
        after = [asyncio.create_task(reads_its_own()) for _ in range(20)]
        for _ in range(dice.randrange(30)):
            await asyncio.sleep(0)
        redis_server.resume()
        assert all(await asyncio.gather(*after, *(one for one in first if one not in cancelled)))
    assert redis_server.client.info("clients")["connected_clients"] <= 33
    assert not place.link.breaker.open


async def test_a_cancelled_probe_does_not_keep_redis_away(
    redis_server: RedisServer, monotonic: Clock
) -> None:
    place = opened_place(redis_server.url, monotonic)
    await place.tier.put(key("a"), entry("a"))
    for _ in range(3):
        place.link.breaker.failed("a test")
    monotonic.now += 5
    redis_server.pause()
    probe = asyncio.create_task(place.tier.get(key("a")))
    await asyncio.sleep(0)
    assert await place.tier.get(key("a")) is None  # at once: it does not wait for the probe
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    redis_server.resume()
    monotonic.now += 5
    assert await place.tier.get(key("a")) is not None
    await place.aclose()


async def test_a_server_that_is_only_just_quick_enough_is_not_asked_again(
    redis_server: RedisServer, monotonic: Clock
) -> None:
    proxy = FaultProxy(redis_server.folder / "redis.sock")
    await proxy.start()
    host, port = proxy.address
    place = opened_place(f"redis://{host}:{port}", monotonic, timeout=timedelta(milliseconds=600))
    await eventually(lambda: place.tier.put(key("a"), entry("a")))
    for _ in range(3):
        place.link.breaker.failed("a test")
    monotonic.now += 5
    proxy.lateness = (0.4, 0.4)
    proxy.strike({"delay": 1.0}, "to_client")
    assert await place.tier.get(key("a")) is None
    assert place.link.breaker.open
    proxy.heal()
    await eventually(lambda: _asked_again(place, monotonic))
    await place.aclose()
    await proxy.stop()


async def test_closing_leaves_no_connection(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    place = opened_place(redis_server.url, Clock())
    await asyncio.gather(*[place.tier.get(key(str(number))) for number in range(50)])
    assert redis_server.client.info("clients")["connected_clients"] > 1
    redis_server.pause()
    waiting = [asyncio.create_task(place.tier.get(key("a"))) for _ in range(50)]
    await asyncio.sleep(0)
    await place.aclose()
    assert set(await asyncio.gather(*waiting)) == {None}
    assert not caplog.records  # it was we who hung up
    redis_server.resume()
    await eventually(lambda: redis_server.client.info("clients")["connected_clients"] == 1)
    assert await place.tier.get(key("a")) is None
    assert redis_server.client.info("clients")["connected_clients"] == 1


async def test_a_restart_empties_it_and_the_next_call_connects_anew(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    assert await place.tier.put(key("a"), entry("a"))
    redis_server.restart()
    assert await place.tier.get(key("a")) is None
    assert await place.tier.put(key("a"), entry("a"))
    assert await place.tier.get(key("a")) is not None
    assert not place.link.breaker.open
