"""Nested transactions of several tasks, which end in any order, or never."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
import pytest_asyncio

from chatkeep.engine.affect import affect
from chatkeep.engine.compile import Statement
from chatkeep.engine.copy import Feed, Target, copy_rows
from chatkeep.engine.observe import Observers
from chatkeep.engine.pool import Pool, PoolOptions
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.stream import batches
from chatkeep.engine.transaction import TransactionRunner, transaction
from chatkeep.errors import (
    ConnectionFailedError,
    DatabaseClosedError,
    DatabaseTimeoutError,
)

Sql = Callable[[str], Statement]

SECONDS = 10  # in which everything here must end: nothing waits for ever


class GaveUpError(Exception):
    """The caller's own error."""


@pytest_asyncio.fixture(loop_scope="session")
async def one(database_url: str, sql: Sql) -> AsyncIterator[PoolRunner]:
    """A single connection, which whoever comes next gets; and a table."""
    pool = Pool(PoolOptions(max_connections=1, statement_timeout=2.0, acquire_timeout=5.0))
    await pool.open(database_url)
    runner = PoolRunner(pool, Observers(), {})
    await runner.fetch(sql("create table t (n int primary key)"), [])
    try:
        yield runner
    finally:
        await pool.close()


async def numbers(runner: PoolRunner, sql: Sql) -> list[int]:
    return [row[0] for row in await runner.fetch(sql("select n from t order by n"), [])]


async def put(runner: PoolRunner | TransactionRunner, sql: Sql, n: int) -> None:
    await runner.fetch(sql(f"insert into t values ({n})"), [])


class Nested:
    """A task with a nested transaction, which goes on when it is told to."""

    def __init__(
        self, outer: TransactionRunner, sql: Sql, n: int, then: Callable[..., Awaitable[object]]
    ) -> None:
        self.is_inside = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.task = asyncio.create_task(self._work(outer, sql, n, then))

    async def _work(
        self, outer: TransactionRunner, sql: Sql, n: int, then: Callable[..., Awaitable[object]]
    ) -> None:
        async with outer.savepoint() as inner:
            await put(inner, sql, n)
            self.is_inside.set()
            await self.may_go_on.wait()
            await then(inner, sql)

    async def end(self) -> BaseException | None:
        """Let it go on, and give how it ended."""
        self.may_go_on.set()
        async with asyncio.timeout(SECONDS):
            (ended,) = await asyncio.gather(self.task, return_exceptions=True)
        return ended


async def fetches(inner: TransactionRunner, sql: Sql) -> None:
    await put(inner, sql, 99)


async def affects(inner: TransactionRunner, sql: Sql) -> None:
    await affect(inner, sql("insert into t values (99)"), [])


async def streams(inner: TransactionRunner, sql: Sql) -> None:
    async for _ in batches(inner, sql("insert into t values (99) returning n"), [], 10):
        pass


async def copies(inner: TransactionRunner, sql: Sql) -> None:
    await copy_rows(inner, Target(None, "t", ("n",)), Feed([99], lambda n, _: (n,), None))


async def nests(inner: TransactionRunner, sql: Sql) -> None:
    async with inner.savepoint() as deeper:
        await put(deeper, sql, 99)


async def ends(inner: TransactionRunner, sql: Sql) -> None:
    """Nothing more: the end of the block is the call that is refused."""


async def fails(inner: TransactionRunner, sql: Sql) -> None:
    raise GaveUpError


ACTIONS = [fetches, affects, streams, copies, nests, ends, fails]


@pytest.mark.parametrize("is_kept", [True, False], ids=["committed", "rolled back"])
@pytest.mark.parametrize("then", ACTIONS)
async def test_a_nested_one_ends_with_its_outer_one(
    one: PoolRunner, sql: Sql, then: Callable[..., Awaitable[object]], is_kept: bool
) -> None:
    """What it had not finished is taken back; on the connection there is another transaction now."""
    with suppress(GaveUpError):
        async with transaction(one) as tx:
            await put(tx, sql, 1)
            nested = Nested(tx, sql, 2, then)
            await nested.is_inside.wait()
            first = tx.wire.get_server_pid()
            if not is_kept:
                raise GaveUpError
    async with asyncio.timeout(SECONDS), transaction(one) as innocent:
        assert innocent.wire.get_server_pid() == first
        await put(innocent, sql, 10)
        async with innocent.savepoint() as part:
            await put(part, sql, 11)
            ended = await nested.end()
            await put(part, sql, 12)
        await put(innocent, sql, 13)
    if then is fails:
        assert isinstance(ended, GaveUpError)
    else:
        assert isinstance(ended, DatabaseClosedError)
        assert "outer transaction has ended" in str(ended)
    assert await numbers(one, sql) == [1] * is_kept + [10, 11, 12, 13]


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "failed"])
@pytest.mark.parametrize("through", ["the transaction", "the nested one"])
async def test_a_nested_one_that_ends_before_those_inside(
    one: PoolRunner, sql: Sql, is_kept: bool, through: str
) -> None:
    """A task that was started inside opened one as well; PostgreSQL ends both at once."""
    async with asyncio.timeout(SECONDS):
        async with transaction(one) as tx:
            with suppress(GaveUpError):
                async with tx.savepoint() as n1:
                    await put(n1, sql, 1)
                    child = Nested(tx if through == "the transaction" else n1, sql, 2, fetches)
                    await child.is_inside.wait()
                    if not is_kept:
                        raise GaveUpError
            await put(tx, sql, 3)
            ended = await child.end()
            assert isinstance(ended, DatabaseClosedError)
            assert "outer transaction has ended" in str(ended)
            await put(tx, sql, 4)
            async with tx.savepoint() as later:
                await put(later, sql, 5)
        assert await numbers(one, sql) == [1] * is_kept + [3, 4, 5]


async def test_an_outer_one_waits_for_the_nested_one_of_a_task_inside(
    one: PoolRunner, sql: Sql
) -> None:
    """Its statement would fall under a savepoint that fails, and vanish with it."""
    async with asyncio.timeout(SECONDS):
        async with transaction(one) as tx, tx.savepoint() as n1:
            child = Nested(tx, sql, 2, fails)
            await child.is_inside.wait()
            asyncio.get_running_loop().call_later(0.02, child.may_go_on.set)
            await put(n1, sql, 1)
            assert isinstance(await child.end(), GaveUpError)
        assert await numbers(one, sql) == [1]


async def test_who_waits_when_the_transaction_ends_is_refused(one: PoolRunner, sql: Sql) -> None:
    with pytest.raises(GaveUpError):
        async with transaction(one) as tx:
            nested = Nested(tx, sql, 1, ends)
            await nested.is_inside.wait()
            waits = asyncio.create_task(put(tx, sql, 2))
            nests_too = Nested(tx, sql, 3, ends)
            await asyncio.sleep(0)
            raise GaveUpError
    async with asyncio.timeout(SECONDS):
        for task in (waits, nests_too.task):
            with pytest.raises(DatabaseClosedError, match="transaction has ended"):
                await task
    assert isinstance(await nested.end(), DatabaseClosedError)
    assert await numbers(one, sql) == []


async def test_a_block_that_waits_for_a_task_that_waits_for_it_goes_on(
    one: PoolRunner, sql: Sql
) -> None:
    async def earlier(tx: TransactionRunner, inside: asyncio.Event) -> None:
        await inside.wait()
        await put(tx, sql, 1)

    async with asyncio.timeout(SECONDS):
        async with transaction(one) as tx:
            inside = asyncio.Event()
            task = asyncio.create_task(earlier(tx, inside))
            async with tx.savepoint() as inner:
                inside.set()
                with pytest.raises(DatabaseTimeoutError, match="nested transaction"):
                    await task
                await put(inner, sql, 2)
            await put(tx, sql, 3)
        assert await numbers(one, sql) == [2, 3]


async def test_cancelled_before_it_could_roll_back_nothing_of_it_is_stored(
    one: PoolRunner, sql: Sql
) -> None:
    """Another task has the connection's turn when the block fails."""
    with pytest.raises(ConnectionFailedError):
        async with transaction(one) as tx:
            slow: asyncio.Task[object] | None = None
            failed = asyncio.Event()

            async def block() -> None:
                nonlocal slow
                async with tx.savepoint() as inner:
                    await put(inner, sql, 1)
                    slow = asyncio.create_task(inner.fetch(sql("select pg_sleep(1.5)"), []))
                    await asyncio.sleep(0)  # it has its turn
                    failed.set()
                    raise GaveUpError

            task = asyncio.create_task(block())
            await failed.wait()
            task.cancel()
            with suppress(asyncio.CancelledError, GaveUpError):
                await task
            assert slow is not None
            with suppress(ConnectionFailedError):
                await slow
    assert await numbers(one, sql) == []


@dataclass(eq=False)
class Block:
    """What the caller of a nested transaction knows of it."""

    tx: TransactionRunner
    outer: "Block | None" = None
    has_ended: bool = False
    is_kept: bool = False

    def innermost_open(self) -> "Block":
        """Give the block under which a call of the tasks inside falls now."""
        chain = self.chain()
        ended = [n for n, block in enumerate(chain) if block.has_ended]
        return chain[max(ended) + 1] if ended else self

    def chain(self) -> "list[Block]":
        """Give this one and those around it."""
        return [self, *(self.outer.chain() if self.outer else [])]


class Chance:
    """Tasks that open, use and leave nested transactions at random, and often too early."""

    def __init__(self, sql: Sql, seed: int) -> None:
        self.sql = sql
        self.random = random.Random(seed)
        self.put: list[tuple[int, Block]] = []
        self.number = 0
        self.tasks: list[asyncio.Task[None]] = []

    async def act(self, here: Block, handles: list[TransactionRunner], depth: int) -> None:
        own: list[asyncio.Task[None]] = []
        try:
            for _ in range(self.random.randint(1, 5)):
                await self.step(here, handles, depth, own)
        finally:
            self.tasks += own

    async def step(
        self,
        here: Block,
        handles: list[TransactionRunner],
        depth: int,
        own: list[asyncio.Task[None]],
    ) -> None:
        handle = self.random.choice(handles)
        match self.random.choice(["put", "put", "nest", "start", "start", "wait", "fail"]):
            case "put":
                self.number += 1
                n = self.number
                await put(handle, self.sql, n)
                self.put.append((n, here.innermost_open()))
            case "nest" if depth < 4:
                with suppress(GaveUpError, DatabaseClosedError):
                    await self.nest(here, handle, handles, depth)
            case "start" if depth < 4:
                own.append(asyncio.create_task(self.nest(here, handle, handles, depth)))
            case "wait":
                await asyncio.gather(*own, return_exceptions=True)
            case "fail" if self.random.random() < 0.3:
                raise GaveUpError
            case _:
                await asyncio.sleep(0)

    async def nest(
        self, here: Block, handle: TransactionRunner, handles: list[TransactionRunner], depth: int
    ) -> None:
        block: Block | None = None
        try:
            async with handle.savepoint() as inner:
                block = Block(inner, here.innermost_open())
                await self.act(block, [*handles, inner], depth + 1)
            block.is_kept = True
        finally:
            if block is not None:
                block.has_ended = True


@pytest.mark.parametrize("seed", range(300 if os.environ.get("CHATKEEP_FULL") else 10))
async def test_what_is_stored_is_what_every_block_around_it_kept(
    one: PoolRunner, sql: Sql, seed: int
) -> None:
    chance = Chance(sql, seed)
    async with asyncio.timeout(SECONDS):
        for _ in range(30):
            with suppress(GaveUpError, DatabaseClosedError):
                async with transaction(one) as tx:
                    whole = Block(tx)
                    await chance.act(whole, [tx], 0)
                    whole.is_kept = True
        while chance.tasks:
            with suppress(GaveUpError, DatabaseClosedError):
                await chance.tasks.pop()
    expected = [n for n, block in chance.put if all(around.is_kept for around in block.chain())]
    assert await numbers(one, sql) == sorted(expected)


async def test_one_that_was_about_to_roll_back_leaves_that_to_its_outer_one(
    one: PoolRunner, sql: Sql
) -> None:
    """Both ends stand in line behind a statement; the connection is not dropped."""

    async def fails_after(inner: TransactionRunner, sql: Sql) -> None:
        slow.append(asyncio.create_task(inner.fetch(sql("select pg_sleep(0.1)"), [])))
        await asyncio.sleep(0)  # it has its turn
        raise GaveUpError

    slow: list[asyncio.Task[object]] = []
    async with asyncio.timeout(SECONDS):
        async with transaction(one) as tx:
            await put(tx, sql, 1)
            nested = Nested(tx, sql, 2, fails_after)
            await nested.is_inside.wait()
            nested.may_go_on.set()
            while not slow:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # its end stands in line
        assert isinstance(await nested.end(), GaveUpError)
        await slow[0]
    assert await numbers(one, sql) == [1]
