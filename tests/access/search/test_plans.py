"""One user's search uses the index, and reads no more blocks when other users have more."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import SearchFilter
from chatkeep.access.catalogue import catalogue_of
from chatkeep.access.search import Search
from chatkeep.access.search_queries import Form, SearchQueries
from chatkeep.access.search_terms import read_query
from chatkeep.database.creation import create_tables
from chatkeep.engine.pool import SESSION_SETTINGS
from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

P = "ai-app-template_"
USER = "user_7"
LATE = datetime(2100, 1, 1, tzinfo=UTC)
NO_RUNNER: Any = None
# A common word, one in ten, and a rare one; each message of each user in one of ten chats.
FILL = f"""
insert into "{P}user" (id, email)
    select 'user_' || u, u || '@x' from generate_series(%(first)s, %(last)s) u;
insert into "{P}chat" (id, user_id, title)
    select 'chat_' || u || '_' || c, 'user_' || u, 'title ' || c
    from generate_series(%(first)s, %(last)s) u, generate_series(0, 9) c;
insert into "{P}message" (id, chat_id, user_id, role, content)
    select 'm_' || u || '_' || n, 'chat_' || u || '_' || n %% 10, 'user_' || u, 'user',
        'common words ' || case when n %% 10 = 0 then 'tenth of ' else '' end || 'word' || n
    from generate_series(%(first)s, %(last)s) u, generate_series(0, 99) n order by n, u;
"""
RANKED = Form("relevance")
FILTERED = {
    "chat_id": "chat_7_0",
    "role": "user",
    "since": datetime(2000, 1, 1, tzinfo=UTC),
    "until": LATE,
    "model": "m",
}
PLACE = {"place_score": 10**6, "place_created_at": LATE, "place_key": "m", "top_at": LATE}
FORMS: dict[str, tuple[str, Form, Mapping[str, Any]]] = {
    "one word": ("tenth", RANKED, {}),
    "two words": ("common tenth", RANKED, {}),
    "a phrase": ('"tenth of"', Form("relevance", is_checked=True), {}),
    "a prefix": ("ten*", RANKED, {}),
    "an exclusion": ("tenth -word10", RANKED, {}),
    "everything": (
        '"tenth of" -"of x"',
        Form("relevance", titles=False, is_checked=True, is_narrow=True),
        {**FILTERED, **PLACE},
    ),
    "newest": ("tenth", Form("newest"), {}),
    "newest, the next page": ("tenth", Form("newest", is_narrow=True), PLACE),
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def plans(pg18: PgServer) -> AsyncIterator[asyncpg.Connection]:
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute("CREATE DATABASE search_plans")
    url = pg18.url("search_plans")
    await create_tables(deepsearch.schema(prefix=P), url)
    connection = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    yield connection
    await connection.close()
    await admin.execute("DROP DATABASE search_plans WITH (FORCE)")
    await admin.close()


async def fill(connection: asyncpg.Connection, first: int, last: int) -> None:
    await connection.execute(FILL % {"first": first, "last": last})
    await connection.execute("vacuum analyze")


def arguments(
    queries: SearchQueries, query: str, form: Form, given: Mapping[str, Any]
) -> list[object]:
    values = Search(NO_RUNNER, queries, USER)._values(read_query(query), SearchFilter())
    return queries.page(form).statement.arguments({**values, "limit": 21, **given})


async def measured(connection: asyncpg.Connection, mode: str) -> dict[str, tuple[int, int]]:
    """Rows and blocks of each form; each one must have used the index alone."""
    queries = catalogue_of(deepsearch.schema(prefix=P)).search
    await connection.execute(f"set plan_cache_mode = {mode}")
    found: dict[str, tuple[int, int]] = {}
    for name, (query, form, given) in FORMS.items():
        sql = f"explain (analyze, buffers, format json) {queries.page(form).statement.sql}"
        prepared = await connection.prepare(sql)
        values = arguments(queries, query, form, given)
        await prepared.fetchval(*values)  # the first call reads the catalog too
        plan = json.loads(await prepared.fetchval(*values))[0]["Plan"]
        nodes = list(walked(plan))
        on_messages = [node for node in nodes if node.get("Relation Name") == f"{P}message"]
        assert {node["Node Type"] for node in on_messages} == {"Bitmap Heap Scan"}, name
        scans = [node for node in nodes if node["Node Type"] == "Bitmap Index Scan"]
        assert [node["Index Name"] for node in scans] == [f"{P}message_search_idx"], name
        found[name] = plan["Actual Rows"], plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return found


def walked(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in walked(child))]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_blocks_do_not_grow_with_other_users(plans: asyncpg.Connection, mode: str) -> None:
    if not await plans.fetchval(f'select count(*) from "{P}user"'):
        await fill(plans, 0, 9)
        for each in ("force_custom_plan", "force_generic_plan"):
            BEFORE[each] = await measured(plans, each)
        await fill(plans, 10, 79)
    after = await measured(plans, mode)
    assert after["one word"][0] == after["newest"][0] == 10
    for name, (rows, blocks) in BEFORE[mode].items():
        assert after[name][0] == rows, name
        assert after[name][1] <= blocks + 12, name  # a level of an index here and there
        assert after[name][1] < 150


BEFORE: dict[str, dict[str, tuple[int, int]]] = {}


async def test_one_plan_serves_all(plans: asyncpg.Connection) -> None:
    """After five searches PostgreSQL keeps the plan: else planning costs more than searching."""
    queries = catalogue_of(deepsearch.schema(prefix=P)).search
    await plans.execute("set plan_cache_mode = auto")
    for query, form, given in FORMS.values():
        prepared = await plans.prepare(queries.page(form).statement.sql)
        values = arguments(queries, query, form, given)
        for _ in range(8):
            await prepared.fetch(*values)
        kept = await plans.fetchval(
            "select generic_plans from pg_prepared_statements where statement = $1",
            prepared.get_query(),
        )
        assert kept >= 3, query
