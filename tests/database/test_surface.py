"""Transactions, prepared statements, several calls at once."""

import asyncio

import pytest
from sqlalchemy import bindparam, column, func, insert, select, table

import chatkeep
from chatkeep import (
    ConfigError,
    Database,
    EmailTakenError,
    InvalidInputError,
    NewMessage,
    NewUser,
    NotFoundError,
    Source,
    StatementError,
    User,
    UserNotFoundError,
)
from chatkeep.presets import deepsearch


def new(name: str) -> NewUser:
    return NewUser(id=name, email=f"{name}@example.com", name=name.title())


async def test_a_transaction_has_the_same_surface(db: Database) -> None:
    with db.statements() as sent:
        async with db.transaction() as tx:
            user = await tx.users.create(new("ada"))
            mine = tx.as_user(user.id)
            chat = await mine.chats.create(title="New Chat")
            await mine.messages.append(chat.id, NewMessage(role="system", content="Hello!"))
            assert await db.users.count() == 0
    assert (sent.count, sent.control) == (4, ["begin", "commit"])
    assert await db.users.count() == 1


async def test_an_error_takes_the_whole_back(db: Database) -> None:
    with pytest.raises(UserNotFoundError):
        async with db.transaction() as tx:
            await tx.users.create(new("ada"))
            await tx.users.get("nobody")
    assert await db.users.count() == 0


async def test_a_nested_transaction_takes_only_itself_back(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.users.create(new("ada"))
        with pytest.raises(EmailTakenError):
            async with tx.transaction() as inner:
                await inner.users.create(new("bob"))
                await inner.users.create(NewUser(email="ada@example.com"))
    assert await db.users.find("bob") is None
    assert await db.users.find("ada") is not None


async def test_cancelled_requests_leave_no_transaction(db: Database) -> None:
    async def request(n: int) -> None:
        async with db.transaction() as tx:
            await tx.users.create(new(f"user{n}"))
            await asyncio.sleep(0.001 * (n % 5))
            await tx.users.update(f"user{n}", chatkeep.UserChanges(name="x"))

    tasks = [asyncio.create_task(request(n)) for n in range(60)]
    for n, task in enumerate(tasks):
        await asyncio.sleep(0.0005 * (n % 4))
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} <= {asyncio.CancelledError, type(None)}
    stored = await db.users.count()
    assert stored >= sum(result is None for result in results)
    activity = table("pg_stat_activity", column("state"), column("datname"))
    open_ones = select(func.count()).where(
        activity.c.datname == func.current_database(), activity.c.state.like("idle in trans%")
    )
    assert await db.scalar(open_ones) == 0
    assert len(await db.gather(*(db.users.count() for _ in range(20)))) == 20


async def test_gather_gives_results_in_order(db: Database) -> None:
    user = await db.users.create(new("ada"))
    mine = db.as_user(user.id)
    found, page, settings = await db.gather(
        db.users.get(user.id), mine.chats.list(), mine.settings.get()
    )
    assert (found, page.items, settings.theme) == (user, [], "dark")


async def test_the_first_error_of_gather_comes_as_it_is_and_cancels_the_rest(db: Database) -> None:
    cancelled = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(UserNotFoundError):
        await db.gather(slow(), db.users.get("nobody"))
    assert cancelled.is_set()


async def test_gather_in_a_transaction_takes_turns(db: Database) -> None:
    async with db.transaction() as tx:
        users = await tx.gather(*(tx.users.create(new(f"u{n}")) for n in range(5)))
    assert [user.id for user in users] == [f"u{n}" for n in range(5)]


async def test_a_prepared_select_of_a_table_gives_records(
    db: Database, schema: deepsearch.Schema
) -> None:
    user = await db.users.create(new("ada"))
    by_email = db.prepare(select(schema.users).where(schema.users.c.email == bindparam("email")))
    assert await by_email.first(email="ada@example.com") == user
    assert await by_email.one(email="ada@example.com") == user
    assert isinstance((await by_email.all(email="ada@example.com"))[0], User)
    assert await by_email.first(email="nobody") is None
    with pytest.raises(NotFoundError, match="no row"):
        await by_email.one(email="nobody")


async def test_a_prepared_select_of_columns_gives_tuples(
    db: Database, schema: deepsearch.Schema
) -> None:
    for name in ("ada", "bob"):
        await db.users.create(new(name))
    names = select(schema.users.c.id, schema.users.c.name).order_by(schema.users.c.id)
    prepared = db.prepare(names)
    assert await prepared.all() == [("ada", "Ada"), ("bob", "Bob")]
    assert await prepared.first() == ("ada", "Ada")
    assert await prepared.scalar() == "ada"
    assert await db.all(names) == [("ada", "Ada"), ("bob", "Bob")]
    assert await db.first(names) == ("ada", "Ada")
    assert await db.scalar(names) == "ada"
    with pytest.raises(StatementError, match="2 rows where one was expected"):
        await db.one(names)


async def test_json_columns_come_in_their_types(db: Database, schema: deepsearch.Schema) -> None:
    user = await db.users.create(new("ada"))
    chat = await db.chats.create(user.id)
    sources = [Source(title="T", url="https://example.com", snippet="s")]
    await db.messages.append(chat.id, NewMessage(role="user", content="x", sources=sources))
    assert await db.scalar(select(schema.messages.c.sources)) == sources
    (message,) = await db.all(select(schema.messages))
    assert message == (await db.messages.list(chat.id)).items[0]


async def test_statements_that_write_give_rows_too(db: Database, schema: deepsearch.Schema) -> None:
    users = schema.users
    made = insert(users).values(id="u", email="u@example.com").returning(users.c.id, users.c.name)
    assert await db.one(made) == ("u", None)
    with pytest.raises(ConfigError, match="gives no rows"):
        await db.all(insert(users).values(id="v", email="v@example.com"))  # type: ignore[arg-type]


async def test_parameters_are_checked_by_name(db: Database, schema: deepsearch.Schema) -> None:
    prepared = db.prepare(select(schema.users.c.id).where(schema.users.c.id == bindparam("id")))
    with pytest.raises(InvalidInputError, match="needs a value for its parameter 'id'"):
        await prepared.first()
    with pytest.raises(InvalidInputError, match="no parameter 'ident'"):
        await prepared.first(ident="x")


def test_run_is_the_bridge_for_scripts() -> None:
    async def main() -> int:
        return 7

    assert chatkeep.run(main()) == 7


async def test_run_inside_a_loop_says_what_to_do() -> None:
    async def main() -> int:
        return 7

    with pytest.raises(ConfigError, match="Use await"):
        chatkeep.run(main())
