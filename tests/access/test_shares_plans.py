"""Usage, feedback, shares and trees use their indexes on 50,000 messages; no table is scanned."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from chatkeep.access.catalogue import Catalogue, catalogue_of
from chatkeep.access.paging import MAX_SEQ, MIN_SEQ
from chatkeep.access.shares import hash_of
from chatkeep.database.creation import create_tables
from chatkeep.engine.pool import SESSION_SETTINGS
from chatkeep.engine.query import Query
from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

P = "ai-app-template_"

# 500 users, 5,000 chats, 50,000 messages, each after the one before it; user_7 has a chat of 2,000
# that never branched, and one of 100 that did. All used something; one in ten has feedback; ten
# shares of each of 2,000 chats.
FILL = f"""
insert into "{P}user" (id, email)
    select 'user_' || n, 'user_' || n || '@example.com' from generate_series(0, 499) n;
insert into "{P}chat" (id, user_id, title, head, is_branched)
    select 'chat_' || n, 'user_' || case when n < 300 then 7 else n % 500 end, 't',
        case when n = 1 then 'msg_2100' end, n = 1
    from generate_series(0, 4999) n;
insert into "{P}message" (id, chat_id, user_id, role, content, parent_id)
    select 'msg_' || n, c.id, c.user_id, 'user', repeat('word ', 20),
        case when n % 2000 <> 1 then 'msg_' || n - 1 end
    from generate_series(1, 50000) n
    join "{P}chat" c
        on c.id = 'chat_' || case when n <= 2000 then 0 when n <= 2100 then 1 else n % 5000 end;
insert into "{P}message_usage" (user_id, message_id, chat_id, model, total_tokens, created_at)
    select user_id, id, chat_id, 'm' || seq % 3, seq, '2026-03-01'::timestamptz + seq * interval '1 minute'
    from "{P}message";
insert into "{P}message_feedback" (user_id, message_id, vote, created_at)
    select user_id, id, 1, '2026-03-01'::timestamptz + seq * interval '1 minute'
    from "{P}message" where seq % 10 = 0;
insert into "{P}chat_share" (id, user_id, chat_id, token_hash, kind, head)
    select 'share_' || c.id || '_' || n, c.user_id, c.id, sha256((c.id || '_' || n)::bytea),
        case when n = 1 then 'snapshot' else 'live' end,
        case when n = 1 then case c.id when 'chat_0' then 'msg_1500' else 'msg_2050' end end
    from "{P}chat" c, generate_series(1, 10) n where c.id < 'chat_3';
"""

USER, CHAT, LATE = {"user_id": "user_7"}, "chat_0", datetime.max  # noqa: DTZ901 - infinity
TIME = {"since": datetime.min, "until": LATE}  # noqa: DTZ901 - infinity
MESSAGES = f"{P}message_user_id_chat_id_seq_idx"
MESSAGE = f"{P}message_user_id_id_unique"
LEDGER = f"{P}message_usage_user_id_created_at_message_id_idx"
TOKEN = f"{P}chat_share_token_hash_unique"
ROLES = {"roles": ["user", "assistant"], "limit": 51}


def link(chat_id: str, number: int) -> dict[str, object]:
    return {"token_hash": hash_of(f"{chat_id}_{number}")}


CASES: dict[str, tuple[str, dict[str, object], set[str], int]] = {
    "tree": (
        "scoped_chats.tree",
        {**USER, "id": CHAT, "seq": MIN_SEQ, "limit": 51},
        {MESSAGES},
        30,
    ),
    "ledger": ("scoped_usage.list", {**USER, **TIME, "limit": 51}, {LEDGER}, 120),
    "ledger after": (
        "scoped_usage.list_after",
        {**USER, **TIME, "limit": 51, "place_at": "2026-03-02T00:00Z", "place_key": "msg_9"},
        {LEDGER},
        120,
    ),
    "totals of an hour": (
        "scoped_usage.totals",
        {**USER, "since": "2026-03-01T06:00Z", "until": "2026-03-01T07:00Z"},
        {LEDGER},
        120,
    ),
    "usage": ("scoped_usage.find", {**USER, "message_id": "msg_9"}, set(), 10),
    "feedback": ("scoped_feedback.find", {**USER, "message_id": "msg_10"}, set(), 15),
    "feedback of a chat": (
        "scoped_feedback.list",
        {**USER, "chat_id": "chat_1", "limit": 51},
        set(),
        2000,
    ),
    "shares": ("scoped_shares.list", {**USER, "chat_id": CHAT, "limit": 51}, set(), 60),
    "link": ("shared.get", link(CHAT, 1), {TOKEN}, 15),
    "live": (
        "shared.list_before",
        {**link(CHAT, 2), **ROLES, "seq": MAX_SEQ},
        {TOKEN, MESSAGES},
        30,
    ),
    "snapshot": (
        "shared.list_before",
        {**link(CHAT, 1), **ROLES, "seq": MAX_SEQ},
        {TOKEN, MESSAGES, MESSAGE},
        30,
    ),
    "snapshot forward": (
        "shared.list_after",
        {**link(CHAT, 1), **ROLES, "seq": MIN_SEQ},
        {TOKEN, MESSAGES, MESSAGE},
        30,
    ),
    "branched snapshot": (
        "shared.list_before",
        {**link("chat_1", 1), **ROLES, "seq": MAX_SEQ},
        {TOKEN, MESSAGE},
        500,
    ),
}
SORTS_FEW = {"feedback of a chat", "shares"}  # of one chat


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def big(pg18: PgServer) -> AsyncIterator[asyncpg.Connection]:
    """Filled once for each worker; every test only reads."""
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute("CREATE DATABASE share_plans")
    url = pg18.url("share_plans")
    await create_tables(deepsearch.schema(prefix=P), url)
    connection = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    await connection.execute(FILL)
    await connection.execute("vacuum analyze")
    yield connection
    await connection.close()
    await admin.execute("DROP DATABASE share_plans WITH (FORCE)")
    await admin.close()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue[Any, Any, Any, Any]:
    return catalogue_of(deepsearch.schema(prefix=P))


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


def as_time(name: str, value: object) -> object:
    is_time = name in {"since", "until", "place_at"} and isinstance(value, str)
    return datetime.fromisoformat(str(value)) if is_time else value


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("case", CASES)
async def test_plan(
    big: asyncpg.Connection, catalogue: Catalogue[Any, Any, Any, Any], case: str, mode: str
) -> None:
    name, given, wanted, pages = CASES[case]
    part, attribute = name.split(".")
    query: Query[Any] = getattr(getattr(catalogue, part), attribute)
    values = {key: as_time(key, value) for key, value in given.items()}
    await big.execute(f"set plan_cache_mode = {mode}")
    explained = await big.fetchval(
        f"explain (analyze, buffers, format json) {query.statement.sql}",
        *query.statement.arguments(values),
    )
    found = nodes(json.loads(explained)[0]["Plan"])
    kinds = {node["Node Type"] for node in found}
    assert found[0]["Actual Rows"] > 0
    assert "Seq Scan" not in kinds
    assert wanted <= {node["Index Name"] for node in found if "Index Name" in node}
    if case not in SORTS_FEW and not name.startswith("shared"):
        assert not {kind for kind in kinds if "Sort" in kind}
    assert sum(found[0].get(key, 0) for key in ("Shared Hit Blocks", "Shared Read Blocks")) < pages
