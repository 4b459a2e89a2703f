"""Rows by and by: constant memory, and a connection that comes back whole."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from pydantic import BaseModel
from sqlalchemy import Integer, Text, case, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, REGCLASS

from chatkeep import (
    ConfigError,
    Database,
    DatabaseTimeoutError,
    InvalidInputError,
    StatementError,
    StoredDataError,
    User,
)
from chatkeep.engine.observe import Observation
from chatkeep.presets import deepsearch
from fixtures.chain import everything_of

MANY = 200_000


def numbers(count: int) -> Any:
    return select(func.generate_series(1, count).column_valued("n"))


both_ways = pytest.mark.parametrize("narrow", ["none", "pgbouncer"], indirect=True)


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(
    request: pytest.FixtureRequest, db: Database, database_url: str, schema: deepsearch.Schema
) -> AsyncIterator[Database]:
    """One connection only: what is not given back is missed by the next call."""
    async with Database(
        schema,
        database_url,
        max_connections=1,
        acquire_timeout=timedelta(seconds=5),
        pooler=getattr(request, "param", "none"),
    ) as opened:
        yield opened


async def assert_whole(db: Database) -> None:
    """The one connection is free, outside of a transaction, and its server side keeps no cursor."""
    cursors = text("select count(*) as n from pg_cursors where name ~ 'chatkeep_'")
    assert await db.scalar(cursors.columns(n=Integer)) == 0
    read_only = text("select current_setting('transaction_read_only') as r").columns(r=Text)
    assert await db.scalar(read_only) == "off"
    await db.users.count()


@both_ways
async def test_all_rows_come_in_order(narrow: Database) -> None:
    for batch in (1, 7, 10, 11, 500):
        assert [n async for (n,) in narrow.stream(numbers(10), batch=batch)] == list(range(1, 11))
    assert [n async for (n,) in narrow.stream(numbers(0))] == []
    await assert_whole(narrow)


@both_ways
async def test_parameters_and_records(narrow: Database, schema: deepsearch.Schema) -> None:
    users = schema.users
    for n in range(30):
        await narrow.execute(insert(users).values(id=f"u{n:02}", email=f"{n}@example.com"))
    wanted = select(users).where(users.c.id.in_(["u03", "u05"]), users.c.email != "x")
    for _ in range(4):  # the fourth finds the statement compiled
        found = [user async for user in narrow.stream(wanted.order_by(users.c.id))]
        assert [user.id for user in found] == ["u03", "u05"]
        assert isinstance(found[0], User)


@both_ways
async def test_two_hundred_thousand_rows_in_constant_memory(narrow: Database) -> None:
    series = func.generate_series(1, MANY).column_valued("n")
    wide = select(series, func.repeat("x", 200))
    total = 0
    async for _ in narrow.stream(wide.limit(1000)):  # what is loaded once does not count
        pass
    tracemalloc.start()
    async for n, _ in narrow.stream(wide):
        total += n
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == MANY * (MANY + 1) // 2
    assert peak < 2_000_000  # a list of them takes more than 60 MB
    await assert_whole(narrow)


@both_ways
async def test_leaving_the_loop_gives_the_connection_back(narrow: Database) -> None:
    for _ in range(3):
        async for (n,) in narrow.stream(numbers(5000), batch=10):
            if n == 25:
                break
        await assert_whole(narrow)


async def test_a_block_gives_it_back_at_its_end(narrow: Database) -> None:
    async with narrow.stream(numbers(5000), batch=10) as rows:
        async for (n,) in rows:
            if n == 25:
                break
    with narrow.statements() as sent:
        await assert_whole(narrow)
    assert sent.control == []  # nothing was left to take back


@both_ways
async def test_a_stream_that_the_garbage_collector_finds_ends_in_silence(narrow: Database) -> None:
    """An error that is kept keeps its frames; the collector finds all of their generators at once."""
    loop, told = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: told.append(str(context)))
    try:
        for _ in range(3):
            rows = aiter(narrow.stream(numbers(5000), batch=10))
            await anext(rows)
            circle: list[object] = [rows]
            circle.append(circle)
            del rows, circle
            gc.collect()
            await assert_whole(narrow)
            gc.collect()  # a task says what it failed with when it goes
    finally:
        loop.set_exception_handler(None)
    assert told == []


async def test_an_exception_in_the_loop_leaves_it_whole(narrow: Database) -> None:
    async def work() -> None:
        async for (n,) in narrow.stream(numbers(5000), batch=10):
            if n == 25:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    await assert_whole(narrow)


@both_ways
async def test_cancelled_at_any_point_it_leaves_the_pool_whole(narrow: Database) -> None:
    async def work(begun: asyncio.Event, pause: bool) -> None:
        async for (n,) in narrow.stream(numbers(100_000), batch=100):
            if n > 150:
                begun.set()
            if pause:
                await asyncio.sleep(0)

    for turns in range(60):
        begun = asyncio.Event()
        task = asyncio.create_task(work(begun, pause=turns % 2 == 0))
        if turns >= 20:
            await begun.wait()
        for _ in range(turns % 20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await assert_whole(narrow)


async def test_a_row_that_cannot_be_read(narrow: Database) -> None:
    class Told(msgspec.Struct):
        value: dict[str, int]

    series = func.generate_series(1, 100).column_valued("n")
    value = case((series < 40, func.jsonb_build_object("n", series)), else_=func.to_jsonb("secret"))
    told = select(value.cast(JSONB).label("value"))
    got = 0
    with pytest.raises(StoredDataError, match='column "value"') as caught:
        async for _ in narrow.stream(told, into=Told, batch=10):
            got += 1
    assert got == 30
    assert "secret" not in repr(caught.value)
    await assert_whole(narrow)


async def test_a_statement_that_fails_on_its_way(narrow: Database) -> None:
    series = func.generate_series(1, 100).column_valued("n")
    got = 0
    with pytest.raises(InvalidInputError, match="stream"):
        async for _ in narrow.stream(select(10 / (series - 50)), batch=10):
            got += 1
    assert got == 40
    await assert_whole(narrow)


async def test_each_batch_has_the_time_of_a_statement(
    db: Database, database_url: str, schema: deepsearch.Schema
) -> None:
    slow = select(func.pg_sleep(30))
    async with Database(
        schema, database_url, max_connections=1, statement_timeout=timedelta(seconds=0.2)
    ) as quick:
        with pytest.raises(DatabaseTimeoutError):
            async for _ in quick.stream(slow):
                pass
        await assert_whole(quick)


async def test_it_only_reads(narrow: Database, schema: deepsearch.Schema) -> None:
    with pytest.raises(ConfigError, match="only a select can be streamed"):
        narrow.stream(insert(schema.users).values(id="x", email="x").returning(schema.users.c.id))
    sequence = func.pg_get_serial_sequence("x_message", "seq")
    with pytest.raises(StatementError, match="25006"):  # a read-only transaction
        async for _ in narrow.stream(select(func.nextval(sequence.cast(REGCLASS)))):
            pass
    await assert_whole(narrow)
    for batch in (0, -1, True, 2.5):
        with pytest.raises(InvalidInputError, match="batch"):
            narrow.stream(numbers(1), batch=batch)  # type: ignore[arg-type]


@both_ways
async def test_inside_a_transaction_it_is_part_of_it(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    users = schema.users
    async with narrow.transaction() as tx:
        for n in range(25):
            await tx.execute(insert(users).values(id=f"u{n:02}", email=f"{n}@example.com"))
        async for user in tx.stream(select(users).order_by(users.c.id), batch=10):
            await tx.execute(update(users).where(users.c.id == user.id).values(name="seen"))
        async with tx.transaction() as inner:
            async for outer_user in inner.stream(select(users.c.id), batch=10):
                async for _ in inner.stream(select(users.c.id).where(users.c.id == outer_user[0])):
                    pass
        async for _ in tx.stream(select(users), batch=5):
            break
        assert await tx.scalar(select(func.count()).where(users.c.name == "seen")) == 25
    await assert_whole(narrow)
    assert await narrow.users.count() == 25


async def test_a_failing_row_does_not_end_the_callers_transaction(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    class Told(msgspec.Struct):
        value: int

    bad = select(func.to_jsonb("secret").cast(JSONB).label("value"))
    async with narrow.transaction() as tx:
        await tx.execute(insert(schema.users).values(id="u", email="u@example.com"))
        with pytest.raises(StoredDataError):
            async for _ in tx.stream(bad, into=Told):
                pass
    assert await narrow.users.count() == 1


async def test_several_streams_side_by_side(db: Database) -> None:
    async def total(count: int) -> int:
        return sum([n async for (n,) in db.stream(numbers(count), batch=50)])

    totals = await asyncio.gather(*(total(count) for count in range(100, 130)))
    assert totals == [count * (count + 1) // 2 for count in range(100, 130)]


async def test_watchers_are_told_of_each_batch(db: Database) -> None:
    seen: list[Observation] = []
    with db.observe(seen.append):
        assert len([n async for (n,) in db.stream(numbers(25), batch=10)]) == 25
    assert [(one.name, one.rows) for one in seen] == [
        ("begin", 0), ("stream", 10), ("stream", 10), ("stream", 5),
        ("commit", 0),
    ]  # fmt: skip


@both_ways
async def test_connections_keep_nothing_of_a_stream(narrow: Database) -> None:
    series = func.generate_series(1, 30).column_valued("n")
    for _ in range(3):
        async for _ in narrow.stream(select(func.md5("x"), series), batch=10):
            pass
    kept = text("select count(*) as n from pg_prepared_statements where statement ~ ('md' || '5')")
    assert await narrow.scalar(kept.columns(n=Integer)) == 0


class Opened(BaseModel):
    value: list[int]


async def test_what_is_stored_is_in_no_error_that_hangs_on_ours(narrow: Database) -> None:
    """Pydantic repeats the value; a tool that collects errors walks from one to the next."""
    bad = select(func.to_jsonb("SECRET").cast(JSONB).label("value"))

    async def streamed() -> None:
        async for _ in narrow.stream(bad, into=Opened):
            pass

    calls: list[Callable[[], Awaitable[object]]] = [
        streamed,
        lambda: narrow.all(bad, into=Opened),
        lambda: narrow.one(bad, into=Opened),
        lambda: narrow.first(bad, into=Opened),
    ]
    for call in calls:
        with pytest.raises(StoredDataError, match='column "value"') as caught:
            await call()
        assert "SECRET" not in everything_of(caught.value)
    await assert_whole(narrow)
