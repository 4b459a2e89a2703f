"""A connection keeps its statements prepared, and gets over it when they have become stale.

Each name of the driver that is not public, and that `engine/wire.py` uses, is used here too.
"""

import asyncio

import asyncpg
import pytest
from sqlalchemy import bindparam, column, func, insert, literal_column, select, table, text, update
from sqlalchemy.dialects.postgresql import INTEGER
from sqlalchemy.sql import ClauseElement

from chatkeep.engine import wire as wires
from chatkeep.engine.compile import Statement, compile_statement
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.wire import Wire
from chatkeep.errors import ConnectionFailedError, InvalidInputError, StatementError

LIST = compile_statement("list", text("select * from thing order by 1"))
ADD = compile_statement(
    "add",
    text("insert into thing values (:n) returning n").bindparams(bindparam("n", type_=INTEGER)),
)
thing = table("thing", column("n", INTEGER))
READ = compile_statement("read", select(thing.c.n).order_by(thing.c.n))


async def prepared_on(wire: Wire) -> list[str]:
    return [row[0] for row in await wire.fetch("select statement from pg_prepared_statements")]


@pytest.fixture
async def things(runner: PoolRunner) -> PoolRunner:
    await do(runner, "create table thing (n int)")
    await do(runner, "insert into thing values (2), (1)")
    return runner


async def do(runner: PoolRunner, sql: str) -> None:
    wire = await runner.pool.acquire()
    await wire.execute(sql)
    runner.pool.release(wire)


async def numbers(runner: PoolRunner, statement: Statement) -> list[int]:
    return [row[0] for row in await runner.fetch(statement, [])]


async def test_a_statement_is_prepared_once_for_a_connection(things: PoolRunner) -> None:
    for _ in range(3):
        assert await numbers(things, LIST) == [1, 2]
    wire = await things.pool.acquire()
    assert (await prepared_on(wire)).count(LIST.sql) == 1
    things.pool.release(wire)


async def test_a_statement_that_does_not_come_again_is_not_kept(things: PoolRunner) -> None:
    once = compile_statement("once", text("select n from thing"), is_kept=False)
    await things.fetch(once, [])
    wire = await things.pool.acquire()
    assert once not in wire.kept
    things.pool.release(wire)


async def test_the_first_row_alone_is_fetched(things: PoolRunner) -> None:
    assert [row[0] for row in await things.fetch(LIST, [], only_first=True)] == [1]
    none = compile_statement("none", text("select n from thing where n > 5"))
    assert await things.fetch(none, [], only_first=True) == []
    everything = await things.fetch(ADD, [7], only_first=True)
    assert [row[0] for row in everything] == [7]
    assert await numbers(things, LIST) == [1, 2, 7]


async def test_a_write_is_whole_though_one_row_of_it_is_asked_for(things: PoolRunner) -> None:
    all_of_them = compile_statement("all", text("update thing set n = n + 10 returning n"))
    assert len(await things.fetch(all_of_them, [], only_first=True)) == 1
    assert await numbers(things, LIST) == [11, 12]


async def test_a_changed_table_is_no_concern_of_the_caller(things: PoolRunner) -> None:
    assert await numbers(things, LIST) == [1, 2]
    await do(things, "alter table thing add column name text default 'x'")
    assert [tuple(row) for row in await things.fetch(LIST, [])] == [(1, "x"), (2, "x")]
    await do(things, "alter table thing alter n type bigint")
    for only_first in (True, False):
        assert (await things.fetch(LIST, [], only_first=only_first))[0][0] == 1


async def test_inside_a_transaction_the_caller_must_begin_anew(things: PoolRunner) -> None:
    await numbers(things, LIST)
    wire = await things.pool.acquire()
    await do(things, "alter table thing add column name text")
    await wire.execute("begin")
    with pytest.raises(asyncpg.InvalidCachedStatementError):
        await wire.rows(LIST, [])
    await wire.execute("rollback")
    assert [tuple(row) for row in await wire.rows(LIST, [])] == [(1, None), (2, None)]
    things.pool.release(wire)


async def test_statements_that_somebody_deallocated_are_prepared_anew(things: PoolRunner) -> None:
    assert (await things.fetch(ADD, [3]))[0][0] == 3
    await do(things, "deallocate all")
    assert (await things.fetch(ADD, [4]))[0][0] == 4
    assert await numbers(things, LIST) == [1, 2, 3, 4]


async def test_a_changed_type_of_a_composite_is_read_right(things: PoolRunner) -> None:
    await do(things, "create type pair as (a int, b int)")
    await do(things, "create table pairs (p pair)")
    await do(things, "insert into pairs values (row(1, 2))")
    pairs = compile_statement("pairs", text("select p from pairs"))
    assert (await things.fetch(pairs, []))[0][0] == (1, 2)
    await do(things, "alter type pair add attribute c text")
    answers = []
    for _ in range(2):
        try:
            answers = await things.fetch(pairs, [])
        except StatementError:  # the driver tells it after the fact; the next call is right
            continue
    assert len(answers[0][0]) == 3


async def test_no_more_are_kept_than_the_bound(
    things: PoolRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wires, "_MAX_KEPT", 5)
    wire = await things.pool.acquire()
    for number in range(12):
        await wire.rows(compile_statement("n", text(f"select {number}")), [])
    assert len(wire.kept) == 5
    await wire.rows(
        compile_statement("n", text("select 'last'")), []
    )  # the driver closes the others
    assert sum(sql.startswith("select ") for sql in await prepared_on(wire)) <= 7
    things.pool.release(wire)


async def test_a_closed_connection_says_so(things: PoolRunner) -> None:
    wire = await things.pool.acquire()
    await wire.rows(LIST, [])
    wire.terminate()
    with pytest.raises(asyncpg.InterfaceError, match="closed"):
        await wire.rows(LIST, [])
    things.pool.release(wire)


async def kill(runner: PoolRunner) -> None:
    """End every other connection of the database, so that the pool does not know it yet."""
    mine = await asyncpg.connect(runner.pool._url)
    await mine.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid()"
    )
    await mine.close()


@pytest.mark.parametrize("lent_at_once", [1, 2])
async def test_a_read_is_sent_again_when_its_connection_broke(
    things: PoolRunner, lent_at_once: int
) -> None:
    both = [await things.pool.acquire() for _ in range(lent_at_once)]
    for wire in both:
        things.pool.release(wire)
    slow = compile_statement("slow", select(thing.c.n, select(thing.c.n).exists()))
    assert READ.is_read
    assert slow.is_read
    wire = things.pool.take()
    assert wire is not None
    things.pool.release(wire)
    reading = asyncio.create_task(numbers(things, READ))
    await kill(things)
    assert await reading == [1, 2]
    assert await numbers(things, READ) == [1, 2]


async def test_a_write_is_not_sent_again_under_a_broken_connection(things: PoolRunner) -> None:
    sleepy = compile_statement(
        "sleepy", text("insert into thing select 9 from pg_sleep(0.5) returning n")
    )
    assert not sleepy.is_read
    writing = asyncio.create_task(things.fetch(sleepy, []))
    while not await asked(things):
        await asyncio.sleep(0.01)
    await kill(things)
    with pytest.raises(ConnectionFailedError):
        await writing
    assert await numbers(things, READ) == [1, 2]


async def asked(runner: PoolRunner) -> bool:
    mine = await asyncpg.connect(runner.pool._url)
    count = await mine.fetchval(
        "select count(*) from pg_stat_activity where query like 'insert into thing select 9%' "
        "and state = 'active' and pid <> pg_backend_pid()"
    )
    await mine.close()
    return bool(count)


@pytest.mark.parametrize(
    ("clause", "is_read"),
    [
        (select(thing.c.n), True),
        (select(func.lower("A"), func.count()).select_from(thing), True),
        (select(thing.c.n).union_all(select(thing.c.n)), True),
        (select(thing.c.n).with_for_update(), True),
        (select(func.nextval("s")), False),
        (select(func.pg_advisory_lock(1)), False),
        (select(thing.c.n).where(text("nextval('s') > 0")), False),
        (text("select 1"), False),
        (select(literal_column("nextval('s')")), False),
        (select(literal_column("1")), True),
        (insert(thing).values(n=1).returning(thing.c.n), False),
        (update(thing).values(n=1), False),
        (select(insert(thing).values(n=1).returning(thing.c.n).cte("made")), False),
        (select(thing.c.n).add_cte(update(thing).values(n=1).cte("moved")), False),
    ],
)
def test_only_what_changes_nothing_is_a_read(clause: ClauseElement, is_read: bool) -> None:
    assert compile_statement("x", clause).is_read is is_read


def test_a_text_with_nul_is_refused_before_it_is_sent() -> None:
    find = compile_statement("find", select(thing.c.n).where(text("'a' = :name")))
    with pytest.raises(InvalidInputError, match="name holds the character NUL") as caught:
        find.arguments({"name": "secret\0"})
    assert caught.value.field == "name"
    assert "secret" not in str(caught.value)
