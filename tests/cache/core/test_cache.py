"""What a caller gets: fresh, stale, failed, kept and forgotten."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest

from cache.core.conftest import SCHEMA, Search, World
from chatkeep import (
    ConfigError,
    Database,
    DatabaseClosedError,
    InvalidInputError,
    SearchCacheOptions,
    SearchFailedError,
    SearchResult,
    SearchResults,
)
from chatkeep.presets import deepsearch, maps

DAY = timedelta(days=1).total_seconds()
PAGE = {"title": "t", "link": "l"}


def brief(found: SearchResults | None) -> Any:
    return found and (found.outcome, found.tier, [one.title for one in found])


async def test_memory_then_postgres_then_fetch(world: World):
    search, one, other = Search(), world.process(), world.process()
    assert brief(await one.get_or_fetch("Q", search)) == ("miss", "fetch", ["Q 1"])
    await world.settled()
    assert brief(await one.get_or_fetch("q ", search)) == ("hit", "memory", ["Q 1"])
    assert brief(await other.get_or_fetch("q", search)) == ("hit", "postgres", ["Q 1"])
    assert brief(await other.get_or_fetch("q", search)) == ("hit", "memory", ["Q 1"])
    assert brief(await one.get_or_fetch("q", search, locale="de")) == ("miss", "fetch", ["q 2"])
    await world.settled()


async def test_a_function_of_no_argument(world: World):
    async def search() -> dict[str, Any]:
        return {"organic": [{**PAGE, "more": [1]}], "credits": 1}

    cache = world.process()
    found = await cache.get_or_fetch("q", search)
    assert (found[0].extra, found.extra) == ({"more": [1]}, {"credits": 1})
    await world.settled()
    again = await world.process().get_or_fetch("q", search)
    assert (again.tier, again.results, again.extra) == ("postgres", found.results, found.extra)


async def test_stale_is_given_while_one_fetches(world: World):
    cache, search = world.process(memory_ttl=timedelta(days=9)), Search()
    await cache.get_or_fetch("q", search)
    await world.settled()
    world.clock.now += DAY
    search.gate = asyncio.Event()
    found = [await cache.get_or_fetch("q", search) for _ in range(10)]
    assert {brief(one)[:2] for one in found} == {("stale", "memory")}
    other = world.process()
    assert brief(await other.get_or_fetch("q", search)) == ("stale", "postgres", ["q 1"])
    await search.begun.wait()
    search.gate.set()
    await world.settled()
    assert search.calls == ["q", "q"]
    assert brief(await cache.get_or_fetch("q", search)) == ("hit", "memory", ["q 2"])


async def test_nothing_older_than_allowed(world: World):
    options = {"ttl": timedelta(minutes=1), "stale_for": timedelta(minutes=1)}
    search = Search()
    for process in (world.process(**options), world.process(**options, memory_bytes=0)):
        await process.get_or_fetch("q", search)
        await world.settled()
        world.clock.now += 120
        assert await process.get("q") is None
        assert (await process.get_or_fetch("q", search)).outcome == "miss"
        await world.settled()


async def test_memory_is_believed_for_a_while_only(world: World):
    one, other, search = world.process(), world.process(), Search()
    await one.get_or_fetch("q", search)
    await world.settled()
    world.clock.now += 1
    assert await other.put("q", [PAGE])
    assert brief(await one.get_or_fetch("q", search)) == ("hit", "memory", ["q 1"])
    world.clock.now += 60
    assert brief(await one.get_or_fetch("q", search)) == ("hit", "postgres", ["t"])


async def test_refreshed_before_the_end(world: World):
    cache, search = world.process(memory_ttl=timedelta(days=9)), Search()
    await cache.get_or_fetch("q", search)
    await world.settled()
    world.clock.now += DAY - 0.00001  # the fetch took longer than that
    world.chance.value = 0.99
    assert brief(await cache.get_or_fetch("q", search)) == ("hit", "memory", ["q 1"])
    await world.settled()
    assert search.calls == ["q", "q"]
    assert brief(await cache.get_or_fetch("q", search)) == ("hit", "memory", ["q 2"])


async def test_a_failure_is_known_for_a_while_everywhere(world: World):
    one, other = world.process(), world.process()
    search = Search(error=ConnectionError("key=SECRET"))
    with pytest.raises(ConnectionError):
        await one.get_or_fetch("q", search)
    await world.settled()
    for cache in (one, other, other):
        with pytest.raises(SearchFailedError) as caught:
            await cache.get_or_fetch("q", search)
        assert caught.value.failure == "ConnectionError"
        assert 0 < caught.value.retry_after <= 30
        assert await cache.get("q") is None
    assert search.calls == ["q"]
    rows = [
        list(row.values())
        for row in await world.raw.fetch('select * from "ai-app-template_search_cache"')
    ]
    assert "SECRET" not in repr(rows)
    world.clock.now += 30
    search.error = None
    assert (await other.get_or_fetch("q", search)).outcome == "miss"
    await world.settled()


async def test_older_results_win_over_a_failure(world: World, caplog: pytest.LogCaptureFixture):
    one, other, search = world.process(), world.process(), Search()
    await one.get_or_fetch("q", search)
    await world.settled()
    world.clock.now += DAY
    search.error = ConnectionError("key=SECRET")
    for cache in (one, one, one):
        assert brief(await cache.get_or_fetch("q", search))[::2] == ("stale", ["q 1"])
        await world.settled()
    assert len(search.calls) == 2  # not tried again at each call
    assert "ConnectionError" in caplog.text
    assert "SECRET" not in caplog.text
    assert brief(await other.get_or_fetch("q", search))[::2] == ("stale", ["q 1"])
    await world.settled()
    search.error = None
    world.clock.now += 31
    await one.get_or_fetch("q", search)
    await world.settled()
    assert brief(await one.get_or_fetch("q", search)) == (
        "hit",
        "memory",
        [f"q {len(search.calls)}"],
    )


async def test_no_failure_is_kept_where_none_shall_be(world: World):
    cache, search = world.process(failure_ttl=timedelta()), Search(error=KeyError())
    for _ in range(3):
        with pytest.raises(KeyError):
            await cache.get_or_fetch("q", search)
    assert len(search.calls) == 3


async def test_put_get_forget(world: World):
    one, other = world.process(), world.process()
    assert await one.get("q") is None
    assert not await one.forget("q")
    assert await one.put("q", [SearchResult("t", "l")], ttl=timedelta(minutes=5))
    found = await other.get(" Q")
    assert brief(found) == ("hit", "postgres", ["t"])
    assert found is not None
    assert found.expires_at == world.clock.now + 300
    assert await other.forget("q")
    assert await other.get("q") is None
    assert brief(await one.get("q")) == ("hit", "memory", ["t"])
    assert await one.put("q", found)
    assert brief(await other.get("q")) == ("hit", "postgres", ["t"])


async def test_forgotten_while_it_is_fetched(world: World):
    cache, search = world.process(), Search(gate=asyncio.Event())
    call = asyncio.create_task(cache.get_or_fetch("q", search))
    await search.begun.wait()
    await cache.forget("q")
    search.gate.set()
    assert (await call).outcome == "miss"
    await world.settled()
    assert await cache.get("q") is None
    assert await world.process().get("q") is None


async def test_too_large(world: World, caplog: pytest.LogCaptureFixture):
    cache = world.process(max_bytes=1000)
    large = [{**PAGE, "snippet": "x" * 1000}]

    async def search() -> list[dict[str, str]]:
        return large

    with pytest.raises(InvalidInputError, match="at most 1000 are kept") as caught:
        await cache.put("q", large)
    assert caught.value.field == "results"
    with caplog.at_level(logging.WARNING, "chatkeep.cache"):
        for _ in range(3):
            found = await cache.get_or_fetch("q", search)
            assert (found.outcome, found[0].snippet) == ("miss", "x" * 1000)
            await world.settled()
    assert caplog.text.count("more than max_bytes") == 1
    assert await cache.get("q") is None


async def test_warm(world: World):
    cache, search = world.process(), Search()
    await cache.put("kept", [PAGE])
    await cache.put("old", [PAGE], ttl=timedelta(seconds=1))
    world.clock.now += 1
    report = await cache.warm(["a", "b", " A", "kept", "old"], search, at_once=2)
    assert (report.searches, report.fetched, report.failed) == (4, 3, ())
    assert sorted(search.calls) == ["a", "b", "old"]
    await world.settled()
    assert brief(await world.process().get("old"))[0] == "hit"
    search.error = ValueError("SECRET")
    report = await cache.warm(["c", "a"], search)
    assert [(one.query, one.failure) for one in report.failed] == [("c", "ValueError")]
    report = await cache.warm(["c"], search)
    assert [(one.query, one.failure) for one in report.failed] == [("c", "ValueError")]
    assert (await cache.warm([], search)).searches == 0
    await world.settled()


async def test_sweep(world: World):
    cache = world.process(stale_for=timedelta())
    await cache.put("q", [PAGE], ttl=timedelta(seconds=1))
    await cache.put("other", [PAGE])
    assert await cache.sweep() == 0
    world.clock.now += 2
    assert await cache.sweep() == 1
    assert await cache.sweep() == 0


async def test_without_postgres(world: World, caplog: pytest.LogCaptureFixture):
    await world.raw.execute('alter table "ai-app-template_search_cache" rename to gone')
    cache, search = world.process(), Search()
    assert brief(await cache.get_or_fetch("q", search)) == ("miss", "fetch", ["q 1"])
    await world.settled()
    assert brief(await cache.get_or_fetch("q", search)) == ("hit", "memory", ["q 1"])
    assert not await cache.put("q", [PAGE])
    assert brief(await cache.get("q")) == ("hit", "memory", ["t"])
    assert "chatkeep.cache" in {record.name for record in caplog.records}


async def test_garbage_in_postgres(world: World):
    search = Search()
    await world.process().get_or_fetch("q", search)
    await world.settled()
    await world.raw.execute(
        """update "ai-app-template_search_cache" set results = '{"chatkeep": 7}'"""
    )
    cache = world.process()
    assert await cache.get("q") is None
    assert brief(await cache.get_or_fetch("q", search)) == ("miss", "fetch", ["q 2"])
    await world.settled()
    assert brief(await world.process().get("q")) == ("hit", "postgres", ["q 2"])


async def test_closed_and_opened_again(world: World):
    db = Database(SCHEMA, world.url)
    cache, search = db.search_cache, Search()
    with pytest.raises(DatabaseClosedError):
        await cache.get_or_fetch("q", search)
    for _ in range(2):
        async with db:
            assert db.search_cache is cache
            await cache.get_or_fetch("q", search)
        for call in (cache.get("q"), cache.put("q", [PAGE]), cache.forget("q"), cache.sweep()):
            with pytest.raises(DatabaseClosedError):
                await call
    assert search.calls == ["q"]  # what was fetched was stored before the end


def test_schemas_without_it(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match="search_cache"):
        _ = Database(maps.schema(), "postgresql://u@h/d").search_cache
    monkeypatch.setenv("REDIS_URL", "no url")
    with pytest.raises(ConfigError) as caught:
        _ = Database(deepsearch.schema(), "postgresql://u@h/d").search_cache
    assert "no url" not in str(caught.value)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("get_or_fetch", {"query": ""}, "query"),
    ("get_or_fetch", {"locale": 1}, "locale"),
    ("get_or_fetch", {"ttl": 60}, "ttl"),
    ("get_or_fetch", {"ttl": timedelta()}, "ttl"),
    ("get_or_fetch", {"ttl": timedelta(days=9999)}, "ttl"),
    ("get_or_fetch", {"user_group": 7}, "user_group"),
    ("get_or_fetch", {"user_group": "\0"}, "user_group"),
    ("get_or_fetch", {"user_group": "x" * 101}, "user_group"),
    ("get_or_fetch", {"user_id": ""}, "user_id"),
    ("get_or_fetch", {"user_id": 7}, "user_id"),
    ("get_or_fetch", {"language": "en"}, "language"),
    ("get_or_fetch", {"fetch": None}, "fetch"),
    ("get_or_fetch", {"fetch": lambda one, two: None}, "fetch"),
    ("get_or_fetch", {"fetch": lambda *, named: None}, "fetch"),
    ("get_or_fetch", {"fetch": list}, "fetch"),
    ("get", {"ttl": timedelta(1)}, "ttl"),
    ("get", {"query": 7}, "query"),
    ("put", {"results": None}, "results"),
    ("put", {"results": [], "user_id": "u"}, "user_id"),
    ("forget", {"options": 7}, "options"),
    ("warm", {"queries": "text", "fetch": Search()}, "queries"),
    ("warm", {"queries": None, "fetch": Search()}, "queries"),
    ("warm", {"queries": ["a"], "fetch": 7}, "fetch"),
    ("warm", {"queries": ["a", ""], "fetch": Search()}, "query"),
    ("warm", {"queries": ["a"], "fetch": Search(), "at_once": 0}, "at_once"),
    ("warm", {"queries": ["a"], "fetch": Search(), "at_once": "4"}, "at_once"),
]


async def test_bad_input(world: World):
    cache = world.process()
    for method, arguments, field in BAD:
        given = dict(arguments)
        if method != "warm":
            given.setdefault("query", "q")
        if method == "get_or_fetch":
            given.setdefault("fetch", Search())
        with pytest.raises(InvalidInputError) as caught:
            await getattr(cache, method)(**given)
        assert caught.value.field == field, (method, arguments)
        await world.settled()
        await cache.forget("q")  # that the function is none at all is a failure of the search, too
    assert await world.raw.fetch('select * from "ai-app-template_search_cache"') == []


@pytest.mark.parametrize(
    "options",
    [
        {"ttl": timedelta()},
        {"ttl": 60},
        {"stale_for": timedelta(seconds=-1)},
        {"failure_ttl": timedelta(days=4000)},
        {"jitter": 1},
        {"jitter": -0.1},
        {"refresh_early": float("nan")},
        {"refresh_early": "1"},
        {"memory_bytes": -1},
        {"memory_bytes": 1.5},
        {"max_bytes": 0},
        {"breaker_failures": True},
        {"redis_url": 7},
        {"namespace": ""},
        {"namespace": b"x"},
        {"record": 1},
    ],
)
def test_bad_options(options: dict[str, Any]):
    with pytest.raises(ConfigError, match=next(iter(options))):
        SearchCacheOptions(**options)


def test_bad_setting():
    with pytest.raises(ConfigError, match="search_cache must be"):
        Database(SCHEMA, "postgresql://u@h/d", search_cache={"ttl": 1})


async def test_none_is_no_group_and_no_user(world: World):
    cache = world.process(record=True)
    for _ in range(2):  # fetched, and from memory
        await cache.get_or_fetch("q", Search(), user_group=None, user_id=None)
    (group,) = (await cache.stats()).groups
    assert (group.user_group, group.calls) == ("", 2)
    await world.settled()
