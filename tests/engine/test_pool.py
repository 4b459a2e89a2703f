"""Borrowing and giving back."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from chatkeep.engine.compile import Statement
from chatkeep.engine.observe import Observers
from chatkeep.engine.pool import Pool, PoolOptions
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.translate import translate
from chatkeep.errors import (
    AlreadyExistsError,
    ConnectionFailedError,
    DatabaseBusyError,
    DatabaseClosedError,
    DatabaseTimeoutError,
    StatementError,
)

Sql = Callable[[str], Statement]

IN_TRANSACTION = (
    "select count(*) from pg_stat_activity where state like 'idle in transaction%' "
    "and datname = current_database()"
)


async def test_a_statement_gives_rows(runner: PoolRunner, sql: Sql) -> None:
    assert [tuple(row) for row in await runner.fetch(sql("select 1, 'a'"), [])] == [(1, "a")]


async def test_the_connection_says_who_it_is_and_compiles_nothing(
    runner: PoolRunner, sql: Sql
) -> None:
    shown = sql("select current_setting('application_name'), current_setting('jit')")
    assert tuple((await runner.fetch(shown, []))[0]) == ("chatkeep", "off")


async def test_before_open_and_after_close_is_refused(database_url: str, sql: Sql) -> None:
    pool = Pool(PoolOptions())
    runner = PoolRunner(pool, Observers(), {})
    with pytest.raises(DatabaseClosedError, match="not open"):
        await runner.fetch(sql("select 1"), [])
    await pool.open(database_url)
    await runner.fetch(sql("select 1"), [])
    await pool.close()
    await pool.close()
    with pytest.raises(DatabaseClosedError, match="not open"):
        await runner.fetch(sql("select 1"), [])


async def test_no_more_than_the_bound_are_open(runner: PoolRunner, sql: Sql) -> None:
    pids = await asyncio.gather(
        *(runner.fetch(sql("select pg_backend_pid(), pg_sleep(0.01)"), []) for _ in range(12))
    )
    assert len({rows[0][0] for rows in pids}) <= 2


async def test_waiting_for_a_connection_ends(runner: PoolRunner) -> None:
    held = [await runner.pool.acquire(), await runner.pool.acquire()]
    with pytest.raises(DatabaseTimeoutError, match=r"within 0\.5 s.*all 2 are in use"):
        await runner.pool.acquire()
    for wire in held:
        runner.pool.release(wire)
    runner.pool.release(await runner.pool.acquire())


async def test_beyond_the_bound_of_waiters_a_call_is_refused_at_once(database_url: str) -> None:
    pool = Pool(PoolOptions(max_connections=1, max_waiting=2, acquire_timeout=60))
    await pool.open(database_url)
    held = await pool.acquire()
    waiting = [asyncio.create_task(pool.acquire()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(DatabaseBusyError, match="2 callers wait already"):
        await pool.acquire()
    waiting[0].cancel()  # its place in the line is free again
    with pytest.raises(asyncio.CancelledError):
        await waiting[0]
    third = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.release(held)
    pool.release(await waiting[1])
    pool.release(await third)
    await pool.close()


async def test_callers_are_served_in_turn(runner: PoolRunner) -> None:
    held = [await runner.pool.acquire(), await runner.pool.acquire()]
    served: list[int] = []

    async def one(number: int) -> None:
        wire = await runner.pool.acquire()
        served.append(number)
        await asyncio.sleep(0)
        runner.pool.release(wire)

    tasks = [asyncio.create_task(one(number)) for number in range(20)]
    await asyncio.sleep(0)
    for wire in held:
        runner.pool.release(wire)
    await asyncio.gather(*tasks)
    assert served == list(range(20))


async def test_what_nobody_uses_is_closed_and_the_rest_stays(database_url: str) -> None:
    pool = Pool(PoolOptions(max_connections=3, idle_seconds=0.05))
    await pool.open(database_url)
    for wire in [await pool.acquire() for _ in range(3)]:
        pool.release(wire)
    busy = await pool.acquire()
    while pool._size > 1:  # a place is free when its connection has closed, a moment later
        await asyncio.sleep(0.01)
    assert pool._idle == []
    assert not busy.is_closed()
    pool.release(busy)
    again = [await pool.acquire() for _ in range(3)]
    assert len({id(wire) for wire in again}) == 3
    for wire in again:
        pool.release(wire)
    await pool.close()


async def test_times_are_told_in_utc(runner: PoolRunner, sql: Sql) -> None:
    shown = sql("select to_json('2026-01-02 03:04:05.678901+05'::timestamptz)::text")
    assert (await runner.fetch(shown, []))[0][0] == '"2026-01-01T22:04:05.678901+00:00"'


async def test_a_waiter_that_gives_up_takes_no_connection_with_it(runner: PoolRunner) -> None:
    held = [await runner.pool.acquire(), await runner.pool.acquire()]
    waiting = asyncio.create_task(runner.pool.acquire())
    await asyncio.sleep(0)
    waiting.cancel()
    runner.pool.release(held.pop())
    with pytest.raises(asyncio.CancelledError):
        await waiting
    held.append(await runner.pool.acquire())
    for wire in held:
        runner.pool.release(wire)


async def test_a_slow_statement_is_stopped_and_the_connection_lives(
    runner: PoolRunner, sql: Sql
) -> None:
    with pytest.raises(DatabaseTimeoutError, match="test: no answer in time"):
        await runner.fetch(sql("select pg_sleep(5)"), [])
    assert (await runner.fetch(sql("select 1"), []))[0][0] == 1


async def test_a_connection_left_in_a_transaction_is_cleaned(runner: PoolRunner, sql: Sql) -> None:
    wire = await runner.pool.acquire()
    await wire.execute("BEGIN")
    runner.pool.release(wire)
    assert (await runner.fetch(sql(IN_TRANSACTION), []))[0][0] == 0


async def test_a_dead_connection_is_replaced(runner: PoolRunner, sql: Sql) -> None:
    killer, victim = await runner.pool.acquire(), await runner.pool.acquire()
    await killer.fetch("select pg_terminate_backend($1)", victim.get_server_pid())
    runner.pool.release(killer)
    runner.pool.release(victim)
    for _ in range(3):  # the first may meet the connection as it dies
        try:
            await runner.fetch(sql("select 1"), [])
        except ConnectionFailedError:
            continue
    assert (await runner.fetch(sql("select 1"), []))[0][0] == 1


async def test_random_cancellation_leaves_the_pool_whole(runner: PoolRunner, sql: Sql) -> None:
    async def call() -> None:
        await runner.fetch(sql("select pg_sleep(0.002)"), [])

    tasks = [asyncio.create_task(call()) for _ in range(100)]
    for n, task in enumerate(tasks):
        await asyncio.sleep(0.0007 * (n % 3))
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    answers = await asyncio.gather(*(runner.fetch(sql("select 7"), []) for _ in range(10)))
    assert [rows[0][0] for rows in answers] == [7] * 10
    assert (await runner.fetch(sql(IN_TRANSACTION), []))[0][0] == 0


async def test_an_unreachable_server_is_one_sentence_without_the_password() -> None:
    url = "postgresql://me:s3cret@127.0.0.1:1/x"
    with pytest.raises(
        ConnectionFailedError, match=r"cannot be reached at postgresql://me:\*\*\*@127"
    ) as caught:
        await Pool(PoolOptions()).open(url)
    assert "s3cret" not in str(caught.value)


async def test_a_missing_database_is_named_so(database_url: str) -> None:
    missing = database_url.replace("/", "/no_such_", 3).replace("/no_such_/no_such_", "//")
    with pytest.raises(ConnectionFailedError):
        await Pool(PoolOptions()).open(missing)


async def test_a_refused_statement_names_itself_and_repeats_nothing(
    runner: PoolRunner, sql: Sql
) -> None:
    with pytest.raises(StatementError, match=r"test: .*SQLSTATE 42601") as caught:
        await runner.fetch(sql("select s3cret from from"), [])
    assert caught.value.sqlstate == "42601"


async def test_watchers_are_told_name_and_rows_and_nobody_else(
    runner: PoolRunner, sql: Sql
) -> None:
    with runner.observers.log() as log:
        await runner.fetch(sql("select generate_series(1, 3)"), [])
    await runner.fetch(sql("select 1"), [])
    assert log.names == ["test"]
    assert runner.observers.active == []


def test_a_half_dead_connection_is_told_as_broken() -> None:
    error = translate(asyncpg.InternalClientError("cannot switch to state 11"), "users.get", {})
    assert isinstance(error, ConnectionFailedError)


async def test_what_comes_back_to_a_closed_pool_is_not_lent_again(database_url: str) -> None:
    pool = Pool(PoolOptions(max_connections=2, statement_timeout=0.2))
    await pool.open(database_url)
    held, spare = await pool.acquire(), await pool.acquire()
    pool.release(spare)
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    assert pool.take() is None
    with pytest.raises(DatabaseClosedError):
        await pool.acquire()
    pool.release(held)
    await closing
    assert held.is_closed()
    assert spare.is_closed()
    assert pool.take() is None


async def test_a_refused_row_is_no_reason_to_ask_the_connection(
    runner: PoolRunner, sql: Sql
) -> None:
    told: list[str] = []
    wire = runner.pool.take()
    assert wire is not None
    wire.add_log_listener(lambda _, message: told.append(str(message)))
    runner.pool.release(wire)
    await runner.fetch(sql("create table one (n int primary key)"), [])
    await runner.fetch(sql("insert into one values (1) returning n"), [])
    with pytest.raises(AlreadyExistsError):
        await runner.fetch(sql("insert into one values (1) returning n"), [])
    assert runner.pool._cleaning == set()
    assert runner.pool.take() is wire
    runner.pool.release(wire)
    assert told == []
