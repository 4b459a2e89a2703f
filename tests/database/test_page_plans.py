"""A page deep in 50,000 rows costs what the first one costs: it begins in the order's index."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    func,
    select,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from chatkeep.access.keyset import LIMIT, Keyset, place_name
from chatkeep.engine.compile import DIALECT, compile_statement
from chatkeep.engine.pool import SESSION_SETTINGS
from fixtures.servers import PgServer

EVENTS = Table(
    "event",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("owner", Integer, nullable=False),
    Column("at", TIMESTAMP(timezone=True), nullable=False),
    Column("rank", Integer),
    Column("title", Text, nullable=False),
)
e = EVENTS.c
INDEXES = (
    Index("by_time", e.owner, e.at, e.id),
    Index("by_rank", e.owner, e.rank, e.id),
    Index("by_title", e.owner, e.title, e.at.desc(), e.id.desc()),
    Index("by_lower", e.owner, func.lower(e.title), e.id),
)
# 4 owners; owner 1 has 12,500 events, 10 at each moment, a third without a rank.
FILL = """
insert into event (id, owner, at, rank, title)
    select n, n % 4, timestamptz '2026-01-01' + n / 40 * interval '1 second',
        case when n % 3 = 0 then null else n % 1000 end, 'Title ' || n % 5000
    from generate_series(1, 50000) n
"""
OWNED = select(EVENTS).where(e.owner == 1)
NOON = "2026-01-01 00:10:00+00"

# order, place, index
CASES: dict[str, tuple[Any, list[str | None], str]] = {
    "time": (e.at.desc(), [NOON, "24001"], "by_time"),
    "time and key": ([e.at, e.id], [NOON, "24001"], "by_time"),
    "directions differ": ([e.title, e.at.desc()], ["Title 3", NOON, "24001"], "by_title"),
    "nulls passed": (e.rank.desc(), ["500", "24001"], "by_rank"),
    "nulls to come": (e.rank, ["500", "24001"], "by_rank"),
    "nulls to come soon": (e.rank, ["997", "49997"], "by_rank"),
    "among nulls": (e.rank, [None, "24001"], "by_rank"),
    "among first nulls": (e.rank.desc(), [None, "24001"], "by_rank"),
    "expression": (func.lower(e.title), ["title 3", "24001"], "by_lower"),
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def filled(pg18: PgServer) -> AsyncIterator[asyncpg.Connection]:
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute("CREATE DATABASE page_plans")
    connection = await asyncpg.connect(pg18.url("page_plans"), server_settings=SESSION_SETTINGS)
    await connection.execute(str(CreateTable(EVENTS).compile(dialect=DIALECT)))
    await connection.execute(FILL)
    for index in INDEXES:
        await connection.execute(str(CreateIndex(index).compile(dialect=DIALECT)))
    await connection.execute("vacuum analyze")
    yield connection
    await connection.close()
    await admin.execute("DROP DATABASE page_plans WITH (FORCE)")
    await admin.close()


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("is_back", [False, True], ids=["forward", "back"])
@pytest.mark.parametrize("name", CASES)
async def test_plan(filled: asyncpg.Connection, name: str, is_back: bool, mode: str) -> None:
    order_by, place, index = CASES[name]
    keyset = Keyset(OWNED, order_by)
    nulls = [part is None for part in place]
    statement = compile_statement("page", keyset.statement(nulls, is_back=is_back))
    values: dict[str, object] = {place_name(n): part for n, part in enumerate(place)}
    await filled.execute(f"set plan_cache_mode = {mode}")
    explained = await filled.fetchval(
        f"explain (analyze, buffers, format json) {statement.sql}",
        *statement.arguments({**values, LIMIT: 51}),
    )
    found = nodes(json.loads(explained)[0]["Plan"])
    kinds = {node["Node Type"] for node in found}
    assert "Seq Scan" not in kinds
    assert {node["Index Name"] for node in found if "Index Name" in node} == {index}
    # Two arms are sorted together after each gave its page; nothing else is sorted.
    sorted_rows = [node["Actual Rows"] for node in found if "Sort" in node["Node Type"]]
    assert all(rows <= 51 for rows in sorted_rows)
    assert len(sorted_rows) <= (1 if "Append" in " ".join(kinds) else 0)
    assert found[0]["Actual Rows"] <= 51
    assert sum(found[0].get(key, 0) for key in ("Shared Hit Blocks", "Shared Read Blocks")) < 300


@pytest.mark.parametrize("is_back", [False, True], ids=["first", "last"])
async def test_the_pages_at_the_ends_have_no_condition(
    filled: asyncpg.Connection, is_back: bool
) -> None:
    statement = compile_statement("page", Keyset(OWNED, e.rank).statement(None, is_back=is_back))
    assert statement.sql.count("WHERE") == 1
    assert " AND " not in statement.sql
    explained = await filled.fetchval(
        f"explain (format json) {statement.sql}", *statement.arguments({LIMIT: 51})
    )
    found = nodes(json.loads(explained)[0]["Plan"])
    assert [node["Node Type"] for node in found][1:] == ["Index Scan"]
