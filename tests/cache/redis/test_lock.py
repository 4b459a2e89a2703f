"""The locks of Redis: one holder, whoever dies, and never another's lock let go of."""

import asyncio

import asyncpg
import pytest

from chatkeep.cache.breaker import Breaker
from chatkeep.cache.locks import LockPlaceAwayError
from chatkeep.cache.redis_lock import HeldInRedis, RedisLocks
from chatkeep.cache.redis_place import RedisPlace
from chatkeep.engine.background import Background
from fixtures.proxy import eventually
from fixtures.redis import RedisServer, free_port
from fixtures.redis_places import Clock, key, opened_place

NAME = f"app:lock:v1:{key('a').hash.hex()}"


def locks_of(place: RedisPlace, hold: float) -> RedisLocks:
    return RedisLocks(place.link, "app", writes=Breaker("a test", failures=3, reset=5), hold=hold)


async def test_one_holds_it_and_the_others_are_told_at_once(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    other = opened_place(redis_server.url, Clock())
    held = await place.locks.try_hold(key("a"))
    assert held is not None
    assert await place.locks.try_hold(key("a")) is None
    assert await other.locks.try_hold(key("a")) is None
    beside = await other.locks.try_hold(key("b"))
    assert beside is not None
    await held.release()
    await held.release()
    again = await other.locks.try_hold(key("a"))
    assert again is not None
    await again.release()
    await beside.release()
    assert not redis_server.client.keys()
    await other.aclose()


async def test_of_many_that_ask_at_once_one_holds_it(redis_server: RedisServer) -> None:
    places = [opened_place(redis_server.url, Clock()) for _ in range(4)]
    for _ in range(10):
        answers = await asyncio.gather(
            *[place.locks.try_hold(key("a")) for place in places for _ in range(8)]
        )
        (held,) = [one for one in answers if one is not None]
        await held.release()
    for place in places:
        await place.aclose()


async def test_a_lock_that_ended_is_not_taken_from_who_has_it_now(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    held = await place.locks.try_hold(key("a"))
    assert held is not None
    redis_server.client.set(NAME, b"another's")
    await held.release()
    assert redis_server.client.get(NAME) == b"another's"


async def test_it_is_extended_while_it_is_held(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    locks = locks_of(place, hold=0.3)
    held = await locks.try_hold(key("a"))
    assert held is not None
    redis_server.client.pexpire(NAME, 1_000_000)
    await eventually(lambda: redis_server.client.pttl(NAME) <= 300)  # set anew by its holder
    assert await locks.try_hold(key("a")) is None
    await held.release()
    assert not redis_server.client.exists(NAME)


async def test_it_ends_by_itself_when_nobody_extends_it(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    locks = locks_of(place, hold=0.2)
    held = await locks.try_hold(key("a"))
    assert held is not None
    held._extending.cancel()  # its process died
    await eventually(lambda: not redis_server.client.exists(NAME))
    again = await locks.try_hold(key("a"))
    assert again is not None
    await again.release()


async def test_another_holder_is_never_extended(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    locks = locks_of(place, hold=0.06)
    held = await locks.try_hold(key("a"))
    assert held is not None
    redis_server.client.set(NAME, b"another's", px=1_000_000)
    await eventually(held._extending.done)  # it saw that the lock is another's
    assert redis_server.client.pttl(NAME) > 900_000
    await held.release()


async def test_a_place_that_is_away_says_so() -> None:
    place = opened_place(f"redis://127.0.0.1:{free_port()}/0", Clock())
    for _ in range(5):
        with pytest.raises(LockPlaceAwayError):
            await place.locks.try_hold(key("a"))
    await place.aclose()


async def test_a_place_that_keeps_nothing_says_so_and_is_left_alone(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    before = redis_server.client.info("errorstats").get("errorstat_OOM", {"count": 0})["count"]
    redis_server.fill()
    for _ in range(10):
        with pytest.raises(LockPlaceAwayError):
            await place.locks.try_hold(key("a"))
    assert not place.link.breaker.open
    assert redis_server.client.info("errorstats")["errorstat_OOM"]["count"] == before + 3


async def test_releasing_while_redis_is_away_raises_nothing(
    place: RedisPlace, redis_server: RedisServer
) -> None:
    held = await place.locks.try_hold(key("a"))
    assert held is not None
    redis_server.kill()
    await held.release()


async def test_nothing_is_extended_after_closing(redis_server: RedisServer) -> None:
    place = opened_place(redis_server.url, Clock())
    held = await locks_of(place, hold=0.06).try_hold(key("a"))
    assert held is not None
    await place.aclose()
    await eventually(held._extending.done)
    await held.release()


async def test_whoever_is_cancelled_while_asking_leaves_no_lock_behind(
    redis_server: RedisServer,
) -> None:
    async def nobody_listens() -> asyncpg.Connection:
        raise NotImplementedError

    background = Background(nobody_listens)
    place = opened_place(redis_server.url, Clock())
    locks = RedisLocks(
        place.link,
        "app",
        writes=Breaker("a test", failures=3, reset=5),
        hold=600.0,
        background=background,
    )
    for steps in range(40):
        asking = asyncio.create_task(locks.try_hold(key("a")))
        for _ in range(steps):  # so that each moment of it comes to be the last
            await asyncio.sleep(0)
        asking.cancel()
        (found,) = await asyncio.gather(asking, return_exceptions=True)
        if isinstance(found, HeldInRedis):
            await found.release()
        await background.close()  # waits for what is let go of
        await eventually(lambda: not redis_server.client.exists(NAME))
    await place.aclose()
