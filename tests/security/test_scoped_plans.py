"""Each statement of a scope reads every table of users by `user_id`, and by an index.

The structure is looked at in the plan: whatever a subselect or a common table expression reads, some
condition of that very scan names the user. The planner is kept from everything that would hide that.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tools.gen_sql import cached, shaped

from chatkeep.access.catalogue import catalogue_of
from chatkeep.database.creation import create_tables
from chatkeep.engine.compile import Statement
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer
from security.places import owned_database

SCHEMA = deepsearch.schema(prefix="x_", security="rls", app_role="plans_app")
PARTS = ("chats", "messages", "usage", "feedback", "shares")

BIG = {"x_chat", "x_message", "x_message_usage", "x_message_feedback"}

FILL = """
insert into x_user (id, email)
    select 'user_' || n, 'user_' || n || '@example.com' from generate_series(0, 199) n;
insert into x_user_settings (user_id) select id from x_user;
insert into x_chat (id, user_id, title, head)
    select 'chat_' || n, 'user_' || n % 200, 't', 'msg_' || n from generate_series(0, 1999) n;
insert into x_message (id, chat_id, user_id, role, content)
    select 'msg_' || n, c.id, c.user_id, 'user', repeat('word ', 20)
    from generate_series(0, 19999) n join x_chat c on c.id = 'chat_' || n % 2000;
update x_message set deleted_at = now() where random() < 0.1;
update x_chat set deleted_at = now() where random() < 0.1;
insert into x_message_usage (user_id, message_id, chat_id)
    select user_id, id, chat_id from x_message;
insert into x_message_feedback (user_id, message_id, vote) select user_id, id, 1 from x_message;
insert into x_chat_share (id, user_id, chat_id, token_hash, kind)
    select 'share_' || id, user_id, id, sha256(id::bytea), 'live' from x_chat;
insert into x_running_answer (user_id, chat_id, message_id, writer)
    select user_id, id, head, 'w' from x_chat;
insert into x_message_chunk (user_id, message_id, position, content)
    select user_id, message_id, n, 'c' from x_running_answer, generate_series(0, 4) n;
"""


def statements() -> Iterator[tuple[str, Statement]]:
    """Each statement of a user's scope."""
    catalogue = catalogue_of(SCHEMA)
    for part in PARTS:
        queries = getattr(catalogue, f"scoped_{part}")
        yield from cached(f"scoped_{part}", queries)
        for inner in ("answers", "trash"):
            if hasattr(queries, inner):
                yield from cached(f"scoped_{part}.{inner}", getattr(queries, inner))
    for name, query in shaped(catalogue):
        if name.startswith("scoped_"):
            yield name, query.statement
    yield from cached("settings", catalogue.settings)


STATEMENTS = dict(statements())


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def filled(pg18: PgServer) -> AsyncIterator[asyncpg.Connection]:
    databases = Databases(pg18)
    url = await owned_database(pg18, databases)
    await create_tables(SCHEMA, url)
    connection = await asyncpg.connect(url)
    await connection.execute(FILL)
    await connection.execute("analyze")
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    yield connection
    await connection.close()
    await databases.drop()


def scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        yield node
    for child in node.get("Plans", []):
        yield from scans(child)


async def plan_of(connection: asyncpg.Connection, statement: Statement) -> dict[str, Any]:
    """The plan for any values, as PostgreSQL makes it for a prepared statement."""
    await connection.execute(f"PREPARE one AS {statement.sql}")
    try:
        given = ", ".join("NULL" for _ in statement.parameters)
        call = f"one({given})" if given else "one"
        rows = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {call}")
    finally:
        await connection.execute("DEALLOCATE one")
    return json.loads(rows)[0]["Plan"]


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_every_scan_is_of_the_users_rows(filled: asyncpg.Connection, name: str) -> None:
    async with filled.transaction():
        for method in ("hashjoin", "mergejoin", "seqscan", "bitmapscan", "material", "memoize"):
            await filled.execute(f"SET LOCAL enable_{method} = off")
        plan = await plan_of(filled, STATEMENTS[name])
    for scan in scans(plan):
        told = " ".join(str(scan.get(key)) for key in ("Index Cond", "Filter"))
        column = "id" if scan["Relation Name"] == "x_user" else "user_id"
        assert column in told, f"{scan['Relation Name']}: {told}"


@pytest.mark.parametrize("name", sorted(STATEMENTS))
async def test_policies_leave_the_index_in_use(filled: asyncpg.Connection, name: str) -> None:
    """Under the application role as without it, no table is read from end to end."""
    plain = await plan_of(filled, STATEMENTS[name])
    async with filled.transaction():
        await filled.execute("SET LOCAL ROLE plans_app")
        await filled.execute("SET LOCAL chatkeep.user_id = 'user_7'")
        bound = await plan_of(filled, STATEMENTS[name])
    tables = [sorted(scan["Relation Name"] for scan in scans(plan)) for plan in (plain, bound)]
    assert tables[0] == tables[1]
    whole = [scan for plan in (plain, bound) for scan in scans(plan) if _whole(scan)]
    assert [
        (scan["Relation Name"], scan["Node Type"], scan.get("Index Name")) for scan in whole
    ] == []


def _whole(scan: dict[str, Any]) -> bool:
    """Tell whether a big table, or an index of it, is read from end to end."""
    indexed = "Index Cond" in scan or scan["Node Type"] == "Bitmap Heap Scan"
    return scan["Relation Name"] in BIG and not indexed
