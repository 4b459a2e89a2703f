"""Many tasks on a line that breaks at random: nothing acknowledged is lost, nothing is mixed up."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

import pytest
from sqlalchemy import func, select

from chatkeep import ConnectionFailedError, Database, DatabaseTimeoutError, NewMessage, NewUser
from faults.conftest import CALL_SECONDS, FULL, SLACK, TRANSACTION_SECONDS, Place, whole
from fixtures.proxy import FAULTS, Fault, FaultProxy

BROKEN = (ConnectionFailedError, DatabaseTimeoutError)
WORKERS = 12
SEEDS = range(40) if FULL else range(3)
CALLS = 300 if FULL else 100


@dataclass
class Book:
    """What a worker was told."""

    acknowledged: set[str] = field(default_factory=set[str])
    failed: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    calls: int = 0
    slowest: float = 0.0


class Worker:
    """One user with one chat, who looks at every answer."""

    def __init__(self, db: Database, name: str, chat_id: str, seed: int) -> None:
        self.db = db
        self.mine = db.as_user(name)
        self.name = name
        self.chat_id = chat_id
        self.random = random.Random(f"{name} {seed}")
        self.book = Book()

    async def work(self) -> None:
        actions = [self.read_user, self.read_list, self.read_chat, self.append, self.transact]
        for number in range(CALLS):
            action = self.random.choice(actions)
            ids = tuple(f"{self.name}-{number}-{part}" for part in range(self.random.randint(1, 4)))
            started = monotonic()
            try:
                async with asyncio.timeout(60):
                    await action(ids)
            except BROKEN:
                if action in (self.append, self.transact):
                    self.book.failed.append(ids)
            took = monotonic() - started
            bound = TRANSACTION_SECONDS if action == self.transact else CALL_SECONDS
            assert took < bound + SLACK, f"{action.__name__} took {took:.1f} s"
            self.book.slowest = max(self.book.slowest, took)
            self.book.calls += 1

    async def read_user(self, ids: tuple[str, ...]) -> None:
        user = await self.db.users.get(self.name)
        assert (user.id, user.email) == (self.name, f"{self.name}@example.com")

    async def read_list(self, ids: tuple[str, ...]) -> None:
        page = await self.mine.chats.list()
        assert [(chat.id, chat.user_id) for chat in page.items] == [(self.chat_id, self.name)]

    async def read_chat(self, ids: tuple[str, ...]) -> None:
        chat = await self.mine.chats.get(self.chat_id, messages=20)
        assert chat.id == self.chat_id
        assert {message.chat_id for message in chat.messages} <= {self.chat_id}
        assert all(message.id.startswith(f"{self.name}-") for message in chat.messages)

    async def append(self, ids: tuple[str, ...]) -> None:
        stored = await self.mine.messages.append(self.chat_id, *map(self.said, ids))
        assert tuple(message.id for message in stored) == ids
        self.book.acknowledged.update(ids)

    async def transact(self, ids: tuple[str, ...]) -> None:
        async with self.db.transaction() as tx:
            messages = tx.as_user(self.name).messages
            for id_ in ids:
                (stored,) = await messages.append(self.chat_id, self.said(id_))
                assert stored.id == id_
        self.book.acknowledged.update(ids)

    @staticmethod
    def said(id_: str) -> NewMessage:
        return NewMessage(id=id_, role="user", content=f"from {id_}")


async def weather(proxy: FaultProxy, seed: int) -> None:
    """Change what the line does, several times a second."""
    chance = random.Random(seed)
    while True:
        faults: dict[Fault, float] = {
            fault: chance.uniform(0.0, 0.15) for fault in chance.sample(FAULTS, 2)
        }
        ways = chance.choice([(), ("to_server",), ("to_client",)])
        proxy.strike(faults, *ways)
        await asyncio.sleep(chance.choice([0.05, 0.2, 0.4, 1.0]))  # the last outlasts a time-out
        if chance.random() < 0.3:
            proxy.drop_all()
        proxy.heal()
        await asyncio.sleep(chance.uniform(0.0, 0.3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_is_lost_and_nothing_is_mixed_up(place: Place, seed: int) -> None:
    async with place.database() as db:
        workers: list[Worker] = []
        for number in range(WORKERS):
            name = f"user{number}"
            await db.users.create(NewUser(id=name, email=f"{name}@example.com"))
            chat = await db.as_user(name).chats.create(title="Storm")
            workers.append(Worker(db, name, chat.id, seed))
        storm = asyncio.create_task(weather(place.proxy, seed))
        try:
            async with asyncio.TaskGroup() as group:
                for worker in workers:
                    group.create_task(worker.work())
        finally:
            storm.cancel()
            await asyncio.gather(storm, return_exceptions=True)
            place.proxy.heal()
        assert sum(place.proxy.struck.values()) > 10
        await whole(db)
        await place.nothing_open()
        rows = await place.witness.fetch("select id, content, user_id from x_message")
        stored = {row["id"] for row in rows}
        assert len(stored) == len(rows)
        assert all(row["content"] == f"from {row['id']}" for row in rows)
        assert all(row["id"].startswith(f"{row['user_id']}-") for row in rows)
        for worker in workers:
            assert worker.book.acknowledged <= stored
            for ids in worker.book.failed:
                assert len(stored & set(ids)) in {0, len(ids)}
        known = {id_ for worker in workers for id_ in worker.book.acknowledged}
        tried = {id_ for worker in workers for ids in worker.book.failed for id_ in ids}
        assert stored <= known | tried
    report(workers, place.proxy)


def report(workers: list[Worker], proxy: FaultProxy) -> None:
    calls = sum(worker.book.calls for worker in workers)
    failed = sum(len(worker.book.failed) for worker in workers)
    slowest = max(worker.book.slowest for worker in workers)
    print(f"{calls} calls, {failed} writes failed, slowest {slowest:.1f} s, {proxy.struck}")


async def cancelled_at_random(
    calls: list[Callable[[int], Awaitable[object]]], seed: int, number: int = 300
) -> list[object]:
    chance = random.Random(seed)

    async def call(n: int) -> object:
        return await calls[n % len(calls)](n)

    tasks = [asyncio.create_task(call(n)) for n in range(number)]
    for task in chance.sample(tasks, number):
        await asyncio.sleep(chance.choice([0.0, 0.0, 0.0005, 0.004]))
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("line", ["clear", "late"])
@pytest.mark.parametrize("seed", range(20) if FULL else range(2))
async def test_three_hundred_cancelled_tasks_leave_the_pool_whole(
    place: Place, seed: int, line: str
) -> None:
    async with place.database() as db:
        await db.users.create(NewUser(id="ada", email="ada@example.com"))
        mine = db.as_user("ada")
        chat = await mine.chats.create(title="Cancelled")
        done: set[int] = set()

        async def append(n: int) -> None:
            await mine.messages.append(chat.id, NewMessage(id=f"{n}", role="user", content="x"))
            done.add(n)

        async def both(n: int) -> None:
            async with db.transaction() as tx:
                for part in ("a", "b"):
                    new = NewMessage(id=f"{n}{part}", role="user", content="x")
                    await tx.messages.append(chat.id, new)
            done.add(n)

        async def read(n: int) -> None:
            assert (await db.users.get("ada")).id == "ada"

        if line == "late":
            place.proxy.strike({"delay": 0.3})
        results = await cancelled_at_random([append, both, read, both], seed)
        place.proxy.heal()
        errors = {type(result) for result in results if isinstance(result, BaseException)}
        assert errors <= {asyncio.CancelledError, DatabaseTimeoutError}
        assert asyncio.CancelledError in errors
        assert 5 < len(done) < 300
        await whole(db)
        await place.nothing_open()
        stored = {row["id"] for row in await place.witness.fetch("select id from x_message")}
        for n in range(300):
            if n % 4 == 0:
                assert (str(n) in stored) or n not in done
            elif n % 2:
                assert len({f"{n}a", f"{n}b"} & stored) == (2 if n in done else 0) or n not in done
                assert len({f"{n}a", f"{n}b"} & stored) in {0, 2}


async def test_a_time_out_and_a_cancellation_at_once_are_told_apart(place: Place) -> None:
    """The time-out is 0.6 s, looked at twenty times; each task is cancelled about then, or never."""
    chance = random.Random(1)
    async with place.database(max_connections=20) as db:

        async def slow(was_cancelled: asyncio.Event) -> str:
            try:
                await db.scalar(select(func.pg_sleep(30)))
            except DatabaseTimeoutError:
                task = asyncio.current_task()
                assert task is not None
                assert task.cancelling() == 0
                assert not was_cancelled.is_set()
                return "too slow"
            raise AssertionError

        for _ in range(10 if FULL else 3):
            marks = [asyncio.Event() for _ in range(20)]
            tasks = [asyncio.create_task(slow(mark)) for mark in marks]
            await asyncio.sleep(0.5)
            for mark, task in zip(marks, tasks, strict=True):
                await asyncio.sleep(chance.uniform(0.0, 0.02))
                if chance.random() < 0.7 and task.cancel():
                    mark.set()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for mark, result in zip(marks, results, strict=True):
                if mark.is_set():
                    assert isinstance(result, asyncio.CancelledError)
                else:
                    assert result == "too slow"
            await whole(db, 20)
            await place.nothing_open()
