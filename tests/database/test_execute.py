"""Statements that give a count."""

from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert_into

from chatkeep import (
    CheckFailedError,
    ConfigError,
    Database,
    EmailTakenError,
    InvalidInputError,
    ReferencedRowError,
)
from chatkeep.engine.observe import Observation
from chatkeep.presets import deepsearch


def row(name: str) -> dict[str, Any]:
    return {"id": name, "email": f"{name}@example.com"}


@pytest.fixture
async def three(db: Database, schema: deepsearch.Schema) -> Database:
    assert await db.execute(insert(schema.users).values([row("ada"), row("bob"), row("cyd")])) == 3
    return db


async def test_the_count_is_of_rows_that_were_written(
    three: Database, schema: deepsearch.Schema
) -> None:
    users = schema.users
    assert await three.execute(update(users).where(users.c.id < "c").values(name="x")) == 2
    assert await three.execute(update(users).where(users.c.id == "zoe").values(name="x")) == 0
    again = upsert_into(users).values(row("ada"))
    assert await three.execute(again.on_conflict_do_nothing()) == 0
    put = again.on_conflict_do_update(index_elements=[users.c.id], set_={"name": "y"})
    assert await three.execute(put) == 1
    assert await three.execute(delete(users)) == 3


async def test_insert_from_select(three: Database, schema: deepsearch.Schema) -> None:
    users, settings = schema.users, schema.user_settings
    copied = insert(settings).from_select(["user_id"], select(users.c.id))
    assert await three.execute(copied) == 3


async def test_in_a_transaction_it_is_part_of_it(
    three: Database, schema: deepsearch.Schema
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with three.transaction() as tx:
            assert await tx.execute(delete(schema.users)) == 3
            assert await tx.users.count() == 0
            raise ZeroDivisionError
    assert await three.users.count() == 3


async def test_errors_are_ours(three: Database, schema: deepsearch.Schema) -> None:
    users, chats = schema.users, schema.chats
    with pytest.raises(EmailTakenError):
        await three.execute(insert(users).values(id="new", email="ADA@example.com"))
    with pytest.raises(ReferencedRowError):
        await three.execute(insert(chats).values(id="c", user_id="nobody", title="x"))
    with pytest.raises(CheckFailedError):
        await three.execute(insert(chats).values(id="c", title="x"))
    with pytest.raises(InvalidInputError, match="NUL"):
        await three.execute(update(users).values(name="a\0b"))
    with pytest.raises(InvalidInputError, match="must be"):
        await three.execute(update(users).values(name=7))
    assert await three.execute(update(users).values(name="x")) == 3


async def test_watchers_are_told(three: Database, schema: deepsearch.Schema) -> None:
    seen: list[Observation] = []
    with three.observe(seen.append):
        await three.execute(update(schema.users).values(name="x"))
        with pytest.raises(EmailTakenError):
            await three.execute(update(schema.users).values(email="same@example.com"))
    assert [(one.name, one.rows, one.subject.operation) for one in seen] == [
        ("update", 3, "UPDATE"), ("update", 0, "UPDATE"),
    ]  # fmt: skip
    assert isinstance(seen[1].error, EmailTakenError)


async def test_what_gives_rows_is_refused(three: Database, schema: deepsearch.Schema) -> None:
    users = schema.users
    with pytest.raises(ConfigError, match="has RETURNING"):
        await three.execute(delete(users).returning(users.c.id))
    for statement in (select(users), text("delete from x"), "delete from x"):
        with pytest.raises(ConfigError, match="runs insert, update and delete, not"):
            await three.execute(statement)  # type: ignore[arg-type]
    assert await three.users.count() == 3
