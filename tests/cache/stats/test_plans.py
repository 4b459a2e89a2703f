"""No statement on statistics reads a whole table for a part of it: 20,000 rows each, or 200,000."""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from cache.stats.conftest import SCHEMA, World
from chatkeep.access.catalogue import catalogue_of
from chatkeep.cache.event_queries import event_queries
from chatkeep.engine.compile import Statement
from chatkeep.personal.retention import Policy
from chatkeep.personal.sweep_belongings import declared
from chatkeep.personal.sweep_rules import Rules
from chatkeep.personal.sweep_walks import Walks

ROWS = 200_000 if os.environ.get("CHATKEEP_FULL") else 20_000
DAY = timedelta(days=1)
_FILL = """
insert into x_search_event (created_at, key_hash, query, provider, locale, outcome, tier)
select now() - n * interval '40 days' / $1, sha256((n % 9999)::text::bytea), 'q ' || n % 9999,
    'serper', 'en', 'hit', 'memory' from generate_series(0, $1::int) n
"""
_FILL_DAYS = """
insert into x_search_day (day, provider, locale, user_group, key_hash, outcome, tier, query, calls,
    no_results, latency_us, latency_max_us)
select current_date - n % 400, 'serper', 'en', '', sha256(n::text::bytea), 'hit', 'memory', 'q', 1,
    0, 1, 1 from generate_series(0, $1::int) n
"""


async def plan(world: World, statement: Statement, values: Mapping[str, object]) -> dict[str, Any]:
    """How it was run: with the rows that each step read."""
    text = await world.sql.fetchval(
        f"explain (analyze, format json) {statement.sql}", *statement.arguments(values)
    )
    return msgspec.json.decode(text)[0]["Plan"]


def steps(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from steps(child)


def reads(node: dict[str, Any]) -> dict[str, float]:
    """Rows read of each table, whether they were of use or not; a scan of all of it is infinite."""
    found: dict[str, float] = {}
    for step in steps(node):
        name = step.get("Relation Name")
        if name is not None and "Scan" in step["Node Type"]:
            rows = step["Actual Rows"] * step["Actual Loops"]
            rows += step.get("Rows Removed by Filter", 0)
            is_whole = step["Node Type"] == "Seq Scan"
            found[name] = found.get(name, 0) + (float("inf") if is_whole else rows)
    return found


async def filled(world: World) -> None:
    await world.sql.execute("begin")
    await world.sql.fetch(_FILL, ROWS)
    await world.sql.fetch(_FILL_DAYS, ROWS)
    await world.sql.execute("commit")
    await world.sql.execute("vacuum analyze x_search_event, x_search_day")


async def test_a_few_days_are_read_by_an_index(world: World):
    await filled(world)
    queries = event_queries(catalogue_of(SCHEMA))
    first = datetime.now(UTC) - timedelta(days=1)
    values = {"since": first, "since_day": first.date(), "top": 10}
    for query in (queries.sums, queries.popular):
        statement = query(by_provider=False, by_group=False).statement
        read = reads(await plan(world, statement, values))
        assert set(read) == {"x_search_event", "x_search_day"}
        assert read["x_search_event"] < ROWS / 30
        assert read["x_search_day"] < ROWS / 100


async def test_a_sweep_reads_a_window_at_a_time_however_much_there_is(world: World):
    await filled(world)
    policies = [Policy("search_events", timedelta(days=30)), Policy("search_days", 300 * DAY)]
    rules = Rules(SCHEMA.tables, policies, datetime.now(UTC))
    walks = {walk.name: walk for walk in Walks(SCHEMA, rules, declared(SCHEMA.tables)).all()}
    assert list(walks) == ["search_days", "search_events"]
    for name, table in (("search_days", "x_search_day"), ("search_events", "x_search_event")):
        walk = walks[name]
        start = dict(zip((f"after_{c}" for c in walk.order), walk.start, strict=True))
        read = reads(await plan(world, walk.window, {**start, "limit": 100}))
        assert read == {table: 100}
        key = ", ".join(walk.key)
        old = await world.sql.fetch(
            f"select {key} from {table} order by created_at limit {ROWS // 400}"
        )
        columns = zip(*map(tuple, old), strict=True)
        given = {f"given_{c}": list(v) for c, v in zip(walk.key, columns, strict=True)}
        for statement in (walk.look, walk.lock, walk.remove):
            assert reads(await plan(world, statement, given))[table] <= len(old), statement.name
    assert isinstance(walks["search_days"].start[0], date)
