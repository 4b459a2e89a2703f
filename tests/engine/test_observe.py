"""Watchers: what they are told, when nothing is sent, and that none of them breaks a statement."""

import asyncio
import logging
import time
from collections.abc import Callable

import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    delete,
    exists,
    insert,
    select,
    text,
    true,
    update,
)
from sqlalchemy.sql import ClauseElement

from chatkeep.engine.address import Address, address_of
from chatkeep.engine.compile import Statement, compile_statement
from chatkeep.engine.observe import Observation, Observers
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.subject import Subject
from chatkeep.engine.transaction import transaction
from chatkeep.errors import (
    AlreadyExistsError,
    ConfigError,
    DatabaseTimeoutError,
    InvalidInputError,
    StatementError,
)

Sql = Callable[[str], Statement]


@pytest.fixture
def seen(runner: PoolRunner) -> list[Observation]:
    observations: list[Observation] = []
    runner.observers.add(observations.append)
    return observations


async def test_a_statement_is_told_with_rows_sql_and_times(
    runner: PoolRunner, sql: Sql, seen: list[Observation]
) -> None:
    before = time.time_ns()
    statement = sql("select n from generate_series(1, cast(:last as integer)) n")
    await runner.fetch(statement, [7])
    (told,) = seen
    assert (told.name, told.rows, told.control, told.error) == ("test", 7, False, None)
    assert told.sql == statement.sql
    assert "$1" in told.sql
    assert told.sqlstate == ""
    assert before <= told.ended - told.seconds * 1e9 + 1e6
    assert told.ended <= time.time_ns()


async def test_a_refused_statement_is_told_with_error_and_sqlstate(
    runner: PoolRunner, sql: Sql, seen: list[Observation]
) -> None:
    with pytest.raises(StatementError) as caught:
        await runner.fetch(sql("select 1 / 0 from nowhere_at_all()"), [])
    (told,) = seen
    assert told.error is caught.value
    assert (told.sqlstate, told.rows) == ("42883", 0)


async def test_a_time_out_is_told(runner: PoolRunner, sql: Sql, seen: list[Observation]) -> None:
    with pytest.raises(DatabaseTimeoutError):
        await runner.fetch(sql("select pg_sleep(30)"), [])
    (told,) = seen
    assert isinstance(told.error, DatabaseTimeoutError)
    assert 0.5 < told.seconds < 20


async def test_a_cancelled_statement_is_told(
    runner: PoolRunner, sql: Sql, seen: list[Observation]
) -> None:
    async with transaction(runner) as holder:
        await holder.fetch(sql("select pg_advisory_xact_lock(7)"), [])
        waiting = asyncio.create_task(
            runner.fetch(sql("select pg_advisory_xact_lock(7) as waits"), [])
        )
        while not await holder.fetch(sql("select 1 from pg_locks where not granted"), []):
            await asyncio.sleep(0.01)
        seen.clear()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert [type(told.error) for told in seen] == [asyncio.CancelledError]


async def test_a_constraint_is_told_with_our_error(
    runner: PoolRunner, sql: Sql, seen: list[Observation]
) -> None:
    await runner.fetch(sql("create table t (n int primary key)"), [])
    await runner.fetch(sql("insert into t values (1)"), [])
    seen.clear()
    with pytest.raises(AlreadyExistsError):
        await runner.fetch(sql("insert into t values (1)"), [])
    assert [(type(told.error), told.sqlstate) for told in seen] == [(AlreadyExistsError, "23505")]


async def test_a_value_that_the_driver_refuses_was_not_sent(
    runner: PoolRunner, sql: Sql, seen: list[Observation]
) -> None:
    with pytest.raises(InvalidInputError):
        await runner.fetch(sql("select cast(:x as text)"), [5])
    assert seen == []


async def test_a_value_that_the_server_refuses_was_sent(
    runner: PoolRunner, sql: Sql, seen: list[Observation]
) -> None:
    with pytest.raises(InvalidInputError):
        await runner.fetch(sql("select cast(cast(:x as text) as integer)"), ["five"])
    assert [told.sqlstate for told in seen] == ["22P02"]


async def test_words_of_transactions_are_told_apart(
    runner: PoolRunner, sql: Sql, seen: list[Observation]
) -> None:
    async with transaction(runner) as tx:
        await tx.fetch(sql("select 1"), [])
        with pytest.raises(StatementError):
            async with tx.savepoint() as inner:
                await inner.fetch(sql("select nonesuch(1)"), [])
    words = [told for told in seen if told.control]
    assert [told.name for told in words] == ["begin", "savepoint", "rollback to", "commit"]
    assert [told.subject.operation for told in words] == [
        "BEGIN", "SAVEPOINT", "ROLLBACK", "COMMIT",
    ]  # fmt: skip
    assert words[0].sql == "BEGIN"
    assert [told.name for told in seen if not told.control] == ["test", "test"]


async def test_a_watcher_that_raises_breaks_nothing_and_is_logged_once(
    runner: PoolRunner, sql: Sql, seen: list[Observation], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(observation: Observation) -> None:
        raise ZeroDivisionError(observation.name)

    others: list[Observation] = []
    runner.observers.add(broken)
    runner.observers.add(others.append)
    with caplog.at_level(logging.WARNING, logger="chatkeep.observe"):
        for _ in range(3):
            assert [row[0] for row in await runner.fetch(sql("select 5"), [])] == [5]
        with pytest.raises(StatementError):  # its own error is not hidden by the watcher's
            await runner.fetch(sql("select nonesuch(1)"), [])
    assert len(seen) == len(others) == 4
    (record,) = caplog.records
    assert record.name == "chatkeep.observe"
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError


async def test_with_nobody_watching_nothing_is_timed(
    runner: PoolRunner, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(*_: object, **__: object) -> None:
        raise AssertionError("a statement was watched for nobody")

    monkeypatch.setattr(Observers, "watch", watched)
    await runner.fetch(sql("select 1"), [])
    async with transaction(runner) as tx, tx.savepoint() as inner:
        await inner.fetch(sql("select 1"), [])


async def test_nobody_is_told_after_the_end(runner: PoolRunner, sql: Sql) -> None:
    told: list[Observation] = []
    with runner.observers.observed(told.append):
        await runner.fetch(sql("select 1"), [])
    await runner.fetch(sql("select 1"), [])
    assert len(told) == 1
    assert runner.observers.active == []


async def test_who_comes_during_a_statement_is_told_of_the_next_one(
    runner: PoolRunner, sql: Sql
) -> None:
    told: list[Observation] = []
    running = asyncio.create_task(runner.fetch(sql("select pg_sleep(0.1)"), []))
    await asyncio.sleep(0)
    with runner.observers.observed(told.append):
        await running
        assert told == []
        await runner.fetch(sql("select 1"), [])
        assert len(told) == 1


@pytest.mark.parametrize("observer", [5, None, "print"])
def test_what_cannot_be_called_is_no_watcher(observer: object) -> None:
    with pytest.raises(ConfigError, match="function of one Observation"):
        Observers().add(observer)  # type: ignore[arg-type]


def test_an_async_watcher_is_refused() -> None:
    async def later(observation: Observation) -> None: ...

    with pytest.raises(ConfigError, match="cannot be async"):
        Observers().add(later)  # type: ignore[arg-type]


METADATA = MetaData()
A = Table("a table", METADATA, Column("x", Integer))
B = Table("b", METADATA, Column("x", Integer))
MOVED = update(A).values(x=1).returning(A.c.x).cte("moved")
MADE = insert(A).values(x=1).returning(A.c.x).cte("made")


@pytest.mark.parametrize(
    ("clause", "subject"),
    [
        (select(A.c.x), Subject("SELECT", ("a table",))),
        (select(A).where(exists(select(B.c.x))), Subject("SELECT", ("a table", "b"))),
        (select(A.c.x, select(B.c.x).subquery().c.x), Subject("SELECT", ("a table", "b"))),
        (select(A.c.x).join(B, true()), Subject("SELECT", ("a table", "b"))),
        (select(A.c.x).union(select(B.c.x)), Subject("SELECT", ("a table", "b"))),
        (insert(A).values(x=1), Subject("INSERT", ("a table",))),
        (update(A).values(x=1), Subject("UPDATE", ("a table",))),
        (delete(A), Subject("DELETE", ("a table",))),
        (insert(B).from_select(["x"], select(A.c.x)), Subject("INSERT", ("b", "a table"))),
        (select(MADE.c.x), Subject("INSERT", ("a table",))),
        (insert(B).from_select(["x"], select(MOVED.c.x)), Subject("", ("a table", "b"))),
        (text("select 1 from b"), Subject("", ())),
    ],
)
def test_what_a_statement_is_about(clause: ClauseElement, subject: Subject) -> None:
    assert compile_statement("test", clause).subject == subject


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://u:p@db.example.com/app", Address("db.example.com", 5432, "app")),
        (
            "postgresql://u:p@db.example.com:6432/my%20app",
            Address("db.example.com", 6432, "my app"),
        ),
        ("postgresql://u@[::1]:5433/app", Address("::1", 5433, "app")),
        ("postgresql://postgres@/app?host=/run/pg", Address("/run/pg", 5432, "app")),
        ("postgresql:///app?host=/run/pg&port=5433", Address("/run/pg", 5433, "app")),
        ("postgresql://%2Frun%2Fpg/app", Address("/run/pg", 5432, "app")),
        ("postgresql://a,b/app", Address("a,b", 5432, "app")),
        ("postgresql://a:1,b:2/app", Address("a:1,b:2", None, "app")),
        ("postgresql://", Address()),
    ],
)
def test_where_a_url_leads(url: str, address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    assert address_of(url) == address


def test_the_environment_names_what_the_url_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGHOST": "db", "PGPORT": "6000", "PGDATABASE": "app"}.items():
        monkeypatch.setenv(name, value)
    assert address_of("postgresql://") == Address("db", 6000, "app")
