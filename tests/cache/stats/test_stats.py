"""What statistics say of events and days, against the same counted by hand."""

import random
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from cache.stats.conftest import SCHEMA, World, key
from chatkeep.cache.events import Events
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.errors import InvalidInputError
from chatkeep.personal.sweeping import sweep
from chatkeep.records.search_stats import SearchStats

DAY = timedelta(days=1)
OUTCOMES = {
    "hit": "memory redis postgres",
    "stale": "postgres",
    "miss": "fetch",
    "failed": "fetch",
    "known_failure": "memory",
}


def midnight() -> datetime:
    return datetime.combine(datetime.now(UTC).date(), time(), UTC)


async def stats_of(world: World, **asked: Any) -> SearchStats:
    return await world.events().stats(**asked)


async def filled(world: World) -> list[dict[str, Any]]:
    draw, events = random.Random(8), []
    for _ in range(300):
        outcome = draw.choice(list(OUTCOMES))
        calls = draw.randrange(1, 9)
        events.append(
            {
                "at": midnight() - DAY * draw.randrange(5) + timedelta(seconds=draw.randrange(60)),
                "query": f"q{draw.randrange(30)}",
                "provider": draw.choice(["serper", "brave"]),
                "outcome": outcome,
                "tier": draw.choice(OUTCOMES[outcome].split()),
                "calls": calls,
                "no_results": draw.randrange(calls + 1) if draw.random() < 0.2 else 0,
                "latency_us": draw.randrange(10_000),
                "latency_max_us": draw.randrange(10_000),
                "user_group": draw.choice(["", "free", "paid"]),
            }
        )
    for event in events:
        await world.event(**event)
    return events


def check(stats: SearchStats, events: list[dict[str, Any]], top: int) -> None:
    """Compare with the sums of these events."""

    def calls(part: list[dict[str, Any]], *outcomes: str) -> int:
        return sum(e["calls"] for e in part if not outcomes or e["outcome"] in outcomes)

    def check_counts(counts: Any, part: list[dict[str, Any]]) -> None:
        every = calls(part)
        assert (counts.calls, counts.hits, counts.stale) == (
            every, calls(part, "hit"), calls(part, "stale"),
        )  # fmt: skip
        assert (counts.misses, counts.failed) == (calls(part, "miss"), calls(part, "failed"))
        assert counts.known_failures == calls(part, "known_failure")
        assert counts.saved == calls(part, "hit", "known_failure")
        assert counts.no_results == sum(e["no_results"] for e in part)
        assert counts.hit_rate == pytest.approx(calls(part, "hit", "stale") / every)
        assert counts.mean_ms == pytest.approx(sum(e["latency_us"] for e in part) / every / 1000)
        assert counts.max_ms == max(e["latency_max_us"] for e in part) / 1000

    def ranked(part: list[dict[str, Any]], by: str = "calls") -> list[tuple[str, int]]:
        sums: Counter[str] = Counter()
        for e in part:
            sums[e["query"]] += e[by]
        found = sorted((-n, query.encode(), query) for query, n in sums.items() if n)
        return [(query, -n) for n, _, query in found[:top]]

    check_counts(stats, events)
    assert {t.tier for t in stats.tiers} == {e["tier"] for e in events}
    for tier in stats.tiers:
        check_counts(tier, [e for e in events if e["tier"] == tier.tier])
    assert [d.day for d in stats.days] == sorted({e["at"].date() for e in events})
    for day in stats.days:
        part = [e for e in events if e["at"].date() == day.day]
        check_counts(day, part)
        assert [(q.query, q.calls) for q in day.queries] == ranked(part)
    groups = Counter(e["user_group"] for e in events)
    assert len(stats.groups) == min(len(groups), top)
    assert [g.calls for g in stats.groups] == sorted((g.calls for g in stats.groups), reverse=True)
    for group in stats.groups:
        part = [e for e in events if e["user_group"] == group.user_group]
        check_counts(group, part)
        assert [(q.query, q.calls) for q in group.queries] == ranked(part)
    assert [(q.query, q.calls) for q in stats.queries] == ranked(events)
    for query in stats.queries:
        part = [e for e in events if e["query"] == query.query]
        assert (query.hits, query.key) == (calls(part, "hit", "stale"), query.query.encode().hex())
    none = [(q.query, q.no_results) for q in stats.without_results]
    assert none == ranked(events, "no_results")


async def test_it_is_what_was_counted_before_and_after_a_sweep(world: World):
    events = await filled(world)
    before = await stats_of(world, top=5)
    check(before, events, 5)
    await sweep(SCHEMA, world.url)
    assert await world.sql.fetchval("select count(*) from x_search_day") > 0
    assert await stats_of(world, top=5) == before

    since = midnight() - 2 * DAY + timedelta(hours=7)  # its whole day counts
    young = [e for e in events if e["at"] >= midnight() - 2 * DAY]
    found = await stats_of(world, since=since)
    check(found, young, 10)
    assert found.since == since.date()
    part = [e for e in young if (e["provider"], e["user_group"]) == ("brave", "free")]
    check(await stats_of(world, since=since, provider="brave", user_group="free"), part, 10)
    part = [e for e in events if not e["user_group"]]
    check(await stats_of(world, user_group="", top=1), part, 1)


async def test_nothing_counted_is_no_rate(world: World):
    stats = await stats_of(world, provider="nobody")
    assert (stats.calls, stats.hit_rate, stats.mean_ms, stats.max_ms) == (0, None, None, 0)
    assert (stats.tiers, stats.days, stats.groups, stats.queries) == ([], [], [], [])


async def test_searches_without_a_text_keep_their_hash(world: World):
    await world.event(midnight(), None, calls=2)
    await world.sql.execute("update x_search_event set key_hash = '\\xab'")
    await world.event(midnight(), "", calls=7)  # of those beyond a process's bound: no hash
    stats = await stats_of(world)
    assert stats.calls == 9
    ((query, key),) = [(q.query, q.key) for q in stats.queries]
    assert (query, key) == (None, "ab")
    assert stats.to_dict()["queries"][0]["noResults"] == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"top": 0}, {"top": 101}, {"top": True}, {"top": "3"}, {"since": "7d"},
        {"since": datetime(2026, 1, 1)}, {"provider": 3}, {"user_group": "a\0"},  # noqa: DTZ001
    ],
    ids=repr,
)  # fmt: skip
async def test_bad_input_is_refused_before_anything_is_sent(asked: dict[str, Any]):
    nothing: Any = None
    with pytest.raises(InvalidInputError) as caught:
        await Events(nothing, nothing, SearchCacheOptions()).stats(**asked)
    assert caught.value.field in asked


async def test_what_was_just_counted_is_in_them(world: World):
    events = world.events(flush_after=timedelta(hours=1))
    events.saw(key("a"), "failed", "fetch", 0.25, 0)
    events.saw(key("a"), "miss", "fetch", 0.75, 0)
    stats = await events.stats(since=datetime.now(UTC))
    assert (stats.calls, stats.failed, stats.misses, stats.no_results) == (2, 1, 1, 1)
    assert (stats.mean_ms, stats.max_ms, stats.hit_rate) == (500, 750, 0)
