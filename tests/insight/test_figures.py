"""Figures of tens of thousands of rows: as exact as plain counts, bounded, and quick by an index."""

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from chatkeep.access.catalogue import catalogue_of
from chatkeep.engine.query import Query
from chatkeep.errors import ConfigError, InvalidInputError
from chatkeep.insight import activity, expiring, usage
from chatkeep.insight.advice import index_for
from chatkeep.insight.period import Period
from chatkeep.insight.reading import times
from chatkeep.presets import maps
from insight.rows import SCHEMA, P

PERIOD = Period(date(2026, 1, 11), date(2026, 2, 9))
IN_PERIOD = "created_at >= '2026-01-11Z' and created_at < '2026-02-10Z'"


async def test_usage_is_as_exact_as_plain_sums(big: asyncpg.Connection):
    figures = usage.UsageFigures(big, SCHEMA, PERIOD)
    rows = await big.fetch(f'select * from "{P}message_usage" where {IN_PERIOD}')
    totals = await figures.totals()
    assert len(rows) > 3000
    assert totals.answers == len(rows)
    assert totals.prompt_tokens == sum(row["prompt_tokens"] for row in rows)
    assert totals.completion_tokens == sum(row["completion_tokens"] for row in rows)
    assert totals.total_tokens == sum(row["total_tokens"] for row in rows)
    assert totals.cost == sum((row["cost"] or Decimal(0) for row in rows), Decimal(0))
    assert totals.priced == sum(row["cost"] is not None for row in rows) < len(rows)
    models = Counter[str]()
    days = Counter[date]()
    for row in rows:
        models[row["model"]] += row["total_tokens"]
        days[row["created_at"].date()] += row["total_tokens"]
    assert {each.model: each.total_tokens for each in await figures.by_model()} == models
    assert {each.day: each.total_tokens for each in await figures.by_day()} == days
    assert (min(days), max(days)) == (PERIOD.first, PERIOD.last)


async def test_the_users_with_the_most_tokens_are_given_and_no_more(big: asyncpg.Connection):
    figures = usage.UsageFigures(big, SCHEMA, PERIOD)
    rows = await big.fetch(
        f"""select user_id, sum(total_tokens)::int8 as tokens from "{P}message_usage"
        where {IN_PERIOD} group by 1 order by 2 desc, 1 limit 7"""
    )
    found = await figures.by_user(limit=7)
    assert [(each.user_id, each.total_tokens) for each in found] == [tuple(row) for row in rows]
    assert found[0].email == f"{found[0].user_id}@example.com"
    for limit in (0, 1001):
        with pytest.raises(InvalidInputError):
            await figures.by_user(limit=limit)


async def test_tokens_in_metadata_count_where_the_ledger_has_none(big: asyncpg.Connection):
    found = await usage.UsageFigures(big, SCHEMA, PERIOD).in_metadata()
    rows = await big.fetch(
        f"""select m.id, m.metadata from "{P}message" m where {IN_PERIOD} and m.metadata is not null
        and not exists (select from "{P}message_usage" u where u.message_id = m.id)"""
    )
    tokens, answers = Counter[str](), Counter[str]()
    for row in rows:
        metadata = json.loads(row["metadata"])
        answers[metadata["model"]] += 1
        tokens[metadata["model"]] += metadata["tokens"]["total"]
    assert len(answers) == 3
    assert {each.model: each.answers for each in found} == answers
    assert {each.model: each.total_tokens for each in found} == tokens


@pytest.mark.parametrize("what", ["messages", "chats", "users", "active"])
async def test_activity_is_as_exact_as_plain_counts(big: asyncpg.Connection, what: Any):
    found = await activity.read_activity(big, SCHEMA, what, PERIOD)
    table = {"messages": "message", "chats": "chat", "users": "user", "active": "message"}[what]
    role = "role" if what == "messages" else "null"
    where = "and role = 'user'" if what == "active" else ""
    counted = "distinct user_id" if what == "active" else "*"
    rows = await big.fetch(
        f"""select (created_at at time zone 'UTC')::date, {role}, count({counted})
        from "{P}{table}" where {IN_PERIOD} {where} group by 1, 2"""
    )
    assert len(rows) >= 30
    assert {(each.day, each.role, each.count) for each in found} == {tuple(row) for row in rows}


async def test_a_sample_is_near_and_says_its_share(
    big: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(activity, "SAMPLED", 20_000)
    days, share = await activity.sample_activity(big, SCHEMA, "messages", PERIOD)
    assert 0.4 < share < 0.6
    exact = await activity.read_activity(big, SCHEMA, "messages", PERIOD)
    total, estimated = sum(each.count for each in exact), sum(each.count for each in days)
    # Half of some 900 pages: a tenth is more than three standard deviations.
    assert abs(estimated - total) < total * 0.25


def _names(plan: dict[str, Any]) -> set[str]:
    found = {plan[key] for key in ("Node Type", "Index Name") if key in plan}
    return found.union(*(_names(each) for each in plan.get("Plans", [])))


async def _explain(
    connection: asyncpg.Connection, query: Query[Any], values: dict[str, object]
) -> tuple[set[str], int]:
    """Give the names of nodes and indexes of a plan, and how many rows came."""
    statement = query.statement
    text = await connection.fetchval(
        f"explain (analyze, format json) {statement.sql}", *statement.arguments(values)
    )
    plan = json.loads(text)[0]["Plan"]
    return _names(plan), plan["Actual Rows"]


async def test_the_index_that_is_named_makes_a_period_quick(big: asyncpg.Connection):
    queries = activity.activity_queries(catalogue_of(SCHEMA))
    short = times(Period(date(2026, 1, 11), date(2026, 1, 12)))
    table = activity.activity_table(SCHEMA, "messages")
    names, _ = await _explain(big, queries.messages, short)
    assert "Seq Scan" in names
    advised = await index_for(big, table)
    assert advised == f'CREATE INDEX CONCURRENTLY ON "{P}message" USING brin ("created_at");'
    attempt = big.transaction()
    await attempt.start()
    try:
        # Small ranges, for a table of this size has few pages of the usual 128.
        await big.execute(
            advised.replace("CONCURRENTLY ", "").replace(";", " WITH (pages_per_range=8)")
        )
        names, rows = await _explain(big, queries.messages, short)
        assert "Bitmap Index Scan" in names
        assert "Seq Scan" not in names
        assert rows == 4
        assert await index_for(big, table) is None
    finally:
        await attempt.rollback()


async def test_what_expires_is_read_of_an_index_and_bounded(
    big: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    queries = expiring.expiring_queries(catalogue_of(SCHEMA))
    names, rows = await _explain(big, queries.next, {"limit": 10})
    assert f"{P}search_cache_expires_at_idx" in names
    assert rows == 10
    found = {each.within: each.entries for each in await expiring.read_expiring(big, SCHEMA)}
    assert found == {"expired": 5000, "hour": 60, "day": 1380, "later": expiring.COUNTED}
    monkeypatch.setattr(expiring, "COUNTED", 50)
    found = {each.within: each.entries for each in await expiring.read_expiring(big, SCHEMA)}
    assert set(found.values()) == {50}
    following = await expiring.read_next(big, SCHEMA, 3)
    ends = [each.expires_at for each in following]
    assert ends == sorted(ends)


def test_a_schema_without_the_tables_says_so():
    other = maps.schema()
    for ask in (
        lambda: usage.usage_table(other),
        lambda: activity.activity_table(other, "messages"),
        lambda: expiring.expiring_queries(catalogue_of(other)),
    ):
        with pytest.raises(ConfigError, match="has no table"):
            ask()
    assert activity.activity_table(other, "users").name == "users"


def test_periods_are_whole_days_of_utc():
    week = Period.latest(7, today=date(2026, 11, 21))
    assert (week.first, week.last, week.days) == (date(2026, 11, 15), date(2026, 11, 21), 7)
    assert week.since.isoformat() == "2026-11-15T00:00:00+00:00"
    assert week.until.isoformat() == "2026-11-22T00:00:00+00:00"
    assert Period(date(9999, 12, 30), date.max).until > Period.latest(1).until
    with pytest.raises(InvalidInputError, match="before the first"):
        Period(date(2026, 1, 2), date(2026, 1, 1))
    with pytest.raises(InvalidInputError, match="at most"):
        Period(date(2000, 1, 1), date(2026, 1, 1))
    for days in (0, 3661):
        with pytest.raises(InvalidInputError):
            Period.latest(days)
