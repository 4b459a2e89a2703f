"""What expires in the cache: gone once nobody may be given it, in small steps along the index."""

import asyncio
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta

import asyncpg
import pytest

from cache.postgres.conftest import (
    ENTRY,
    KEY,
    PLACES,
    QUERIES,
    SCHEMA,
    Place,
    found,
    lock_of,
    tier_of,
    titles,
)
from chatkeep.cache.keys import make_key
from chatkeep.cache.postgres_queries import LONG_AGO
from chatkeep.cache.postgres_tier import _values as values_of
from chatkeep.engine.pool import SESSION_SETTINGS
from chatkeep.personal.retention import Policy
from chatkeep.personal.sweep_belongings import declared
from chatkeep.personal.sweep_queries import Walk
from chatkeep.personal.sweep_rules import Rules
from chatkeep.personal.sweep_walks import Walks
from chatkeep.personal.sweeping import sweep, sweep_report
from fixtures.servers import Databases, PgServer

# Hours from now of expires_at and stale_until; the seed's code leaves the second one out.
FILL = """
insert into "x_search_cache" (query, results, key_hash, expires_at, stale_until)
select 'q' || e || ' ' || coalesce(s::text, '-'), '{}', sha256((e || ' ' || coalesce(s, 0))::bytea),
    now() + e * interval '1 h', now() + s * interval '1 h'
from (values (-3, null), (-3, -2), (-3, 2), (-1, -1), (-1, 5), (2, null), (2, 3)) as t (e, s)
"""
STAY = ["q-1 5", "q-3 2", "q2 -", "q2 3"]
LEASE = {"query": "", "results": "{}", "lifetime": timedelta(seconds=30)}
ROWS = 200_000 if os.environ.get("CHATKEEP_FULL") else 20_000
MANY = """
insert into "x_search_cache" (query, results, key_hash, expires_at, stale_until)
select 'q', '{}', sha256(n::text::bytea), now() + (n - $1::int / 2) * interval '1 s',
    now() + (n - $1::int / 4) * interval '1 s' from generate_series(1, $1::int) as n
"""


async def queries(raw: asyncpg.Connection) -> list[str]:
    rows = await raw.fetch('select query from "x_search_cache" order by query collate "C"')
    return [row["query"] for row in rows]


@pytest.mark.parametrize("anywhere", PLACES[:2], indirect=True)
async def test_the_report_is_what_a_sweep_removes(anywhere: Place) -> None:
    await anywhere.raw.execute(FILL)
    told = await sweep_report(SCHEMA, anywhere.url)
    assert (told.found, await anywhere.count()) == ({"search_cache": 3}, 7)
    done = await sweep(SCHEMA, anywhere.url)
    assert done.found == done.removed == {"search_cache": 3}
    assert await queries(anywhere.raw) == STAY


async def test_a_policy_counts_from_when_nobody_may_be_given_it(place: Place) -> None:
    await place.raw.execute(FILL)
    done = await sweep(SCHEMA, place.url, [Policy("search_cache", timedelta(hours=2, minutes=30))])
    assert done.found == done.removed == {"search_cache": 1}
    assert "q-3 -" not in await queries(place.raw)


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize("anywhere", PLACES, indirect=True)
async def test_the_tier_sweeps_the_same(anywhere: Place, rows: int) -> None:
    await anywhere.raw.execute(FILL)
    anywhere.clock.now = float(await anywhere.raw.fetchval("select extract(epoch from now())"))
    with anywhere.db.statements() as sent:
        assert await anywhere.tier.sweep(rows) == 3
    assert await queries(anywhere.raw) == STAY
    assert len(sent.names) == {1: 6, 2: 4, 100: 2}[rows]  # five have expired
    assert await anywhere.tier.sweep(rows) == 0


async def test_rows_that_somebody_holds_are_passed_over(place: Place) -> None:
    await place.tier.put(KEY, ENTRY)
    await place.tier.put(make_key("other", "serper", "en"), ENTRY)
    place.clock.now += 1000
    async with place.raw.transaction():
        await place.raw.execute('select from "x_search_cache" where id = 1 for update')
        assert await place.tier.sweep() == 1
    assert [row["id"] for row in await place.rows()] == [1]


async def test_what_is_fetched_anew_beside_a_sweep_stays(place: Place) -> None:
    keys = [make_key(f"query {n}", "serper", "en") for n in range(60)]
    for key in keys:
        await place.tier.put(key, ENTRY)
    place.clock.now += 1000
    other = tier_of(place.db, place.clock)

    async def sweeps() -> None:
        for _ in range(5):
            await other.sweep(7)

    puts = (place.tier.put(key, found("anew", at=1000)) for key in keys)
    _, *kept = await asyncio.gather(sweeps(), *puts)
    # One that goes while it is looked for is not kept: the next search fetches it again.
    for key, was_kept in zip(keys, kept, strict=True):
        entry = await place.tier.get(key)
        assert (entry is not None) is was_kept
        assert entry is None or titles(entry) == ["anew"]


async def test_a_lease_that_runs_stays(place: Place) -> None:
    assert await lock_of(place.db).try_hold(KEY) is not None
    assert (await sweep(SCHEMA, place.url)).removed == {}
    assert await place.count() == 1


async def test_each_step_goes_along_the_index(
    pg: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    url = await fresh_database(pg).holding(SCHEMA)
    raw = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    await raw.execute(MANY.replace("$1::int", str(ROWS)))
    await raw.execute("analyze")
    now = await raw.fetchval("select now()")
    step = {"before": now, "limit": 1000, "after_expires_at": LONG_AGO, "after_id": 0}
    window = next(walk.window for walk in walks(now) if walk.name == "search_cache")
    key = {"key_hash": KEY.hash}
    plans = {
        "sweep": (QUERIES.sweep.statement, step),
        "window": (window, step),
        "get": (QUERIES.get.statement, key),
        "put": (QUERIES.put.statement, values_of(KEY, ENTRY)),
        "forget": (QUERIES.forget.statement, key),
        "lease": (QUERIES.lease.statement, {**key, **LEASE}),
        "release": (QUERIES.release.statement, {**key, **LEASE}),
    }
    for name, (statement, given) in plans.items():
        arguments = statement.arguments(given)
        plan = await raw.fetchval("explain (format json) " + statement.sql, *arguments)
        nodes = list(nodes_of(json.loads(plan)[0]["Plan"]))
        assert "Seq Scan" not in {node["Node Type"] for node in nodes}, name
        indexes = {node["Index Name"] for node in nodes if "Index Name" in node}
        is_sweep = name in {"sweep", "window"}
        assert ("x_search_cache_expires_at_idx" in indexes) is is_sweep
        assert ("x_search_cache_key_hash_unique" in indexes) is not is_sweep
    await raw.close()


def walks(now: datetime) -> list[Walk]:
    rules = Rules(SCHEMA.tables, [Policy("search_cache", timedelta())], now)
    return Walks(SCHEMA, rules, declared(SCHEMA.tables)).all()


def nodes_of(plan: dict) -> list[dict]:
    inner = [node for child in plan.get("Plans", ()) for node in nodes_of(child)]
    return [plan, *inner]
