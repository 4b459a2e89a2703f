"""A broken constraint comes back as our error: which one, on which table, about which fields."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    insert,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from chatkeep import (
    AlreadyExistsError,
    Chat,
    CheckFailedError,
    ConstraintError,
    Database,
    EmailTakenError,
    NewAccount,
    NewChat,
    NewMessage,
    NewSession,
    NewUser,
    ReferencedRowError,
    User,
)
from chatkeep.access.meanings import meanings_of
from chatkeep.access.scope import UserScope
from chatkeep.engine.compile import compile_statement
from chatkeep.presets import deepsearch

SECRET = "s3cr3t-value"
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def facts(error: ConstraintError) -> tuple[str | None, tuple[str, ...]]:
    return error.table, error.fields


async def test_a_taken_email(db: Database, user: User) -> None:
    with pytest.raises(EmailTakenError) as caught:
        await db.users.create(NewUser(email=user.email.upper()))
    assert facts(caught.value) == ("users", ("email",))
    assert caught.value.constraint == "ai-app-template_user_email_lower_idx"


async def test_a_key_that_is_taken(db: Database, user: User, mine: UserScope, chat: Chat) -> None:
    with pytest.raises(AlreadyExistsError) as caught:
        await db.users.create(NewUser(id=user.id, email="other@example.com"))
    assert facts(caught.value) == ("users", ("id",))
    with pytest.raises(AlreadyExistsError) as caught:
        await mine.chats.create(NewChat(id=chat.id, title="x"))
    assert caught.value.table == "chats"
    assert "id" in caught.value.fields


async def test_a_key_of_two_columns(db: Database, user: User) -> None:
    account = NewAccount(user_id=user.id, type="oauth", provider="p", provider_account_id=SECRET)
    await db.accounts.create(account)
    with pytest.raises(AlreadyExistsError) as caught:
        await db.accounts.create(account)
    assert facts(caught.value) == ("accounts", ("provider", "provider_account_id"))
    assert SECRET not in str(caught.value)


async def test_a_row_that_is_not_there(db: Database) -> None:
    with pytest.raises(ReferencedRowError) as caught:
        await db.sessions.create(NewSession(user_id=SECRET, expires=LATER))
    assert facts(caught.value) == ("sessions", ("user_id",))
    assert caught.value.constraint is not None


async def test_a_null_where_none_can_be(
    db: Database, schema: deepsearch.Schema, user: User
) -> None:
    users = schema.users
    clause = update(users).where(users.c.id == user.id).values(email=None).returning(users.c.id)
    with pytest.raises(CheckFailedError, match=r"users: email cannot be NULL\.") as caught:
        await db.first(clause)
    assert facts(caught.value) == ("users", ("email",))


async def test_a_rule_names_its_column(
    db: Database, schema: deepsearch.Schema, mine: UserScope, chat: Chat
) -> None:
    (message,) = await mine.messages.append(chat.id, NewMessage(role="user", content="x"))
    table = schema.messages
    clause = (
        update(table)
        .where(table.c.id == message.id)
        .values(role=bindparam("role", type_=Text()))
        .returning(table.c.id)
    )
    with pytest.raises(CheckFailedError) as caught:
        await db.prepare(clause).first(role=SECRET)
    assert facts(caught.value) == ("messages", ("role",))
    assert SECRET not in str(caught.value)


async def test_a_table_that_the_schema_does_not_have(db: Database) -> None:
    other = Table("other", MetaData(), Column("x", Integer, nullable=False))
    made = text("create table other (x integer not null check (x > 0))")
    async with db.transaction() as tx:
        await tx._runner.fetch(compile_statement("ddl", made), [])
        with pytest.raises(CheckFailedError) as caught:
            async with tx.transaction():
                await tx.first(insert(other).values(x=None).returning(other.c.x))
        assert facts(caught.value) == ("other", ("x",))
        with pytest.raises(CheckFailedError) as caught:
            async with tx.transaction():
                await tx.first(insert(other).values(x=-4711).returning(other.c.x))
        assert facts(caught.value) == ("other", ())
        assert caught.value.constraint == "other_x_check"
        assert "4711" not in str(caught.value)


class OneTable:
    """As much of a schema as the meanings look at."""

    def __init__(self, table: Table) -> None:
        self.tables = {"things": table}


def test_fields_of_every_kind_of_constraint() -> None:
    table = Table(
        "thing",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("ownerId", ForeignKey("thing.id", name="owner_fk"), key="owner_id"),
        Column("text", Text, nullable=False),
        Column("user", Text),
        Column("low", Integer),
        Column("high", Integer),
        UniqueConstraint("owner_id", "low", name="pair"),
        CheckConstraint("low < high", name="order"),
        CheckConstraint("\"user\"::text in ('low', 'high')", name="words"),
        ExcludeConstraint(("low", "="), name="overlap"),
    )
    table.append_constraint(CheckConstraint(table.c.high > 0, name="built"))
    Index("expression", text('lower("user")'), unique=True, _table=table)
    schema: Any = OneTable(table)
    meanings = meanings_of(schema)
    found = {name: (meaning.error, meaning.fields) for name, meaning in meanings.items()}
    assert found == {
        "thing_pkey": (AlreadyExistsError, ("id",)),
        "thing.id": (CheckFailedError, ("id",)),
        "thing.text": (CheckFailedError, ("text",)),
        "owner_fk": (ReferencedRowError, ("owner_id",)),
        "pair": (AlreadyExistsError, ("owner_id", "low")),
        "order": (CheckFailedError, ("low", "high")),
        "words": (CheckFailedError, ("user",)),
        "built": (CheckFailedError, ("high",)),
        "overlap": (AlreadyExistsError, ("low",)),
        "expression": (AlreadyExistsError, ("user",)),
    }
    assert {meaning.table for meaning in meanings.values()} == {"things"}
