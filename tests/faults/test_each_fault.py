"""One fault at a time, in one direction: what a call says, how long it takes, what is left."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from time import monotonic

import pytest
from sqlalchemy import func, select

from chatkeep import (
    ConnectionFailedError,
    Database,
    DatabaseTimeoutError,
    NewMessage,
    NewUser,
)
from faults.conftest import CALL_SECONDS, FULL, SLACK, TRANSACTION_SECONDS, Place, whole
from fixtures.proxy import FAULTS, Direction, Fault

BROKEN = (ConnectionFailedError, DatabaseTimeoutError)


async def reads(db: Database, chat_id: str) -> None:
    chat = await db.chats.get(chat_id, messages=10)
    assert chat.id == chat_id


async def writes(db: Database, chat_id: str) -> None:
    (message,) = await db.messages.append(chat_id, NewMessage(id="one", role="user", content="1"))
    assert message.id == "one"


async def transacts(db: Database, chat_id: str) -> None:
    async with db.transaction() as tx:
        await tx.messages.append(chat_id, NewMessage(id="one", role="user", content="1"))
        await tx.messages.append(chat_id, NewMessage(id="two", role="user", content="2"))


@pytest.mark.parametrize("direction", ["to_server", "to_client"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("call", "seconds"),
    [(reads, CALL_SECONDS), (writes, CALL_SECONDS), (transacts, TRANSACTION_SECONDS)],
)
async def test_a_call_under_a_fault(
    place: Place,
    call: Callable[[Database, str], Awaitable[None]],
    seconds: float,
    fault: Fault,
    direction: Direction,
) -> None:
    async with place.database() as db:
        await db.users.create(NewUser(id="ada", email="ada@example.com"))
        chat = await db.as_user("ada").chats.create(title="Postgres")
        place.proxy.strike({fault: 1.0}, direction)
        started, is_done = monotonic(), False
        try:
            async with asyncio.timeout(60):
                await call(db, chat.id)
            is_done = True
        except BROKEN:
            pass
        took = monotonic() - started
        assert took < seconds + SLACK
        assert place.proxy.struck[fault] > 0
        assert is_done == (fault == "delay")
        place.proxy.heal()
        await whole(db)
        await place.nothing_open()
        stored = [row["id"] for row in await place.witness.fetch("select id from x_message")]
        wanted = {reads: [], writes: ["one"], transacts: ["one", "two"]}[call]
        assert stored == wanted or (not is_done and stored == [])


async def stores(place: Place, db: Database, chat_id: str, step: int) -> int:
    async with db.transaction() as tx:
        for n in range(2):
            new = NewMessage(id=f"{step}-{n}", role="user", content="x")
            await tx.messages.append(chat_id, new)
    return 2


async def copies(place: Place, db: Database, chat_id: str, step: int) -> int:
    columns = ["id", "chat_id", "user_id", "role", "content"]
    rows = [(f"{step}-{n}", chat_id, "ada", "user", "x" * 40_000) for n in range(2)]
    return await db.copy(place.schema.messages, rows, columns=columns)


async def streams(place: Place, db: Database, chat_id: str, step: int) -> int:
    numbers = select(func.generate_series(1, 50).column_valued("n"))
    read = [n async for (n,) in db.stream(numbers, batch=15)]
    assert read == list(range(1, 51))
    return 0


COMMON = [
    *((work, "cut", "to_client") for work in (stores, copies, streams)),
    *((work, "drop", "to_server") for work in (stores, copies, streams)),
    (stores, "stall", "to_client"),
]
ALL = [
    (work, fault, way)
    for work in (stores, copies, streams)
    for fault in FAULTS
    if fault != "delay"
    for way in ("to_server", "to_client")
]


@pytest.mark.parametrize(("work", "fault", "direction"), ALL if FULL else COMMON)
async def test_a_fault_at_each_message(
    place: Place,
    work: Callable[[Place, Database, str, int], Awaitable[int]],
    fault: Fault,
    direction: Direction,
) -> None:
    """What was acknowledged is stored; what failed is stored whole (its commit was under way) or not."""
    outcomes: list[bool] = []
    async with place.database() as db:
        await db.users.create(NewUser(id="ada", email="ada@example.com"))
        chat = await db.as_user("ada").chats.create(title="Postgres")
        while not outcomes or not outcomes[-1]:
            step, written = len(outcomes), -1
            place.proxy.strike({fault: 1.0}, direction, after=step)
            started = monotonic()
            with suppress(*BROKEN):
                async with asyncio.timeout(60):
                    written = await work(place, db, chat.id, step)
            assert monotonic() - started < TRANSACTION_SECONDS + SLACK
            place.proxy.heal()
            await whole(db)
            await place.nothing_open()
            ids = f"select count(*) from x_message where id in ('{step}-0', '{step}-1')"
            stored = await place.witness.fetchval(ids)
            assert stored == written if written >= 0 else stored in {0, 2}
            outcomes.append(written >= 0)
    assert len(outcomes) > (2 if work is copies else 4)


async def test_a_server_that_cannot_be_reached_is_told_in_time(place: Place) -> None:
    place.proxy.strike({"stall": 1.0})
    started = monotonic()
    with pytest.raises(DatabaseTimeoutError, match="No connection to"):
        async with place.database():
            pass
    assert monotonic() - started < CALL_SECONDS + SLACK


async def test_time_outs_hold_while_idle_connections_cannot_be_closed(place: Place) -> None:
    async with place.database(idle_timeout=timedelta(seconds=0.3)) as db:
        busy = asyncio.create_task(keep_asking(db))
        await db.gather(*(db.users.count() for _ in range(20)))
        place.proxy.strike({"stall": 1.0})
        started = monotonic()
        with pytest.raises(DatabaseTimeoutError):
            await busy
        assert monotonic() - started < CALL_SECONDS + SLACK
        place.proxy.heal()
        await whole(db)


async def keep_asking(db: Database) -> None:
    while True:
        await db.users.count()


async def test_closing_ends_in_time_while_nothing_answers(place: Place) -> None:
    db = await place.database().open()
    await db.gather(*(db.users.count() for _ in range(10)))
    place.proxy.strike({"stall": 1.0})
    calls = [asyncio.create_task(db.users.count()) for _ in range(10)]
    await asyncio.sleep(0)
    started = monotonic()
    await db.close()
    assert monotonic() - started < 0.6 + 5.0 + SLACK
    for result in await asyncio.gather(*calls, return_exceptions=True):
        assert result == 0 or isinstance(result, Exception)
