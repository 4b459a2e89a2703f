"""Nested rows use the indexes at each level on 60,000 messages: no scan of a table, no sort of a chat."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import bindparam

from chatkeep import Account, User, nested
from chatkeep.access.nested.query import Nested
from chatkeep.access.nested.shape import nested_query
from chatkeep.database.creation import create_tables
from chatkeep.engine.pool import SESSION_SETTINGS
from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

P = "ai-app-template_"

# 500 users, 6,000 chats, 60,000 messages; user_7 has a chat of 3,000 and 300 more chats.
FILL = f"""
insert into "{P}user" (id, email)
    select 'user_' || n, 'user_' || n || '@example.com' from generate_series(0, 499) n;
insert into "{P}account" (user_id, type, provider, provider_account_id)
    select 'user_' || n % 500, 'oauth', 'p' || n / 500, n from generate_series(0, 999) n;
insert into "{P}chat" (id, user_id, title, updated_at)
    select 'chat_' || n, 'user_' || case when n < 300 then 7 else n % 500 end, 't',
        now() - n * interval '1 minute' from generate_series(0, 5999) n;
insert into "{P}message" (id, chat_id, user_id, role, content, parent_id)
    select 'msg_' || n, c.id, c.user_id, 'user', repeat('word ', 20), 'msg_' || n - 1
    from generate_series(1, 60000) n
    join "{P}chat" c on c.id = 'chat_' || case when n <= 3000 then 0 else n % 6000 end;
"""

schema = deepsearch.schema(prefix=P)


class Line(msgspec.Struct):
    id: str
    role: str
    content: str


class ChatTree(msgspec.Struct):
    id: str
    title: str
    messages: list[Line]


class UserTree(msgspec.Struct):
    id: str
    accounts: list[Account]
    chats: list[ChatTree]


class Upwards(msgspec.Struct):
    id: str
    chat: "ChatWithUser"


class ChatWithUser(msgspec.Struct):
    title: str
    user: User


BY_ID = nested(schema.users, into=UserTree).where(schema.users.c.id == bindparam("id"))

CASES: dict[str, tuple[Nested[Any], dict[str, object], set[str]]] = {
    "three_levels": (
        BY_ID.nest("chats", order_by=schema.chats.c.updated_at.desc(), limit=10).nest(
            "chats.messages", order_by=schema.messages.c.seq, limit=10
        ),
        {"id": "user_7"},
        {
            f"{P}user_pkey",
            f"{P}account_user_id_idx",
            f"{P}chat_user_id_updated_at_id_idx",
            f"{P}message_user_id_chat_id_seq_idx",
        },
    ),
    "newest_messages": (
        nested(schema.chats, into=ChatTree)
        .where(schema.chats.c.id == bindparam("id"))
        .nest("messages", order_by=schema.messages.c.seq.desc(), limit=bindparam("n")),
        {"id": "chat_0", "n": 50},
        {f"{P}chat_pkey", f"{P}message_user_id_chat_id_seq_idx"},
    ),
    "upwards": (
        nested(schema.messages, into=Upwards).where(schema.messages.c.id == bindparam("id")),
        {"id": "msg_5"},
        {f"{P}message_pkey", f"{P}user_pkey"},
    ),
}


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def big(pg18: PgServer) -> AsyncIterator[asyncpg.Connection]:
    """Filled once for each worker; every test only reads."""
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute("CREATE DATABASE nested_plans")
    url = pg18.url("nested_plans")
    await create_tables(schema, url)
    connection = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    await connection.execute(FILL)
    await connection.execute("vacuum analyze")
    yield connection
    await connection.close()
    await admin.execute("DROP DATABASE nested_plans WITH (FORCE)")
    await admin.close()


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", CASES)
async def test_plan(big: asyncpg.Connection, name: str, mode: str) -> None:
    nested_rows, values, wanted = CASES[name]
    statement = nested_query(schema, nested_rows, name).statement
    await big.execute(f"set plan_cache_mode = {mode}")
    explained = await big.fetchval(
        f"explain (analyze, buffers, format json) {statement.sql}", *statement.arguments(values)
    )
    found = nodes(json.loads(explained)[0]["Plan"])
    assert "Seq Scan" not in {node["Node Type"] for node in found}
    assert wanted <= {node["Index Name"] for node in found if "Index Name" in node}
    sorted_rows = [node["Actual Rows"] for node in found if "Sort" in node["Node Type"]]
    assert sum(sorted_rows) <= 2  # the accounts of one user
    read = max(node["Actual Rows"] for node in found)
    assert read <= 50  # no level reads more than its limit for a parent
    assert sum(found[0].get(key, 0) for key in ("Shared Hit Blocks", "Shared Read Blocks")) < 400
