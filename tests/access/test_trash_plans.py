"""The trash has indexes of its own, and the hot ones hold nothing that is in it: on 50,000 messages."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
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

# 500 users, 5,000 chats, 50,000 messages, each after the one before it. One chat in ten is in the
# trash with its messages, and so is one message in fifty of the others, each day a few. user_7 has
# 300 chats, and one of 2,000 messages.
FILL = f"""
insert into "{P}user" (id, email)
    select 'user_' || n, 'user_' || n || '@example.com' from generate_series(0, 499) n;
insert into "{P}chat" (id, user_id, title, head, deleted_at)
    select 'chat_' || n, 'user_' || case when n < 300 then 7 else n % 500 end, 't',
        'msg_' || 50000 - n, case when n % 10 = 3 then now() - n * interval '1 hour' end
    from generate_series(0, 4999) n;
insert into "{P}message" (id, chat_id, user_id, role, content, parent_id, deleted_at)
    select 'msg_' || n, c.id, c.user_id, 'user', repeat('word ', 20), 'msg_' || n - 1,
        coalesce(c.deleted_at, case when n % 50 = 9 then now() - n * interval '1 minute' end)
    from generate_series(1, 50000) n
    join "{P}chat" c on c.id = 'chat_' || case when n <= 2000 then 0 else n % 5000 end;
"""

USER, CHAT = "user_7", "chat_0"
TRASHED_CHATS = f"{P}chat_user_id_deleted_at_id_idx"
TRASHED_MESSAGES = f"{P}message_user_id_deleted_at_id_idx"
HOT_CHATS = f"{P}chat_user_id_updated_at_id_idx"
HOT_MESSAGES = f"{P}message_user_id_chat_id_seq_idx"
CHILDREN = f"{P}message_user_id_chat_id_parent_id_idx"
PLACE = {"user_id": USER, "place_at": "a week ago", "place_key": "", "limit": 11}
OLD = timedelta(days=7)

CASES: dict[str, tuple[dict[str, object], set[str]]] = {
    "scoped_chats.list": ({"user_id": USER, "limit": 11}, {HOT_CHATS}),
    "scoped_chats.trash.pages.list": ({"user_id": USER, "limit": 11}, {TRASHED_CHATS}),
    "scoped_chats.trash.pages.list_after": (PLACE, {TRASHED_CHATS}),
    "scoped_chats.trash.pages.list_before": (PLACE, {TRASHED_CHATS}),
    "scoped_chats.trash.mark_messages": ({"user_id": USER, "id": "chat_3"}, {HOT_MESSAGES}),
    "scoped_chats.trash.restore": ({"user_id": USER, "id": "chat_3"}, {TRASHED_MESSAGES}),
    "scoped_messages.trash.pages.list": ({"user_id": USER, "limit": 11}, {TRASHED_MESSAGES}),
    "scoped_messages.trash.pages.list_after": (PLACE, {TRASHED_MESSAGES}),
    "scoped_messages.trash.pages.list_before": (PLACE, {TRASHED_MESSAGES}),
    "scoped_messages.trash.mark": ({"user_id": USER, "id": "msg_5"}, set()),
    "scoped_messages.trash.restore": ({"user_id": USER, "id": "msg_9"}, set()),
    "scoped_messages.trash.remove": ({"user_id": USER, "ids": ["msg_5"]}, {CHILDREN}),
    "chats.trash.purge.chats": ({"older_than": OLD, "limit": 20}, {TRASHED_CHATS}),
    "chats.trash.purge.pick_messages": ({"older_than": OLD, "limit": 20}, {TRASHED_MESSAGES}),
    "chats.trash.purge.remove_messages": (
        {"older_than": OLD, "ids": [f"msg_{20059 + n * 50}" for n in range(20)]},
        {CHILDREN},
    ),
}
WALKS_THE_TRASH = {"chats.trash.purge.chats", "chats.trash.purge.pick_messages"}


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def big(pg18: PgServer) -> AsyncIterator[asyncpg.Connection]:
    """Filled once for each worker; what a test changes it takes back."""
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute("CREATE DATABASE trash_plans")
    url = pg18.url("trash_plans")
    await create_tables(deepsearch.schema(prefix=P), url)
    connection = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    await connection.execute(FILL)
    await connection.execute("vacuum analyze")
    for table in ("chat", "message"):  # which counts an index's entries
        await connection.execute(f'reindex table "{P}{table}"')
    yield connection
    await connection.close()
    await admin.execute("DROP DATABASE trash_plans WITH (FORCE)")
    await admin.close()


@pytest.fixture(scope="session")
def catalogue() -> Catalogue[Any, Any, Any, Any]:
    return catalogue_of(deepsearch.schema(prefix=P))


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", CASES)
async def test_plan(
    big: asyncpg.Connection, catalogue: Catalogue[Any, Any, Any, Any], name: str, mode: str
) -> None:
    values, wanted = CASES[name]
    query: Any = catalogue
    for step in name.split("."):
        query = getattr(query, step)
    assert isinstance(query, Query)
    if "place_at" in values:
        week_ago = await big.fetchval("select now() - interval '7 days'")
        values = {**values, "place_at": week_ago}
    change = big.transaction()
    await change.start()
    try:
        await big.execute(f"set local plan_cache_mode = {mode}")
        explained = await big.fetchval(
            f"explain (analyze, buffers, format json) {query.statement.sql}",
            *query.statement.arguments(values),
        )
    finally:
        await change.rollback()
    plan = json.loads(explained)[0]["Plan"]
    found = nodes(plan)
    kinds = {node["Node Type"] for node in found}
    scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    assert scanned <= {f"{P}chat_share"}  # which is empty
    assert wanted <= {node["Index Name"] for node in found if "Index Name" in node}
    if ".list" in name:
        assert not {kind for kind in kinds if "Sort" in kind}
    if name not in WALKS_THE_TRASH:
        assert sum(plan.get(key, 0) for key in ("Shared Hit Blocks", "Shared Read Blocks")) < 1000


async def test_the_hot_indexes_hold_nothing_of_the_trash(big: asyncpg.Connection) -> None:
    for table, hot, trash in (
        ("chat", HOT_CHATS, TRASHED_CHATS),
        ("message", HOT_MESSAGES, TRASHED_MESSAGES),
    ):
        live, deleted = await big.fetchrow(
            f'select count(*) filter (where deleted_at is null), count(deleted_at) from "{P}{table}"'
        )
        for index, wanted in ((hot, live), (trash, deleted)):
            entries = await big.fetchval(
                "select reltuples::int8 from pg_class where relname = $1", index
            )
            assert entries == wanted
