"""What runs now: who waits for whom, who migrates; nothing of other databases, nobody's values."""

import asyncio
from collections.abc import Callable

import asyncpg

from chatkeep.insight.running import read_running
from chatkeep.kit.applying.lock import migration_lock
from fixtures.servers import Databases, PgServer


async def test_who_waits_is_told_with_whom_it_waits_for(
    server: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    new = fresh_database(server)
    url, other = await new(), await new()
    holder, waiter, looker = [await asyncpg.connect(url) for _ in range(3)]
    elsewhere = await asyncpg.connect(other)
    await holder.execute("create table t (a text)")
    foreign = elsewhere.transaction()
    await foreign.start()
    held = holder.transaction()
    await held.start()
    await holder.execute("lock table t; select 'SECRET'")
    waiting = asyncio.ensure_future(waiter.execute("insert into t values ('SECRET')"))
    pids = [each.get_server_pid() for each in (holder, waiter, elsewhere)]
    for _ in range(1000):  # PostgreSQL tells a moment later that it waits
        found = {each.pid: each for each in (await read_running(looker)).running}
        if pids[1] in found and found[pids[1]].blocked_by:
            break
        await asyncio.sleep(0.005)
    assert found[pids[1]].blocked_by == [pids[0]]
    assert found[pids[1]].wanted == "t, RowExclusiveLock"
    assert found[pids[1]].query == "insert into t values ('…')"
    assert found[pids[0]].state == "idle in transaction"
    assert found[pids[0]].blocked_by == []
    assert (found[pids[0]].transaction_ms or 0) > 0
    assert pids[2] not in found
    assert not any(each.is_migrating for each in found.values())
    await held.rollback()
    await waiting
    now = await read_running(looker)
    assert not {each.pid for each in now.running} & set(pids)
    assert (now.connections, now.idle) == (3, 2)
    await foreign.rollback()
    for each in (holder, waiter, looker, elsewhere):
        await each.close()


async def test_who_migrates_is_told_though_it_idles(
    server: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    url = await fresh_database(server)()
    migrating, looker = await asyncpg.connect(url), await asyncpg.connect(url)
    for project in (None, "app"):
        async with migration_lock(migrating, wait=5, project=project):
            (found,) = (await read_running(looker)).running
            assert (found.pid, found.is_migrating) == (migrating.get_server_pid(), True)
        assert (await read_running(looker)).running == []
    for each in (migrating, looker):
        await each.close()


async def test_a_role_sees_only_its_own_statements(
    server: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    url = await fresh_database(server)()
    busy, looker = await asyncpg.connect(url), await asyncpg.connect(url)
    await looker.execute("create role figures_reader; set role figures_reader")
    work = busy.transaction()
    await work.start()
    await busy.execute("select 'of another role'")
    (found,) = (await read_running(looker)).running
    assert (found.pid, found.query, found.state) == (busy.get_server_pid(), None, None)
    await work.rollback()
    await looker.execute("reset role; drop role figures_reader")
    for each in (busy, looker):
        await each.close()
