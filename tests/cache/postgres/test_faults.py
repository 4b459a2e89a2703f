"""Whatever is wrong with PostgreSQL or with a row is a miss and a line in the log, within a bound."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from cache.postgres.conftest import (
    ENTRY,
    KEY,
    NOW,
    OTHER,
    SCHEMA,
    SOON,
    Clock,
    Place,
    found,
    same_titles,
    tier_of,
)
from cache.postgres.test_lock import is_idle, waiting
from chatkeep import Database
from chatkeep.cache.entries import Entry
from chatkeep.cache.postgres_tier import PostgresTier
from chatkeep.records.search_cache import SearchResult
from fixtures.proxy import FaultProxy, eventually, proxied
from fixtures.servers import PgServer

pytestmark = pytest.mark.usefixtures("warnings_of_the_cache")


@pytest.fixture
def warnings_of_the_cache(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "chatkeep.cache")


async def all_miss(tier: PostgresTier) -> None:
    assert await tier.get(KEY) is None
    assert await tier.put(KEY, ENTRY) is False
    assert await tier.forget(KEY) is False


@asynccontextmanager
async def through_a_proxy(
    place: Place, pg18: PgServer
) -> AsyncIterator[tuple[Database, FaultProxy]]:
    async with proxied(pg18.socket_dir) as proxy:
        url = proxy.url(urlsplit(place.url).path.lstrip("/"))
        async with Database(SCHEMA, url, connect_timeout=timedelta(seconds=2)) as db:
            try:
                yield db, proxy
            finally:
                proxy.heal()


async def test_a_table_that_is_missing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    await place.raw.execute('alter table "x_search_cache" rename to gone')
    await all_miss(place.tier)
    (line,) = caplog.messages  # one for all three: the next one is due in ten seconds
    assert line == (
        "PostgreSQL of the search cache, get: SchemaMismatchError: search_cache.get: the database "
        "lacks a table or column of the schema. Run `chatkeep status`, then `chatkeep migrate`."
    )
    await place.raw.execute('alter table gone rename to "x_search_cache"')
    assert await place.tier.put(KEY, ENTRY)


async def test_the_lines_of_ten_seconds_are_one(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    tier = tier_of(place.db, place.clock, clock=clock)
    await place.raw.execute('alter table "x_search_cache" rename to gone')
    await all_miss(tier)
    clock.now += 10
    await all_miss(tier)
    assert len(caplog.messages) == 2
    assert caplog.messages[1].endswith("; 2 more since the last line")


async def test_a_pool_without_a_free_connection(place: Place) -> None:
    async with Database(SCHEMA, place.url, max_connections=1) as db:
        tier = tier_of(db, place.clock, timeout=SOON)
        async with db.transaction():
            await all_miss(tier)
        assert await tier.put(KEY, ENTRY)
        assert same_titles(await tier.get(KEY), ENTRY)


async def test_a_table_that_somebody_locks(place: Place) -> None:
    tier = tier_of(place.db, place.clock, timeout=SOON)
    async with place.raw.transaction():
        await place.raw.execute('lock table "x_search_cache" in access exclusive mode')
        await all_miss(tier)
    await eventually(lambda: is_idle(place))  # the server was told to stop
    assert await tier.put(KEY, ENTRY)


async def test_connections_that_break(place: Place, pg18: PgServer) -> None:
    async with through_a_proxy(place, pg18) as (db, proxy):
        tier = tier_of(db, place.clock)
        assert await tier.put(KEY, ENTRY)
        proxy.strike({"drop": 1})
        await all_miss(tier)
        proxy.heal()
        assert same_titles(await tier.get(KEY), ENTRY)


async def test_a_server_that_says_nothing_is_asked_a_few_times_only(
    place: Place, pg18: PgServer
) -> None:
    async with through_a_proxy(place, pg18) as (db, proxy):
        clock = Clock()
        tier = tier_of(db, place.clock, timeout=SOON, clock=clock, breaker_failures=2)
        assert await tier.put(KEY, ENTRY)
        proxy.strike({"stall": 1}, "to_client")
        await all_miss(tier)
        with db.statements() as sent:
            await all_miss(tier)
        assert sent.names == []
        proxy.heal()
        proxy.drop_all()
        assert await tier.get(KEY) is None  # not yet
        clock.now += 5
        assert same_titles(await tier.get(KEY), ENTRY)
        assert same_titles(await tier.get(KEY), ENTRY)


@pytest.mark.parametrize(
    "results",
    [
        "null", "{}", "[]", '"text"', '{"organic": []}',
        '{"organic": [], "chatkeep": {"version": 2}}',
        '{"organic": [], "chatkeep": {"version": "1"}}',
        '{"organic": [], "chatkeep": {"version": 1, "exact": "?"}}',
        '{"organic": [], "chatkeep": {"version": 1, "exact": "AAAA"}}',
        '{"organic": {}, "chatkeep": {"version": 1}}',
        '{"organic": [1], "chatkeep": {"version": 1}}',
        '{"organic": [{"title": "a"}], "chatkeep": {"version": 1}}',
        '{"organic": [{"title": 1, "link": "a"}], "chatkeep": {"version": 1}}',
        '{"organic": [{"title": "a", "link": "b", "position": "1"}], "chatkeep": {"version": 1}}',
        '{"organic": [{"title": "a", "link": "b", "date": 1}], "chatkeep": {"version": 1}}',
        '{"organic":[{"title":"a","link":"b","extra":1}],"chatkeep":{"version":1,"rich":[0]}}',
        '{"organic": [], "chatkeep": {"version": 1, "rich": [0]}}',
    ],
)  # fmt: skip
async def test_a_row_that_cannot_be_read(
    place: Place, results: str, caplog: pytest.LogCaptureFixture
) -> None:
    await place.tier.put(KEY, ENTRY)
    await place.raw.execute('update "x_search_cache" set results = $1::jsonb', results)
    assert await place.tier.get(KEY) is None
    (line,) = caplog.messages
    assert line == (
        "PostgreSQL of the search cache, get: StoredDataError: A stored value in table "
        '"x_search_cache", column "results", does not have the shape that the schema promises. '
        "Another program may have written it; correct the row, or widen the column's type."
    )
    assert await place.tier.put(KEY, found("anew", at=1))
    assert await place.tier.get(KEY) is not None


async def test_times_that_never_come(place: Place) -> None:
    for column in ("created_at", "expires_at"):
        await place.tier.put(KEY, ENTRY)
        await place.raw.execute(f"update \"x_search_cache\" set {column} = 'infinity'")
        assert await place.tier.get(KEY) is None
        await place.tier.forget(KEY)
    await place.tier.put(KEY, ENTRY)
    await place.raw.execute("update \"x_search_cache\" set stale_until = 'infinity'")
    got = await place.tier.get(KEY)
    assert got is not None
    assert got.stale_until == ENTRY.expires_at


@pytest.mark.parametrize(
    "entry",
    [
        found("a", fetched_at=float("inf")),
        found("a", expires_at=float("nan")),
        found("a", stale_until=1e18),
        Entry((SearchResult("\ud800", "x"),), b"", NOW, NOW + 60, NOW + 600),
        Entry((), b'{"a":"\\ud800"}', NOW, NOW + 60, NOW + 600),
        Entry((), b"[1]", NOW, NOW + 60, NOW + 600),
        Entry((), b"{", NOW, NOW + 60, NOW + 600),
        Entry((), b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}", NOW, NOW + 60, NOW + 600),
    ],
    ids=range(8),
)
async def test_an_entry_that_cannot_be_stored(
    place: Place, entry: Entry, caplog: pytest.LogCaptureFixture
) -> None:
    await place.tier.put(OTHER, ENTRY)
    assert await place.tier.put(KEY, entry) is False
    assert len(caplog.messages) == 1
    assert await place.tier.get(KEY) is None
    assert await place.count() == 1


async def test_a_cancellation_passes_and_leaves_the_pool_whole(place: Place) -> None:
    async with Database(SCHEMA, place.url, max_connections=1) as db:
        tier = tier_of(db, place.clock)
        async with place.raw.transaction():
            await place.raw.execute('lock table "x_search_cache" in access exclusive mode')
            for call in (tier.get(KEY), tier.put(KEY, ENTRY), tier.forget(KEY)):
                task = asyncio.create_task(call)
                await eventually(lambda: waiting(place))
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await eventually(lambda: is_free(place))
        assert await tier.put(KEY, ENTRY)
        assert same_titles(await tier.get(KEY), ENTRY)


async def is_free(place: Place) -> bool:
    return not await waiting(place)
