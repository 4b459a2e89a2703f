"""`db.observe`, `on_statement`, `slow_statement`: what an application sees of its statements."""

import logging
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, literal_column, select

from chatkeep import (
    Chat,
    ChatNotFoundError,
    ConfigError,
    Database,
    DatabaseTimeoutError,
    EmailTakenError,
    NewUser,
    Observation,
)
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch

SECRET = "s3cr3t-value"


async def test_an_observer_sees_the_names_rows_and_tables(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    told: list[Observation] = []
    with db.observe(told.append):
        await mine.chats.list()
        await mine.chats.update(chat.id, title="New")
        with pytest.raises(ChatNotFoundError):
            await mine.chats.get("absent")
    await mine.chats.list()
    assert [(each.name, each.rows) for each in told] == [
        ("chats.list", 1),
        ("chats.update", 1),
        ("chats.find", 0),
    ]
    assert [each.subject.operation for each in told] == ["SELECT", "UPDATE", "SELECT"]
    assert {each.subject.tables for each in told} == {("x_chat",)}
    assert [each.outcome for each in told] == ["ok"] * 3
    assert {each.address.database for each in told} != {None}


async def test_a_transaction_is_observed_by_its_database(db: Database, mine: UserScope) -> None:
    told: list[Observation] = []
    with db.observe(told.append):
        async with db.transaction() as tx:
            await tx.as_user(mine.user_id).chats.create(title="A")
    assert [each.name for each in told] == ["begin", "chats.create", "commit"]


async def test_observers_may_stand_inside_each_other(db: Database, mine: UserScope) -> None:
    outer: list[Observation] = []
    with db.observe(outer.append), db.statements() as sent:
        with db.observe(outer.append):
            await mine.chats.count()
        await mine.chats.count()
    assert (len(outer), len(sent)) == (3, 2)


async def test_no_observation_holds_a_value(db: Database, mine: UserScope) -> None:
    told: list[Observation] = []
    new = NewUser(email=f"{SECRET}@example.com", name=SECRET)
    with db.observe(told.append):
        await db.users.create(new)
        with pytest.raises(EmailTakenError):
            await db.users.create(NewUser(email=new.email))
        await db.users.find_by_email(new.email)
        await mine.chats.find(SECRET)
    assert [each.outcome for each in told] == ["ok", "EmailTakenError 23505", "ok", "ok"]
    assert SECRET not in repr(told)


async def test_on_statement_is_told_from_the_opening_on(
    url: str, schema: deepsearch.Schema
) -> None:
    told: list[Observation] = []
    async with Database(schema, url, on_statement=told.append) as db:
        await db.users.count()
    assert [each.name for each in told] == ["database.columns", "users.count"]
    assert all(each.address.host for each in told)


def test_settings_that_cannot_be_used(schema: deepsearch.Schema) -> None:
    async def later(observation: Observation) -> None: ...

    wrong: list[dict[str, Any]] = [
        {"on_statement": 5},
        {"on_statement": later},
        {"slow_statement": 200},
        {"slow_statement": timedelta(seconds=-1)},
    ]
    for settings in wrong:
        with pytest.raises(ConfigError):
            Database(schema, "postgresql://localhost/x", **settings)


async def test_slow_statements_have_a_line_each(
    url: str, schema: deepsearch.Schema, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="chatkeep.slow")
    threshold = timedelta(milliseconds=150)
    async with Database(schema, url, slow_statement=threshold) as db:
        await db.users.count()  # quick, unless the machine stands still
        caplog.clear()
        await db.all(select(func.pg_sleep(0.2), literal_column(f"'{SECRET}'").label("x")))
        (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.name == "chatkeep.slow"
    assert record.getMessage().startswith("SELECT took ")
    assert record.getMessage().endswith(" ms, 1 rows, ok")
    assert vars(record)["milliseconds"] >= 150
    assert SECRET not in f"{vars(record)}"


async def test_a_statement_that_was_too_slow_is_in_the_log(
    url: str, schema: deepsearch.Schema, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="chatkeep.slow")
    limits = {"statement_timeout": timedelta(seconds=0.5), "slow_statement": timedelta(seconds=0.4)}
    async with Database(schema, url, **limits) as db:  # type: ignore[arg-type]
        caplog.clear()
        with pytest.raises(DatabaseTimeoutError):
            await db.scalar(select(func.pg_sleep(30)))
    assert [record.getMessage().rpartition(", ")[2] for record in caplog.records] == [
        "DatabaseTimeoutError"
    ]


async def test_zero_makes_every_statement_slow(
    url: str, schema: deepsearch.Schema, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="chatkeep.slow")
    async with Database(schema, url, slow_statement=timedelta(0)) as db, db.transaction() as tx:
        await tx.users.count()
    names = [record.getMessage().partition(" took ")[0] for record in caplog.records]
    assert names == ["database.columns", "BEGIN", "users.count", "COMMIT"]
