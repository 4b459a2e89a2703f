"""`db.transaction(...)`: retried conflicts, isolation, what is refused. Every conflict is a real one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import Integer, Text, column, func, select, table, update

from chatkeep import (
    ConfigError,
    ConflictError,
    ConnectionFailedError,
    Database,
    NewUser,
    StatementError,
    Transaction,
    UserNotFoundError,
)
from chatkeep.engine import retry

on_call = table("on_call", column("name", Text), column("n", Integer))


def value(name: str) -> Any:
    return select(on_call.c.n).where(on_call.c.name == name)


def setting(name: str, new: int) -> Any:
    return update(on_call).where(on_call.c.name == name).values(n=new).returning(on_call.c.n)


@pytest_asyncio.fixture(loop_scope="session")
async def other(database_url: str, db: Database) -> AsyncIterator[asyncpg.Connection]:
    """Another client, and a table with two rows."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("create table on_call (name text primary key, n int not null)")
    await connection.execute("insert into on_call values ('ada', 1), ('bob', 1)")
    yield connection
    await connection.close()


class Conflicts:
    """Work that loses against another client so many times: the row it writes has changed."""

    def __init__(self, other: asyncpg.Connection, times: int) -> None:
        self.other = other
        self.times = times
        self.attempts = 0

    async def __call__(self, tx: Transaction) -> int | None:
        self.attempts += 1
        await tx.scalar(value("ada"))
        if self.attempts <= self.times:
            await self.other.execute("update on_call set n = n + 1 where name = 'ada'")
        return await tx.scalar(setting("ada", 100))


async def test_a_lost_transaction_is_run_again(db: Database, other: asyncpg.Connection) -> None:
    work = Conflicts(other, times=2)
    with db.statements() as sent:
        result = await db.transaction(retry=3, isolation="repeatable read").run(work)
    assert (result, work.attempts) == (100, 3)
    assert sent.control == ["begin", "rollback"] * 2 + ["begin", "commit"]
    assert await other.fetchval("select n from on_call where name = 'ada'") == 100


@pytest.mark.parametrize("further", [0, 2])
async def test_the_last_loss_is_told(db: Database, other: asyncpg.Connection, further: int) -> None:
    work = Conflicts(other, times=99)
    with pytest.raises(
        ConflictError, match=r"changed meanwhile.*Run it again.*run\(work\)"
    ) as caught:
        await db.transaction(retry=further, isolation="repeatable read").run(work)
    assert (caught.value.sqlstate, work.attempts) == ("40001", 1 + further)
    assert await other.fetchval("select n from on_call where name = 'ada'") == 2 + further


async def test_the_loop_runs_it_again(db: Database, other: asyncpg.Connection) -> None:
    work = Conflicts(other, times=2)
    async for attempt in db.transaction(retry=2, isolation="serializable"):
        async with attempt as tx:
            await work(tx)
    assert work.attempts == 3
    assert await other.fetchval("select n from on_call where name = 'ada'") == 100


async def test_without_a_retry_the_block_tells_the_conflict(
    db: Database, other: asyncpg.Connection
) -> None:
    with pytest.raises(ConflictError):
        async with db.transaction(isolation="serializable") as tx:
            await Conflicts(other, times=1)(tx)


async def test_a_commit_that_is_refused_is_run_again(
    db: Database, other: asyncpg.Connection
) -> None:
    """Write skew: each goes off call since the other one is on; only the commit can tell."""
    both = asyncio.Barrier(2)
    attempts = 0

    async def leaves(me: str, they: str) -> None:
        is_first = True

        async def work(tx: Transaction) -> None:
            nonlocal attempts, is_first
            attempts += 1
            if await tx.scalar(value(they)):
                await tx.scalar(setting(me, 0))
            if is_first:
                is_first = False
                await both.wait()

        await db.transaction(retry=5, isolation="serializable").run(work)

    await asyncio.gather(leaves("ada", "bob"), leaves("bob", "ada"))
    assert attempts == 3
    assert await other.fetchval("select sum(n) from on_call") == 1


@pytest.mark.parametrize("left_by", ["its end", "return"])
async def test_a_refused_commit_comes_out_of_a_loop(
    db: Database, other: asyncpg.Connection, left_by: str
) -> None:
    """After a `return` nobody could run it again, and the value was not stored."""
    both = asyncio.Barrier(2)

    async def leaves(me: str, they: str) -> str:
        async for attempt in db.transaction(retry=5, isolation="serializable"):
            async with attempt as tx:
                await tx.scalar(value(they))
                await tx.scalar(setting(me, 0))
                await both.wait()
                if left_by == "return":
                    return "stored"
        return "stored"

    results = await asyncio.gather(
        leaves("ada", "bob"), leaves("bob", "ada"), return_exceptions=True
    )
    lost = [result for result in results if isinstance(result, ConflictError)]
    assert len(lost) == 1
    assert "run(work)" in lost[0].__notes__[0]
    assert await other.fetchval("select sum(n) from on_call") == 1


async def test_a_deadlock_is_run_again(db: Database, other: asyncpg.Connection) -> None:
    both = asyncio.Barrier(2)
    attempts = 0

    async def moves(first: str, then: str, further: int) -> None:
        is_first = True

        async def work(tx: Transaction) -> None:
            nonlocal attempts, is_first
            attempts += 1
            await tx.first(select(func.set_config("deadlock_timeout", "20ms", True)))
            await tx.scalar(update(on_call).where(on_call.c.name == first).values(n=5).returning(1))
            if is_first:
                is_first = False
                await both.wait()
            await tx.scalar(update(on_call).where(on_call.c.name == then).values(n=6).returning(1))

        await db.transaction(retry=further).run(work)

    await asyncio.gather(moves("ada", "bob", 3), moves("bob", "ada", 3))
    assert attempts == 3
    attempts = 0
    results = await asyncio.gather(
        moves("ada", "bob", 0), moves("bob", "ada", 0), return_exceptions=True
    )
    (lost,) = [result for result in results if result is not None]
    assert isinstance(lost, ConflictError)
    assert (lost.sqlstate, attempts) == ("40P01", 2)


async def test_twenty_tasks_count_right(db: Database, other: asyncpg.Connection) -> None:
    async def adds(tx: Transaction) -> None:
        n = await tx.scalar(value("ada"))
        assert n is not None
        await tx.scalar(setting("ada", n + 1))

    await asyncio.gather(
        *(db.transaction(retry=200, isolation="serializable").run(adds) for _ in range(20))
    )
    assert await other.fetchval("select n from on_call where name = 'ada'") == 21


async def test_another_error_is_not_run_again(db: Database) -> None:
    attempts = 0

    async def work(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await tx.users.create(NewUser(id="ada", email="ada@example.com"))
        await tx.users.get("nobody")

    with pytest.raises(UserNotFoundError):
        await db.transaction(retry=5).run(work)
    with pytest.raises(UserNotFoundError):
        async for attempt in db.transaction(retry=5):
            async with attempt as tx:
                await work(tx)
    assert attempts == 2
    assert await db.users.count() == 0


async def test_a_broken_connection_is_not_run_again(
    db: Database, other: asyncpg.Connection
) -> None:
    attempts = 0

    async def work(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        pid = await tx.scalar(select(func.pg_backend_pid()))
        await other.fetchval("select pg_terminate_backend($1, 5000)", pid)
        await tx.scalar(value("ada"))

    with pytest.raises(ConnectionFailedError):
        await db.transaction(retry=5).run(work)
    assert attempts == 1


async def test_a_commit_without_an_answer_says_that_nobody_knows(
    db: Database, other: asyncpg.Connection
) -> None:
    await other.execute(
        "create function ends() returns trigger language plpgsql as "
        "'begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(9); end';"
        "create constraint trigger at_commit after update on on_call "
        "deferrable initially deferred for each row execute function ends()"
    )
    attempts = 0
    with pytest.raises(ConnectionFailedError, match="Whether the transaction was stored is not"):
        async for attempt in db.transaction(retry=3):
            async with attempt as tx:
                attempts += 1
                await tx.scalar(setting("ada", 7))
    assert attempts == 1
    assert await db.scalar(value("ada")) == 1


async def test_a_connection_seen_to_be_broken_is_told_so(
    db: Database, other: asyncpg.Connection
) -> None:
    async def breaks(tx: Transaction) -> None:
        pid = await tx.scalar(select(func.pg_backend_pid()))
        await other.fetchval("select pg_terminate_backend($1, 5000)", pid)
        with pytest.raises(ConnectionFailedError):
            await tx.scalar(value("ada"))

    async with asyncio.timeout(10):
        with pytest.raises(
            ConnectionFailedError, match=r"transaction: .* broke earlier, so nothing .* stored.$"
        ):
            async with db.transaction() as tx:
                await breaks(tx)
                await tx.scalar(value("ada"))
        with pytest.raises(
            ConnectionFailedError, match=r"commit: .* broke earlier, so nothing .* stored.$"
        ):
            async with db.transaction() as tx:
                await breaks(tx)


async def test_a_connection_that_died_in_the_pool_is_changed_before_it_begins(
    db: Database, other: asyncpg.Connection
) -> None:
    pid = await db.scalar(select(func.pg_backend_pid()))
    await other.fetchval("select pg_terminate_backend($1, 5000)", pid)
    async with db.transaction() as tx:
        assert await tx.scalar(value("ada")) == 1


async def test_a_table_changed_under_a_kept_statement_is_asked_again(
    db: Database, other: asyncpg.Connection
) -> None:
    await db.users.create(NewUser(id="ada", email="ada@example.com"))
    attempts = 0

    async def work(tx: Transaction) -> str:
        nonlocal attempts
        attempts += 1
        return (await tx.users.get("ada")).email

    async def change(size: int) -> None:
        await other.execute(f'alter table "x_user" alter column name type varchar({size})')

    assert await db.transaction().run(work) == "ada@example.com"
    await change(300)
    with pytest.raises(ConflictError, match="a table has been changed") as caught:
        await db.transaction().run(work)
    assert caught.value.sqlstate == "0A000"
    assert await db.transaction().run(work) == "ada@example.com"
    await change(301)
    attempts = 0
    assert await db.transaction(retry=1).run(work) == "ada@example.com"
    assert attempts == 2
    await change(302)
    assert (await db.users.get("ada")).email == "ada@example.com"  # nothing to take back: at once


async def test_tasks_of_a_group_that_lose_together_are_run_again(
    db: Database, other: asyncpg.Connection
) -> None:
    work = Conflicts(other, times=1)

    async def in_a_group(tx: Transaction) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(work(tx))

    await db.transaction(retry=1, isolation="serializable").run(in_a_group)
    assert work.attempts == 2


async def test_cancelled_while_it_waits_it_leaves_everything_whole(
    db: Database, other: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_waiting = asyncio.Event()

    def for_ever(attempt: int) -> float:
        is_waiting.set()
        return 3600.0

    monkeypatch.setattr(retry, "wait_before", for_ever)
    work = Conflicts(other, times=9)
    task = asyncio.create_task(db.transaction(retry=9, isolation="serializable").run(work))
    await is_waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.attempts == 1
    assert len(await db.gather(*(db.scalar(value("ada")) for _ in range(20)))) == 20
    idle = "select count(*) from pg_stat_activity where state like 'idle in%'"
    assert await other.fetchval(idle) == 0


async def test_isolation_and_read_only_are_what_was_asked(db: Database) -> None:
    asked = select(
        func.current_setting("transaction_isolation"), func.current_setting("transaction_read_only")
    )
    async with db.transaction() as tx:
        assert await tx.one(asked) == ("read committed", "off")
    async with db.transaction(isolation="repeatable read") as tx:
        assert await tx.one(asked) == ("repeatable read", "off")
    async with db.transaction(isolation="serializable", read_only=True) as tx:
        assert await tx.one(asked) == ("serializable", "on")
    async with db.transaction(isolation="read committed") as tx:
        assert await tx.one(asked) == ("read committed", "off")


async def test_read_only_is_kept(db: Database) -> None:
    with pytest.raises(StatementError) as caught:
        async with db.transaction(read_only=True) as tx:
            await tx.users.create(NewUser(email="ada@example.com"))
    assert caught.value.sqlstate == "25006"
    await db.users.create(NewUser(email="ada@example.com"))


async def test_a_block_cannot_be_run_again_and_says_so(db: Database) -> None:
    with pytest.raises(
        ConfigError, match=r"run\(work\)`, or `async for attempt in .* refused commit"
    ):
        async with db.transaction(retry=3):
            pass


async def test_wrong_options_are_refused(db: Database) -> None:
    with pytest.raises(ConfigError, match='isolation must be one of "read committed"'):
        db.transaction(isolation="snapshot")  # type: ignore[arg-type]
    for wrong in (-1, 1.5, True):
        with pytest.raises(ConfigError, match="retry must be"):
            db.transaction(retry=wrong)  # type: ignore[arg-type]
    async with db.transaction() as tx:
        for options in ({"retry": 1}, {"isolation": "serializable"}, {"read_only": True}):
            with pytest.raises(ConfigError, match="nested transaction is a savepoint"):
                tx.transaction(**options)  # type: ignore[arg-type]
        async for attempt in tx.transaction():
            async with attempt as inner:
                await inner.users.create(NewUser(email="ada@example.com"))
    assert await db.users.count() == 1


async def test_a_transaction_is_begun_once(db: Database) -> None:
    once = db.transaction()
    async with once:
        with pytest.raises(ConfigError, match="begun already"):
            async with once:
                pass
