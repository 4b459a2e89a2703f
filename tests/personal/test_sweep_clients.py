"""A sweep beside clients that read and write: the small form of `benchmarks/sweep.py`.

Nothing here looks at the clock; what clients waited at most on 200,000 chats is in docs/RESULTS.md,
and that every batch bounds what it waits and works is in `test_sweep.py`.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from benchmarks.sweep import POLICIES, SCHEMA, Client, fill

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.personal.sweep_batches import Pace
from chatkeep.personal.sweeping import sweep, sweep_report
from fixtures.servers import Databases, PgServer

CLIENTS = 4
USERS = 50
CHATS = 20_000 if os.environ.get("CHATKEEP_FULL") else 2000
PACE = Pace(rows=200, pause=timedelta(milliseconds=1))
# What was there before: clients' ids are longer.
OURS = {"chats": "id like 'c%' and id not like 'chat%'", "messages": "id ~ '^m[0-9]+-[0-9]+$'"}
DANGLING = """
select count(*) from "x_message" as m where parent_id is not null
and not exists (select from "x_message" as p where p.id = m.parent_id and p.chat_id = m.chat_id)
"""
HEADLESS = """
select count(*) from "x_chat" as c where exists (select from "x_message" where chat_id = c.id)
and not exists (select from "x_message" as m where m.id = c.head and m.chat_id = c.id)
"""


async def counts(sql: asyncpg.Connection) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, table in SCHEMA.tables.items():
        where = OURS.get(name, "true")
        found[name] = await sql.fetchval(f'select count(*) from "{table.name}" where {where}')
    return found


@asynccontextmanager
async def working(url: str, *, touches_old: bool) -> AsyncIterator[list[Client]]:
    """Let clients work for the length of the block, once each of them has done something."""
    stop = asyncio.Event()
    async with Database(SCHEMA, url, max_connections=CLIENTS) as db, asyncio.TaskGroup() as group:
        clients = [Client(db, n, USERS, touches_old=touches_old) for n in range(CLIENTS)]
        for client in clients:
            group.create_task(client.work(stop))
        while not all(client.took["append"] for client in clients):
            await asyncio.sleep(0)
        yield clients
        stop.set()


@pytest.fixture
async def filled(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[tuple[str, asyncpg.Connection]]:
    url = await fresh_database(pg18)()
    await create_tables(SCHEMA, url)
    sql = await asyncpg.connect(url)
    await fill(sql, CHATS, 3, USERS)
    yield url, sql
    await sql.close()


async def test_what_was_told_goes_whatever_clients_do_with_the_rest(
    filled: tuple[str, asyncpg.Connection],
):
    url, sql = filled
    before = await counts(sql)
    told = await sweep_report(SCHEMA, url, POLICIES)
    async with working(url, touches_old=False) as clients:
        done = await sweep(SCHEMA, url, POLICIES, pace=PACE)
    gone = +(before - await counts(sql))
    assert gone == told.found == done.found == done.removed
    assert {line.policy.label for line in told.policies if line.found} >= {
        "chats", "temporary", "messages by tool", "trash", "shares", "sessions", "search_cache",
    }  # fmt: skip
    assert not any(line.kept or line.difference for line in done.policies)
    assert done.batches > 10
    assert all(client.gone == 0 for client in clients)
    assert await sql.fetchval(DANGLING) == await sql.fetchval(HEADLESS) == 0


async def test_what_clients_come_to_use_meanwhile_stays(filled: tuple[str, asyncpg.Connection]):
    url, sql = filled
    chats = [policy for policy in POLICIES if policy.what in ("chats", "temporary", "messages")]
    async with working(url, touches_old=True):
        done = await sweep(SCHEMA, url, chats, pace=PACE)
    in_use = await sql.fetchval("select count(distinct chat_id) from x_message where id ~ '^msg_'")
    assert in_use > 0
    assert done.removed["chats"] > 0
    assert sum(line.difference.get("chats", 0) for line in done.policies) <= 0
    rest = await sweep(SCHEMA, url, chats)
    assert rest.found == rest.removed
    assert not (await sweep_report(SCHEMA, url, chats)).found
    still = "select count(distinct chat_id) from x_message where id ~ '^msg_'"
    assert await sql.fetchval(still) == in_use
    assert await sql.fetchval(DANGLING) == await sql.fetchval(HEADLESS) == 0
