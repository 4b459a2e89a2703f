"""Counting in the process, and what is stored of it: nothing lost, nothing that fails a request."""

import asyncio
import logging
from datetime import timedelta

import asyncpg
import pytest

from cache.stats.conftest import SCHEMA, World, events_of, key
from chatkeep import Database, NewUser
from chatkeep.cache import events as module
from chatkeep.cache.entries import Key
from chatkeep.cache.events import LONGEST_NAME, LONGEST_QUERY, MAX_COUNTERS, Events

LONG = timedelta(hours=1)
STORED = "query, provider, outcome, tier, calls, no_results, latency_us, latency_max_us, user_group"


async def stored(sql: asyncpg.Connection) -> int:
    return await sql.fetchval("select coalesce(sum(calls), 0)::bigint from x_search_event")


async def test_calls_of_one_kind_are_one_row(world: World):
    events = world.events(flush_after=LONG)
    for latency, results in ((0.001, 3), (0.004, 0), (0.0025, 9)):
        events.saw(key("a"), "hit", "memory", latency, results, "free")
    events.saw(key("a"), "miss", "fetch", 0.5, 1)
    events.saw(key("a", "brave"), "hit", "memory", 0, 1)
    assert await stored(world.sql) == 0
    assert await events.flush()
    assert sorted(await world.all("search_event", STORED)) == [
        ("a", "brave", "hit", "memory", 1, 0, 0, 0, ""),
        ("a", "serper", "hit", "memory", 3, 1, 7500, 4000, "free"),
        ("a", "serper", "miss", "fetch", 1, 0, 500_000, 500_000, ""),
    ]
    assert await events.flush()
    assert await stored(world.sql) == 5


async def test_who_asked_and_what_is_stored_only_where_told_to(world: World):
    ada = await world.db.users.create(NewUser(email="ada@example.com"))
    for options, query, user_id in (
        ({}, "secret", None),
        ({"record_queries": False}, None, None),
        ({"record_users": True}, "secret", ada.id),
    ):
        events = world.events(**options)
        events.saw(key("secret"), "hit", "memory", 0, 1, user_id=ada.id)
        assert await events.flush()
        assert await world.all("search_event", "query, user_id, 1") == [(query, user_id, 1)]
        await world.sql.execute("delete from x_search_event")
    events = world.events(record=False)
    events.saw(key("secret"), "hit", "memory", 0, 1)
    assert await events.flush()
    assert await stored(world.sql) == 0


async def test_a_user_who_is_gone_or_going_stops_no_flush(world: World):
    ada = await world.db.users.create(NewUser(email="ada@example.com"))
    gone = await world.db.users.create(NewUser(email="gone@example.com"))
    going = await world.db.users.create(NewUser(email="going@example.com"))
    await world.db.users.delete(gone.id)
    events = world.events(record_users=True)
    for user_id in (ada.id, gone.id, going.id, "nobody", "\0", "x" * 999):
        events.saw(key("a"), "hit", "memory", 0, 1, user_id=user_id)
    async with world.sql.transaction():
        await world.sql.execute("delete from x_user where id = $1", going.id)
        assert await events.flush()  # it does not wait for that transaction
    rows = await world.all("search_event", "user_id, calls, 1")
    assert rows == [(ada.id, 1, 1), *[(None, 1, 1)] * 5]


async def test_the_user_of_an_event_can_be_erased(world: World):
    ada = await world.db.users.create(NewUser(email="ada@example.com"))
    events = world.events(record_users=True)
    events.saw(key("a"), "hit", "memory", 0, 1, user_id=ada.id)
    await events.flush()
    await world.db.users.delete(ada.id)
    assert await stored(world.sql) == 0


async def test_what_cannot_be_stored_as_it_is_holds_nothing_up(world: World):
    events = world.events()
    odd = Key(b"h", "a\0b\ud800" + "ä" * 9999, "p" * 999, "\0")
    events.saw(odd, "hit", "memory", 0, 1, "g\0" * 999)
    events.saw(key("b"), "hit", "memory", 0, 1)
    assert await events.flush()
    ((query, provider, locale, group), _) = await world.all(
        "search_event", "query, provider, locale, user_group"
    )
    assert query == "a\ufffdb?" + "ä" * (LONGEST_QUERY - 4)
    assert (provider, locale) == ("p" * LONGEST_NAME, "\ufffd")
    assert group == "g\ufffd" * (LONGEST_NAME // 2)


async def test_counts_are_stored_by_time_by_number_and_at_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await world.sql.execute(
        "create function told() returns trigger language plpgsql as"
        " $$ begin notify stored; return null; end $$;"
        "create trigger told after insert on x_search_event execute function told()"
    )
    heard = asyncio.Event()
    await world.sql.add_listener("stored", lambda *_: heard.set())
    events = world.events(flush_after=timedelta(milliseconds=20))
    for round_ in (1, 2):
        heard.clear()
        events.saw(key("a"), "hit", "memory", 0, 1)
        await asyncio.wait_for(heard.wait(), 30)
        assert await stored(world.sql) == round_

    monkeypatch.setattr(module, "FLUSH_AT", 10)
    heard.clear()
    events = world.events(flush_after=LONG)
    for number in range(10):
        events.saw(key(f"{number}"), "hit", "memory", 0, 1)
    await asyncio.wait_for(heard.wait(), 30)
    assert await stored(world.sql) == 12

    async with Database(SCHEMA, world.url) as db:
        events = events_of(db, flush_after=LONG)
        events.saw(key("last"), "hit", "memory", 0, 1)
    assert await stored(world.sql) == 13


async def test_memory_is_bounded_and_every_call_counts(world: World):
    events = world.events(flush_after=LONG)
    await world.sql.execute("alter table x_search_event rename to away")
    for number in range(MAX_COUNTERS + 500):
        events.saw(key(f"{number}"), "hit", "memory", 0, 1, "free")
        events.saw(key(f"{number}"), "miss", "fetch", 0, 0, f"group {number}")
    assert not await events.flush()
    assert len(events._counters) <= MAX_COUNTERS + 2
    await world.sql.execute("alter table away rename to x_search_event")
    assert await events.flush()
    calls, unnamed = await world.sql.fetchrow(
        "select sum(calls)::bigint, (sum(calls) filter (where key_hash = ''))::bigint"
        " from x_search_event"
    )
    assert calls == 2 * (MAX_COUNTERS + 500)
    assert unnamed == calls - MAX_COUNTERS


async def test_a_flush_that_fails_is_told_once_and_made_up_for(
    world: World, caplog: pytest.LogCaptureFixture
):
    events = world.events(flush_after=LONG)
    await world.sql.execute("alter table x_search_event rename to away")
    for _ in range(3):
        events.saw(key("a"), "hit", "memory", 0.001, 1)
        assert not await events.flush()
    await world.sql.execute("alter table away rename to x_search_event")
    events.saw(key("a"), "hit", "memory", 0.005, 0)
    assert await events.flush()
    assert await world.all("search_event", STORED) == [
        ("a", "serper", "hit", "memory", 4, 1, 8000, 5000, "")
    ]
    said = [r for r in caplog.records if r.name == "chatkeep.cache"]
    assert [record.levelno for record in said] == [logging.WARNING]
    assert "could not be stored" in said[0].getMessage()


async def test_closing_a_database_that_refuses_says_what_was_lost(
    world: World, caplog: pytest.LogCaptureFixture
):
    async with Database(SCHEMA, world.url) as db:
        events = events_of(db, flush_after=LONG)
        events.saw(key("a"), "hit", "memory", 0, 1)
        events.saw(key("b"), "hit", "memory", 0, 1)
        await world.sql.execute("alter table x_search_event rename to away")
    assert "before 2 searches could be counted" in caplog.text


async def test_what_is_counted_after_the_end_waits_for_the_next_opening(world: World):
    db = Database(SCHEMA, world.url)
    events = events_of(db, flush_after=LONG)
    async with db:
        pass
    events.saw(key("a"), "hit", "memory", 0, 1)
    assert not await events.flush()
    assert events._timer is None
    async with db:
        events.saw(key("b"), "hit", "memory", 0, 1)
    assert await stored(world.sql) == 2


async def test_a_flush_that_is_cut_off_loses_nothing(world: World):
    events = world.events(flush_after=LONG)
    events.saw(key("a"), "hit", "memory", 0, 1)
    async with world.sql.transaction():
        await world.sql.execute("lock table x_search_event")
        flush = asyncio.create_task(events.flush())
        while not await is_waiting(world.sql):
            await asyncio.sleep(0)
        flush.cancel()  # its caller goes; what is being saved is saved
        events.saw(key("a"), "hit", "memory", 0, 1)
        with pytest.raises(asyncio.CancelledError):
            await flush
    assert await events.flush()
    assert await stored(world.sql) == 2


async def is_waiting(sql: asyncpg.Connection) -> bool:
    return await sql.fetchval(
        "select exists (select from pg_locks where not granted"
        " and database = (select oid from pg_database where datname = current_database()))"
    )


async def test_processes_that_count_together_lose_nothing(world: World):
    async def process(number: int) -> None:
        async with Database(SCHEMA, world.url) as db:
            events: Events = events_of(db, flush_after=timedelta(milliseconds=1))
            for call in range(400):
                events.saw(key(f"{call % 20}"), "hit", "memory", 0, 1, f"{number}")
                await asyncio.sleep(0)

    await asyncio.gather(*map(process, range(3)))
    assert await stored(world.sql) == 1200
