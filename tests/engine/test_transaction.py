"""Transactions, savepoints, tasks that share them."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress

import asyncpg
import pytest

from chatkeep.engine.compile import Statement
from chatkeep.engine.observe import Observers
from chatkeep.engine.pool import Pool, PoolOptions
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner, transaction
from chatkeep.engine.wire import Wire
from chatkeep.errors import AlreadyExistsError, DatabaseClosedError, StatementError
from fixtures.steps import Moment, cancelled_at

Sql = Callable[[str], Statement]

OPEN_ONES = (
    "select count(*) from pg_stat_activity where datname = current_database() "
    "and pid <> pg_backend_pid() and (state like 'idle in transaction%' or state = 'active')"
)
ALL_ONES = (
    "select count(*) from pg_stat_activity where datname = current_database() "
    "and pid <> pg_backend_pid() and backend_type = 'client backend'"
)


class GaveUpError(Exception):
    """The caller's own error."""


@pytest.fixture
async def table(runner: PoolRunner, sql: Sql) -> None:
    await runner.fetch(sql("create table t (n int primary key)"), [])


async def numbers(runner: PoolRunner, sql: Sql) -> list[int]:
    return [row[0] for row in await runner.fetch(sql("select n from t order by n"), [])]


async def put(runner: PoolRunner | TransactionRunner, sql: Sql, n: int) -> None:
    await runner.fetch(sql(f"insert into t values ({n})"), [])


@pytest.mark.usefixtures("table")
class TestTransaction:
    async def test_what_is_inside_is_stored_together(self, runner: PoolRunner, sql: Sql) -> None:
        async with transaction(runner) as tx:
            await put(tx, sql, 1)
            assert await numbers(runner, sql) == []
            await put(tx, sql, 2)
        assert await numbers(runner, sql) == [1, 2]

    async def test_any_exception_takes_it_back(self, runner: PoolRunner, sql: Sql) -> None:
        with pytest.raises(GaveUpError):
            async with transaction(runner) as tx:
                await put(tx, sql, 1)
                raise GaveUpError
        assert await numbers(runner, sql) == []

    async def test_cancellation_takes_it_back(self, runner: PoolRunner, sql: Sql) -> None:
        started = asyncio.Event()

        async def work() -> None:
            async with transaction(runner) as tx:
                await put(tx, sql, 1)
                started.set()
                await tx.fetch(sql("select pg_sleep(30)"), [])

        task = asyncio.create_task(work())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await numbers(runner, sql) == []
        await put(runner, sql, 1)

    async def test_a_swallowed_failure_is_not_taken_for_success(
        self, runner: PoolRunner, sql: Sql
    ) -> None:
        with pytest.raises(StatementError, match="nothing was stored"):
            async with transaction(runner) as tx:
                await put(tx, sql, 1)
                with pytest.raises(AlreadyExistsError):
                    await put(tx, sql, 1)
        assert await numbers(runner, sql) == []

    async def test_use_after_the_end_is_refused(self, runner: PoolRunner, sql: Sql) -> None:
        async with transaction(runner) as tx:
            pass
        with pytest.raises(DatabaseClosedError, match="transaction has ended"):
            await put(tx, sql, 1)

    async def test_tasks_take_turns(self, runner: PoolRunner, sql: Sql) -> None:
        async with transaction(runner) as tx:
            await asyncio.gather(*(put(tx, sql, n) for n in range(20)))
        assert await numbers(runner, sql) == list(range(20))


@pytest.mark.usefixtures("table")
class TestSavepoint:
    async def test_a_failed_part_takes_only_itself_back(self, runner: PoolRunner, sql: Sql) -> None:
        async with transaction(runner) as tx:
            await put(tx, sql, 1)
            with pytest.raises(AlreadyExistsError):
                async with tx.savepoint() as inner:
                    await put(inner, sql, 2)
                    await put(inner, sql, 1)
            await put(tx, sql, 3)
        assert await numbers(runner, sql) == [1, 3]

    async def test_levels(self, runner: PoolRunner, sql: Sql) -> None:
        async with transaction(runner) as tx, tx.savepoint() as one:
            await put(one, sql, 1)
            with pytest.raises(GaveUpError):
                async with one.savepoint() as two:
                    await put(two, sql, 2)
                    raise GaveUpError
            async with tx.savepoint() as other:
                await put(other, sql, 3)
        assert await numbers(runner, sql) == [1, 3]

    async def test_the_outer_transaction_works_inside_the_block(
        self, runner: PoolRunner, sql: Sql
    ) -> None:
        async with transaction(runner) as tx, tx.savepoint():
            await put(tx, sql, 1)
            await asyncio.gather(put(tx, sql, 2), put(tx, sql, 3))
        assert await numbers(runner, sql) == [1, 2, 3]

    async def test_another_tasks_statement_never_falls_under_a_foreign_savepoint(
        self, runner: PoolRunner, sql: Sql
    ) -> None:
        inside, asked = asyncio.Event(), asyncio.Event()

        async def fails(tx: TransactionRunner) -> None:
            async with tx.savepoint() as inner:
                await put(inner, sql, 1)
                inside.set()
                await asked.wait()
                await asyncio.sleep(0.02)
                raise GaveUpError

        async def writes(tx: TransactionRunner) -> None:
            await inside.wait()
            asked.set()
            await put(tx, sql, 2)

        async with transaction(runner) as tx:
            first, _ = await asyncio.gather(fails(tx), writes(tx), return_exceptions=True)
        assert isinstance(first, GaveUpError)
        assert await numbers(runner, sql) == [2]

    async def test_nested_transactions_of_several_tasks_take_turns(
        self, runner: PoolRunner, sql: Sql
    ) -> None:
        async def part(tx: TransactionRunner, n: int) -> None:
            async with tx.savepoint() as inner:
                await put(inner, sql, n)
                if n % 2:
                    raise GaveUpError

        async with transaction(runner) as tx:
            await asyncio.gather(*(part(tx, n) for n in range(10)), return_exceptions=True)
        assert await numbers(runner, sql) == [0, 2, 4, 6, 8]


async def two_rows(runner: PoolRunner, sql: Sql) -> None:
    async with transaction(runner) as tx:
        await put(tx, sql, 1)
        await put(tx, sql, 2)


async def nested_rows(runner: PoolRunner, sql: Sql) -> None:
    async with transaction(runner) as tx:
        async with tx.savepoint() as inner:
            await put(inner, sql, 1)
        with suppress(AlreadyExistsError):
            async with tx.savepoint() as inner:
                await put(inner, sql, 1)
        await put(tx, sql, 2)


async def given_up(runner: PoolRunner, sql: Sql) -> None:
    with suppress(GaveUpError):
        async with transaction(runner, "BEGIN ISOLATION LEVEL SERIALIZABLE") as tx:
            await put(tx, sql, 1)
            raise GaveUpError


async def in_line(runner: PoolRunner, sql: Sql) -> None:
    """All connections are lent at first: the transaction waits in line."""
    held: list[Wire] = []
    try:
        while len(held) < 2:
            held.append(await runner.pool.acquire())
    finally:
        for wire in held:
            asyncio.get_running_loop().call_soon(runner.pool.release, wire)
    await two_rows(runner, sql)


async def several_tasks(runner: PoolRunner, sql: Sql) -> None:
    async with transaction(runner) as tx, asyncio.TaskGroup() as group:
        group.create_task(put(tx, sql, 1))
        group.create_task(put(tx, sql, 2))


async def alone(runner: PoolRunner, sql: Sql) -> None:
    await runner.fetch(sql("insert into t values (1), (2)"), [])


async def opened_pool(url: str, *, is_warm: bool) -> Pool:
    pool = Pool(PoolOptions(max_connections=2, statement_timeout=5.0, acquire_timeout=5.0))
    await pool.open(url)
    held = [await pool.acquire(), await pool.acquire()]
    for wire in held:
        if not is_warm:
            wire.terminate()  # the work has to connect
        pool.release(wire)
    return pool


async def check_whole(pool: Pool, witness: asyncpg.Connection) -> None:
    """Every place is free, the server has nothing open, and all is stored or nothing.

    At most three clients are there: the pool's two, and one that made the table.
    """
    for wire in await asyncio.gather(pool.acquire(), pool.acquire()):
        assert not wire.is_in_transaction()
        pool.release(wire)
    async with asyncio.timeout(5):
        while await witness.fetchval(OPEN_ONES) or await witness.fetchval(ALL_ONES) > 3:
            await asyncio.sleep(0.01)  # a dropped one goes when it sees the end of its line
    stored = await witness.fetch("select n from t order by n")
    assert [row[0] for row in stored] in ([], [1, 2])
    await witness.execute("truncate t")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("moment", ["waiting", "answered"])
@pytest.mark.parametrize("is_warm", [True, False], ids=["warm", "cold"])
@pytest.mark.parametrize("work", [two_rows, nested_rows, given_up, in_line, several_tasks, alone])
async def test_cancelled_at_each_wait_everything_stays_whole(
    database_url: str,
    sql: Sql,
    work: Callable[[PoolRunner, Sql], Coroutine[None, None, None]],
    is_warm: bool,
    moment: Moment,
) -> None:
    witness = await asyncpg.connect(database_url)
    step, came_there = 0, True
    try:
        while came_there:
            pool = await opened_pool(database_url, is_warm=is_warm)
            runner = PoolRunner(pool, Observers(), {})
            came_there = await cancelled_at(step, moment, lambda own=runner: work(own, sql))
            await check_whole(pool, witness)
            await pool.close()
            step += 1
    finally:
        await witness.close()
    assert step > 1 + (work is not alone), "the work waited nowhere"
