"""Each hot statement uses its index on 50,000 messages: no scan of a table, no sort of a chat."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from chatkeep.access.catalogue import Catalogue, catalogue_of
from chatkeep.database.creation import create_tables
from chatkeep.engine.pool import SESSION_SETTINGS
from chatkeep.engine.query import Query
from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

P = "ai-app-template_"

# 500 users, 5,000 chats, 50,000 messages; user_7 has a chat of 2,000 and 300 more chats. One more
# chat branched: 2,000 messages along the branch that is shown, and as many beside them.
FILL = f"""
insert into "{P}user" (id, email)
    select 'user_' || n, 'user_' || n || '@example.com' from generate_series(0, 499) n;
insert into "{P}account" (user_id, type, provider, provider_account_id)
    select 'user_' || n % 500, 'oauth', 'p' || n / 500, n from generate_series(0, 999) n;
insert into "{P}session" (session_token, user_id, expires)
    select 'token_' || n, 'user_' || n % 500, now() from generate_series(0, 1999) n;
insert into "{P}chat" (id, user_id, title, updated_at)
    select 'chat_' || n, 'user_' || case when n < 300 then 7 else n % 500 end, 't',
        now() - n * interval '1 minute' from generate_series(0, 4999) n;
insert into "{P}message" (id, chat_id, user_id, role, content)
    select 'msg_' || n, c.id, c.user_id, 'user', repeat('word ', 20)
    from generate_series(1, 50000) n
    join "{P}chat" c on c.id = 'chat_' || case when n <= 2000 then 0 else n % 5000 end;
insert into "{P}chat" (id, user_id, title, is_branched, head)
    values ('branched', 'user_7', 't', true, 'shown_2000');
insert into "{P}message" (id, chat_id, user_id, role, content, parent_id)
    select kind || '_' || n, 'branched', 'user_7', 'user', repeat('word ', 20),
        case when n > 1 then 'shown_' || n - 1 end
    from generate_series(1, 2000) n, unnest(array['shown', 'beside']) kind order by n, kind;
analyze;
"""

USER, CHAT, BRANCHED = "user_7", "chat_0", "branched"


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def big(pg18: PgServer) -> AsyncIterator[asyncpg.Connection]:
    """Filled once for each worker; every test only reads."""
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute("CREATE DATABASE access_plans")
    url = pg18.url("access_plans")
    await create_tables(deepsearch.schema(prefix=P), url)
    connection = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    await connection.execute(FILL)
    await connection.execute("vacuum analyze")
    yield connection
    await connection.close()
    await admin.execute("DROP DATABASE access_plans WITH (FORCE)")
    await admin.close()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue[Any, Any, Any, Any]:
    return catalogue_of(deepsearch.schema(prefix=P))


CASES: dict[str, tuple[dict[str, object], set[str]]] = {
    "users.find": ({"id": USER}, {f"{P}user_pkey"}),
    "users.find_by_email": ({"email": "USER_7@example.com"}, {f"{P}user_email_lower_idx"}),
    "users.get_with_accounts": ({"id": USER}, {f"{P}user_pkey", f"{P}account_user_id_idx"}),
    "accounts.list": (
        {"user_id": USER, "provider": "", "provider_account_id": "", "limit": 51},
        {f"{P}account_user_id_idx"},
    ),
    "sessions.find": ({"session_token": "token_7"}, {f"{P}session_pkey"}),
    "scoped_chats.find": ({"user_id": USER, "id": CHAT}, {f"{P}chat_user_id_id_unique"}),
    "scoped_chats.list": (
        {"user_id": USER, "limit": 51},
        {f"{P}chat_user_id_updated_at_id_idx"},
    ),
    "scoped_chats.list_after": (
        {"user_id": USER, "place_at": "now", "place_key": "chat_50", "limit": 51},
        {f"{P}chat_user_id_updated_at_id_idx"},
    ),
    "scoped_chats.list_before": (
        {"user_id": USER, "place_at": "now", "place_key": "chat_50", "limit": 51},
        {f"{P}chat_user_id_updated_at_id_idx"},
    ),
    "scoped_chats.get_with_messages": (
        {"user_id": USER, "id": CHAT, "messages": 100, "seq": -1},
        {f"{P}message_user_id_chat_id_seq_idx"},
    ),
    "chats.get_with_messages": (
        {"id": CHAT, "messages": 100, "seq": -1},
        {f"{P}message_user_id_chat_id_seq_idx", f"{P}chat_pkey"},
    ),
    "scoped_messages.list_before": (
        {"user_id": USER, "chat_id": CHAT, "seq": 1500, "limit": 51},
        {f"{P}message_user_id_chat_id_seq_idx"},
    ),
    "scoped_messages.list_after": (
        {"user_id": USER, "chat_id": CHAT, "seq": 500, "limit": 51},
        {f"{P}message_user_id_chat_id_seq_idx"},
    ),
    "messages.list_before": (
        {"chat_id": CHAT, "seq": 1500, "limit": 51},
        {f"{P}message_user_id_chat_id_seq_idx", f"{P}chat_pkey"},
    ),
    "scoped_messages.siblings": (
        {"user_id": USER, "id": "beside_1000"},
        {f"{P}message_user_id_chat_id_parent_id_idx"},
    ),
    "scoped_messages.find": (
        {"user_id": USER, "id": "msg_5"},
        {f"{P}message_user_id_id_unique"},
    ),
}
SORTS_FEW = {"users.get_with_accounts", "accounts.list"}  # the accounts of one user


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", CASES)
async def test_plan(
    big: asyncpg.Connection, catalogue: Catalogue[Any, Any, Any, Any], name: str, mode: str
) -> None:
    values, wanted = CASES[name]
    part, attribute = name.split(".")
    query: Query[Any] = getattr(getattr(catalogue, part), attribute)
    if values.get("place_at") == "now":
        values = {**values, "place_at": await big.fetchval("select now()")}
    await big.execute(f"set plan_cache_mode = {mode}")
    found = await plan_of(big, query, values)
    kinds = {node["Node Type"] for node in found}
    used = {node["Index Name"] for node in found if "Index Name" in node}
    assert "Seq Scan" not in kinds
    assert wanted <= used
    if name not in SORTS_FEW:
        assert_sorts_a_page_at_most(found)
    assert blocks(found) < 400


def assert_sorts_a_page_at_most(found: list[dict[str, Any]]) -> None:
    sorted_rows = [
        child["Actual Rows"] * child["Actual Loops"]
        for node in found
        if "Sort" in node["Node Type"]
        for child in node["Plans"]
    ]
    assert all(rows <= 51 for rows in sorted_rows)


def blocks(found: list[dict[str, Any]]) -> int:
    return sum(found[0].get(key, 0) for key in ("Shared Hit Blocks", "Shared Read Blocks"))


def is_run(found: list[dict[str, Any]], key: str, value: str) -> bool:
    """Whether a node of the plan gave rows."""
    return any(
        node.get(key) == value and node["Actual Rows"] * node["Actual Loops"] > 0 for node in found
    )


async def plan_of(
    big: asyncpg.Connection, query: Query[Any], values: dict[str, object]
) -> list[dict[str, Any]]:
    explained = await big.fetchval(
        f"explain (analyze, buffers, format json) {query.statement.sql}",
        *query.statement.arguments(values),
    )
    return nodes(json.loads(explained)[0]["Plan"])


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("direction", ["before", "after"])
async def test_a_chat_is_a_range_until_it_branches_and_a_walk_from_then_on(
    big: asyncpg.Connection, catalogue: Catalogue[Any, Any, Any, Any], direction: str, mode: str
) -> None:
    await big.execute(f"set plan_cache_mode = {mode}")
    query: Query[Any] = getattr(catalogue.scoped_messages, f"list_{direction}")
    place = 2**62 if direction == "before" else -1
    values: dict[str, object] = {"user_id": USER, "chat_id": CHAT, "seq": place, "limit": 51}
    line = await plan_of(big, query, values)
    walk = await plan_of(big, query, {**values, "chat_id": BRANCHED})
    by_seq = f"{P}message_user_id_chat_id_seq_idx"
    assert is_run(line, "Index Name", by_seq)
    assert not is_run(line, "Node Type", "Recursive Union")
    assert is_run(walk, "Node Type", "Recursive Union")
    assert not is_run(walk, "Index Name", by_seq)
    assert "Seq Scan" not in {node["Node Type"] for node in walk}
    # Backwards a page is walked; forwards the whole branch, to its first message.
    steps = 51 if direction == "before" else 2000
    assert blocks(walk) < 10 * steps + 400


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_branch_is_walked_a_page_far_from_any_message(
    big: asyncpg.Connection, catalogue: Catalogue[Any, Any, Any, Any], mode: str
) -> None:
    await big.execute(f"set plan_cache_mode = {mode}")
    for tip in ("shown_2000", "beside_1000"):
        values = {"user_id": USER, "chat_id": BRANCHED, "seq": 2**62, "limit": 51, "tip": tip}
        found = await plan_of(big, catalogue.scoped_messages.list_branch_before, values)
        assert found[0]["Actual Rows"] == 51
        assert_sorts_a_page_at_most(found)
        assert blocks(found) < 1000
