"""Leases: one of many holds, nobody is blocked for longer than a lease lasts, no connection is held."""

import asyncio
import logging
from datetime import timedelta

import pytest

from cache.postgres.conftest import ENTRY, KEY, OTHER, PLACES, SCHEMA, SOON, Place, lock_of
from chatkeep import Database
from chatkeep.cache.keys import make_key
from chatkeep.cache.locks import FetchLock, LockPlaceAwayError
from chatkeep.cache.postgres_lock import Lease
from fixtures.proxy import eventually

PAST = "update \"x_search_cache\" set expires_at = now() - interval '1 ms'"


@pytest.mark.parametrize("anywhere", PLACES, indirect=True)
async def test_one_of_many_holds_until_it_lets_go(anywhere: Place) -> None:
    async with Database(SCHEMA, anywhere.url) as elsewhere:
        locks: list[FetchLock] = [lock_of(anywhere.db), lock_of(elsewhere)]
        tried = await asyncio.gather(*(locks[n % 2].try_hold(KEY) for n in range(40)))
        (held,) = [one for one in tried if one is not None]
        other = await locks[0].try_hold(OTHER)
        assert other is not None
        assert await anywhere.count() == 2
        await held.release()
        await held.release()
        again = await locks[1].try_hold(KEY)
        assert again is not None
        await held.release()  # not its own any more
        assert await locks[0].try_hold(KEY) is None
        await again.release()
        await other.release()
    assert await anywhere.count() == 0


async def test_a_lease_ends_by_itself_and_a_late_holder_takes_nothing(place: Place) -> None:
    lock = lock_of(place.db)
    first = await lock.try_hold(KEY)
    assert first is not None
    await place.raw.execute(PAST)
    tried = await asyncio.gather(*(lock.try_hold(KEY) for _ in range(20)))
    (second,) = [one for one in tried if one is not None]
    await first.release()
    assert await lock.try_hold(KEY) is None
    await second.release()
    assert await place.count() == 0


async def test_its_time_is_that_of_the_database(place: Place) -> None:
    assert await lock_of(place.db, timedelta(seconds=7)).try_hold(KEY) is not None
    left = await place.raw.fetchval('select expires_at - created_at from "x_search_cache"')
    assert left == timedelta(seconds=7)


async def test_fifty_keys_at_once_hold_no_connection(place: Place) -> None:
    async with Database(SCHEMA, place.url, max_connections=1) as db:
        lock = lock_of(db)
        keys = [make_key(f"query {n}", "serper", "en") for n in range(50)]
        held = await asyncio.gather(*(lock.try_hold(key) for key in keys))
        assert await db.users.find("nobody") is None
        assert all(isinstance(one, Lease) for one in held)
        await asyncio.gather(*(one.release() for one in held if one is not None))
    assert await place.count() == 0


async def test_who_finds_it_taken_writes_nothing(place: Place) -> None:
    lock = lock_of(place.db)
    assert await lock.try_hold(KEY) is not None
    for _ in range(20):
        assert await lock.try_hold(KEY) is None
    await place.tier.put(OTHER, ENTRY)
    assert [row["id"] for row in await place.rows()] == [1, 2]


async def test_nobody_finds_a_lease_by_a_query(place: Place) -> None:
    await lock_of(place.db).try_hold(KEY)
    assert await place.tier.get(KEY) is None
    (row,) = await place.rows()
    assert row["query"] == ""


async def test_a_lease_that_was_left_behind_is_swept(place: Place) -> None:
    await lock_of(place.db).try_hold(KEY)
    place.clock.now += 1e9
    assert await place.tier.sweep() == 1
    assert await place.count() == 0


async def test_a_place_that_is_away_is_told(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    held = await lock_of(place.db).try_hold(KEY)
    assert held is not None
    await place.raw.execute('alter table "x_search_cache" rename to gone')
    with caplog.at_level(logging.WARNING, "chatkeep.cache"):
        with pytest.raises(LockPlaceAwayError):
            await lock_of(place.db).try_hold(OTHER)
        await held.release()
    assert [line.split(": ")[0] for line in caplog.messages[:2]] == [
        "PostgreSQL of the search cache, lease",
        "PostgreSQL of the search cache, release",
    ]


async def test_who_is_cancelled_leaves_no_lease(place: Place) -> None:
    lock = lock_of(place.db)
    async with place.raw.transaction():
        await place.raw.execute('lock table "x_search_cache" in exclusive mode')
        task = asyncio.create_task(lock.try_hold(KEY))
        await eventually(lambda: waiting(place))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await eventually(lambda: is_idle(place))
    assert await lock.try_hold(KEY) is not None


async def test_a_release_that_is_cancelled_goes_on(place: Place) -> None:
    lock = lock_of(place.db)
    held = await lock.try_hold(KEY)
    assert held is not None
    async with place.raw.transaction():
        await place.raw.execute('lock table "x_search_cache" in exclusive mode')
        task = asyncio.create_task(held.release())
        await eventually(lambda: waiting(place))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await eventually(lambda: is_idle(place))
    assert await place.count() == 0


async def test_it_waits_for_nobody_for_long(place: Place) -> None:
    lock = lock_of(place.db, timeout=SOON)
    async with place.raw.transaction():
        await place.raw.execute('lock table "x_search_cache" in exclusive mode')
        with pytest.raises(LockPlaceAwayError):
            await lock.try_hold(KEY)
    await eventually(lambda: is_idle(place))
    assert await lock.try_hold(KEY) is not None


async def waiting(place: Place) -> int:
    return await place.raw.fetchval("select count(*) from pg_locks where not granted")


async def is_idle(place: Place) -> bool:
    busy = await place.raw.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and state <> 'idle'"
    )
    return not busy and not place.db._runner.background._saving
