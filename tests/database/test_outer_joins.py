"""What an outer join may leave NULL is known before anything is sent, and so is what scalar() gives."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import (
    Select,
    delete,
    except_,
    func,
    insert,
    intersect,
    select,
    union,
    union_all,
    update,
)

from chatkeep import ConfigError, Database, NewUser, User
from chatkeep.database.prepared import make_query
from chatkeep.presets import deepsearch

SCHEMA = deepsearch.schema(prefix="o_")
ACCOUNTS, CHATS, USERS = SCHEMA.accounts, SCHEMA.chats, SCHEMA.users
LINK = ACCOUNTS.c.user_id == USERS.c.id
OUTER = USERS.outerjoin(CHATS, CHATS.c.user_id == USERS.c.id)
TITLES, MAYBE = select(CHATS.c.title), select(CHATS.c.title).select_from(OUTER)


class Titled(msgspec.Struct):
    title: str


def prepare(statement: Any, into: Any) -> Any:
    return make_query(SCHEMA, statement, "prepared", into)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            select(ACCOUNTS).select_from(USERS.outerjoin(ACCOUNTS, LINK)),
            r"Account\.user_id is str, but the column user_id may be NULL",
        ),
        (
            select(USERS).select_from(USERS.join(ACCOUNTS, LINK, full=True)),
            r"User\.id is str, but the column id may be NULL",
        ),
        (
            union_all(
                select(ACCOUNTS), select(ACCOUNTS).select_from(USERS.outerjoin(ACCOUNTS, LINK))
            ),
            r"Account\.user_id is str, but the column user_id may be NULL",
        ),
    ],
)
def test_records_that_would_lie_are_refused(statement: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        prepare(statement, None)


@pytest.mark.parametrize(
    "statement",
    [
        select(USERS).select_from(USERS.outerjoin(ACCOUNTS, LINK)),
        select(ACCOUNTS).select_from(USERS.join(ACCOUNTS, LINK)),
        select(ACCOUNTS.c.user_id).select_from(USERS.outerjoin(ACCOUNTS, LINK)),
        union_all(select(USERS), select(USERS)),
        except_(select(ACCOUNTS), select(ACCOUNTS).select_from(USERS.outerjoin(ACCOUNTS, LINK))),
        insert(USERS).values(id="a", email="a").returning(USERS),
    ],
)
def test_what_is_always_there_becomes_what_it_is(statement: Any) -> None:
    prepare(statement, None)


async def test_nothing_is_sent_for_records_that_would_lie(
    db: Database, schema: deepsearch.Schema
) -> None:
    await db.users.create(NewUser(id="ada", email="ada@example.com"))
    accounts, users = schema.accounts, schema.users
    joined = users.outerjoin(accounts, accounts.c.user_id == users.c.id)
    statement = select(accounts).select_from(joined)
    with db.statements() as sent:
        for _ in range(3):
            with pytest.raises(ConfigError, match="user_id may be NULL"):
                await db.all(statement)
        with pytest.raises(ConfigError, match="user_id may be NULL"):
            await db.page(statement, order_by=users.c.id)
    assert sent.count == 0


@pytest.mark.parametrize(
    ("statement", "may"),
    [
        (TITLES, False),
        (MAYBE, True),
        (union_all(TITLES, MAYBE), True),
        (union(TITLES, select(USERS.c.name.label("title"))), True),
        (union_all(TITLES, select(USERS.c.email)), False),
        (union_all(TITLES, MAYBE.limit(1)), True),
        (except_(TITLES, MAYBE), False),
        (except_(MAYBE, TITLES), True),
        (intersect(TITLES, MAYBE), False),
        (select(MAYBE.subquery().c.title), True),
        (select(TITLES.subquery().c.title), False),
        (select(union_all(TITLES, MAYBE).cte().c.title), True),
        (select(select(MAYBE.subquery()).cte().c.title), True),
    ],
)
def test_a_field_must_hold_what_may_be_null(statement: Any, may: bool) -> None:
    if not may:
        prepare(statement, Titled)
        return
    with pytest.raises(
        ConfigError, match=r"Titled\.title is str, but the column title may be NULL"
    ):
        prepare(statement, Titled)


def test_a_recursive_cte_comes_to_an_end() -> None:
    start = MAYBE.cte(recursive=True)
    whole = start.union_all(select(start.c.title).where(func.length(start.c.title) < 3))
    with pytest.raises(ConfigError, match="title may be NULL"):
        prepare(select(whole.c.title), Titled)


async def test_scalar_refuses_records_before_it_writes(
    db: Database, schema: deepsearch.Schema
) -> None:
    users = schema.users
    await db.users.create(NewUser(id="ada", email="ada@example.com"))
    new = insert(users).values(id="bob", email="bob@example.com").returning(users)
    writes: list[Any] = [
        new,
        update(users).values(name="changed").returning(users),
        delete(users).returning(users),
    ]
    with db.statements() as sent:
        for statement in writes:
            for _ in range(3):
                with pytest.raises(ConfigError, match=r"scalar\(\) needs a select of columns"):
                    await db.scalar(statement)
            for prepared in (db.prepare(statement), db.prepare(statement, into=User)):
                with pytest.raises(ConfigError, match=r"scalar\(\) needs a select of columns"):
                    await prepared.scalar()
    assert sent.count == 0
    assert await db.all(select(users.c.id, users.c.name)) == [("ada", None)]
    ids: Select[Any] = select(users.c.id)
    assert await db.scalar(ids) == "ada"
    assert await db.prepare(ids).scalar() == "ada"
    assert await db.scalar(ids.where(users.c.id == "eve")) is None
