"""Transactions, savepoints, tasks that share them."""

import asyncio
from collections.abc import Callable

import pytest

from chatkeep.engine.compile import Statement
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner, transaction
from chatkeep.errors import AlreadyExistsError, DatabaseClosedError, StatementError

Sql = Callable[[str], Statement]


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
