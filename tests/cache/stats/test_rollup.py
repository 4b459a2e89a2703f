"""`chatkeep sweep` sums events up by day: nothing twice, nothing lost."""

import asyncio
import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import asyncpg
import pytest

from cache.stats.conftest import SCHEMA, World, key
from chatkeep.errors import ConfigError, ConnectionFailedError
from chatkeep.personal.retention import Policy, policies
from chatkeep.personal.sweep_batches import Pace
from chatkeep.personal.sweeping import sweep, sweep_report
from chatkeep.presets import maps

DAY = timedelta(days=1)
FAST = Pace(rows=50, pause=timedelta())


def midnight() -> datetime:
    return datetime.combine(datetime.now(UTC).date(), time(), UTC)


async def fill(world: World, count: int, seed: int = 1) -> None:
    """Events of the last four days and of today, at random."""
    draw = random.Random(seed)
    rows = [
        (
            midnight() - DAY * draw.randrange(4) - timedelta(seconds=draw.randrange(1, 86_400)),
            draw.choice((b"a", b"b", b"c")), draw.choice(("a", None)), draw.choice(("p", "q")),
            "en", draw.choice(("hit", "miss")), draw.choice(("memory", "fetch")),
            draw.randrange(1, 9), draw.randrange(3), draw.randrange(1000), draw.randrange(1000),
            draw.choice(("", "free")),
        )
        for _ in range(count)
    ]  # fmt: skip
    rows += [(datetime.now(UTC), *rows[0][1:])] * 5
    await world.sql.copy_records_to_table(
        "x_search_event",
        records=rows,
        columns=[
            "created_at", "key_hash", "query", "provider", "locale", "outcome", "tier", "calls",
            "no_results", "latency_us", "latency_max_us", "user_group",
        ],
    )  # fmt: skip


async def test_days_that_are_over_are_summed_up_and_today_is_not(world: World):
    yesterday, today = midnight() - timedelta(seconds=1), midnight()
    more = {"outcome": "miss", "tier": "fetch", "user_group": "free"}
    await world.event(yesterday, calls=3, latency_us=30, latency_max_us=20)
    await world.event(yesterday - timedelta(hours=3), calls=4, no_results=1, latency_max_us=8)
    await world.event(yesterday, None, calls=5, **more)
    await world.event(today, calls=6)
    told = await sweep_report(SCHEMA, world.url)
    assert told.found == {"search_events": 3}
    done = await sweep(SCHEMA, world.url)
    assert done.found == done.removed == told.found
    assert not any(line.kept or line.difference for line in done.policies)
    columns = "query, user_group, day, outcome, tier, calls, no_results, latency_us, latency_max_us"
    assert await world.all("search_day", columns) == [
        ("q", "", yesterday.date(), "hit", "postgres", 7, 1, 40, 20),
        (None, "free", yesterday.date(), "miss", "fetch", 5, 0, 10, 10),
    ]
    assert await world.all("search_event", "created_at, calls, id is null") == [(today, 6, False)]

    await world.event(yesterday, calls=1, no_results=1, latency_us=2, latency_max_us=99)
    assert (await sweep(SCHEMA, world.url)).removed == {"search_events": 1}
    assert (await world.all("search_day", columns))[0][5:] == (8, 2, 42, 99)
    assert not (await sweep(SCHEMA, world.url)).found


async def test_a_policy_keeps_events_for_longer_and_takes_old_days(world: World):
    for days in (1, 4, 40, 90):
        await world.event(midnight() - days * DAY)
    keep = policies([{"what": "search_events", "older_than": "3d"}])
    assert (await sweep(SCHEMA, world.url, keep)).removed == {"search_events": 3}
    keep = policies(
        [
            {"what": "search_events", "older_than": "never"},
            {"what": "search_days", "older_than": "60d"},
        ]
    )
    told = await sweep_report(SCHEMA, world.url, keep)
    assert told.found == {"search_days": 1}
    assert told.policies[1].oldest == midnight() - 89 * DAY  # the end of that day
    done = await sweep(SCHEMA, world.url, keep)
    assert done.removed == told.found
    assert [row[0] for row in await world.all("search_day", "day, query, tier")] == [
        (midnight() - days * DAY).date() for days in (40, 4)
    ]
    assert len(await world.all("search_event")) == 1


async def test_days_of_a_session_in_another_zone_are_those_of_utc(world: World):
    name = await world.sql.fetchval("select current_database()")
    await world.sql.execute(f"alter database {name} set timezone = 'Asia/Tokyo'")
    await world.event(datetime(2026, 3, 29, 23, 59, tzinfo=UTC))
    await world.event(datetime(2026, 3, 30, 0, 0, tzinfo=UTC))
    await sweep(SCHEMA, world.url)
    days = [row[0] for row in await world.all("search_day", "day, query, tier")]
    assert days == [date(2026, 3, 29), date(2026, 3, 30)]


async def test_a_sweep_killed_between_batches_counts_nothing_twice(world: World):
    await fill(world, 600)
    before = await world.sums()
    pid = "select pid from pg_stat_activity where application_name = 'chatkeep sweep'"
    killer = await asyncpg.connect(world.url)
    await world.sql.execute("listen swept")
    # Each batch tells; the first few sweeps are killed at whatever they are at then.
    await world.sql.execute(
        "create function told() returns trigger language plpgsql as"
        " $$ begin notify swept; return null; end $$;"
        "create trigger told after delete on x_search_event execute function told()"
    )
    kills = 0
    for _ in range(3):
        heard = asyncio.Event()
        listener: Any = lambda *_: heard.set()  # noqa: B023, E731 - of this round
        await world.sql.add_listener("swept", listener)
        task = asyncio.create_task(sweep(SCHEMA, world.url, pace=FAST))
        await heard.wait()
        kills += len(await killer.fetch(f"select pg_terminate_backend(pid) from ({pid}) as its"))
        with pytest.raises((ConnectionFailedError, asyncpg.InternalClientError)):
            await task
        await world.sql.remove_listener("swept", listener)
        assert await world.sums() == before
    await killer.close()
    assert kills == 3
    left = (await sweep_report(SCHEMA, world.url)).found["search_events"]
    assert 0 < left < 600
    assert (await sweep(SCHEMA, world.url, pace=FAST)).removed == {"search_events": left}
    assert await world.sums() == before


async def test_two_sweeps_and_processes_that_count_lose_nothing(world: World):
    await fill(world, 1000)
    before = await world.sums()
    events = world.events()

    async def counting() -> None:
        for number in range(100):
            await world.event(midnight() - timedelta(seconds=1), latency_us=0)
            events.saw(key(f"{number}"), "hit", "memory", 0, 1)
            await events.flush()

    *done, _ = await asyncio.gather(
        sweep(SCHEMA, world.url, pace=FAST), sweep(SCHEMA, world.url, pace=FAST), counting()
    )
    last = await sweep(SCHEMA, world.url)
    assert sum(each.removed["search_events"] for each in (*done, last) if each) == 1100
    calls, none, latency, most = await world.sums()
    assert (calls - 200, none, latency, most) == before


async def test_an_event_that_somebody_holds_stays_and_is_told(world: World):
    await world.event(midnight() - DAY)
    await world.event(midnight() - DAY, "other")
    async with world.sql.transaction():
        await world.sql.execute("select from x_search_event where query = 'q' for update")
        done = await sweep(SCHEMA, world.url)
    (line,) = (line for line in done.policies if line.policy.what == "search_events")
    assert (line.removed, line.kept) == ({"search_events": 1}, {"held by somebody else": 1})
    assert line.difference == {"search_events": -1}
    assert (await world.sums())[0] == 2


@pytest.mark.parametrize("what", ["search_events", "search_days"])
async def test_a_schema_without_statistics_refuses_the_policy(what: Any, database_url: str):
    schema = maps.schema()
    with pytest.raises(ConfigError, match="no table"):
        await sweep_report(schema, database_url, [Policy(what, DAY)])


def test_everything_at_once_is_no_retention_of_days():
    with pytest.raises(ConfigError, match="everything would go"):
        Policy("search_days", timedelta())
    assert Policy("search_events", timedelta()).label == "search_events"
