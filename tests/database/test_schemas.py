"""Other schemas through the same front: maps, extended ones, several prefixes in one database."""

from datetime import UTC, datetime

import pytest
from examples.extending.app_schema import AppSchema, AppUser, AppUserChanges, Itinerary, NewAppUser
from sqlalchemy import ARRAY, Column, Integer, Named, Text, insert, select

from chatkeep import (
    ConfigError,
    Database,
    EmailTakenError,
    InvalidInputError,
    Message,
    NewAccount,
    NewMessage,
    NewUser,
    SessionNotFoundError,
    UserChanges,
)
from chatkeep.database.creation import create_tables
from chatkeep.inputs import maps as maps_inputs
from chatkeep.presets import deepsearch, maps
from chatkeep.records import maps as maps_records

LATER = datetime(2030, 1, 1, tzinfo=UTC)


async def test_maps_users_and_sessions(database_url: str) -> None:
    schema = maps.schema()
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        user = await db.users.create(maps_inputs.NewUser(email="user@example.com"))
        assert isinstance(user, maps_records.User)
        assert user.email_verified is False
        with pytest.raises(EmailTakenError):
            await db.users.create(maps_inputs.NewUser(email="user@example.com"))
        with pytest.raises(EmailTakenError):
            await db.users.create(maps_inputs.NewUser(email="USER@example.com"))
        changed = await db.users.update(user.id, maps_inputs.UserChanges(email_verified=True))
        assert changed.email_verified is True
        session = await db.sessions.create(
            maps_inputs.NewSession(user_id=user.id, expires_at=LATER)
        )
        assert await db.sessions.get(session.token) == session
        assert (await db.sessions.list(user.id)).items == [session]
        await db.sessions.delete(session.token)
        with pytest.raises(SessionNotFoundError):
            await db.sessions.get(session.token)


async def test_a_table_that_the_schema_lacks_is_named(database_url: str) -> None:
    schema = maps.schema()
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        with pytest.raises(ConfigError, match=r"no table `chats`.*users, sessions"):
            await db.chats.count()
        with pytest.raises(ConfigError, match="no table `chats`"):
            await db.as_user("u").chats.count()
        with pytest.raises(ConfigError, match="no accounts"):
            await db.users.get("u", with_accounts=True)


async def test_an_extended_schemas_columns_flow_through(database_url: str) -> None:
    schema = AppSchema(prefix="app_")
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        user = await db.users.create(NewAppUser(email="a@example.com", home_city="Basel"))
        assert isinstance(user, AppUser)
        assert (await db.users.get(user.id)).home_city == "Basel"
        changed = await db.users.update(user.id, AppUserChanges(home_city="Bern"))
        assert changed.home_city == "Bern"
        assert (await db.users.update(user.id, UserChanges(name="Ada"))).home_city == "Bern"
        assert (await db.all(select(schema.users))) == [await db.users.get(user.id)]

        await db.accounts.create(
            NewAccount(user_id=user.id, type="oauth", provider="p", provider_account_id="1")
        )
        found = await db.users.get(user.id, with_accounts=True)
        assert isinstance(found, AppUser)
        assert found.home_city == "Bern"
        assert [account.provider for account in found.accounts] == ["p"]
        assert '"homeCity":"Bern"' in found.to_json().decode()


async def test_an_applications_own_table(database_url: str) -> None:
    schema = AppSchema(prefix="app_")
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        user = await db.users.create(NewAppUser(email="a@example.com"))
        table = schema.itineraries
        made = insert(table).values(id="i", user_id=user.id, title="Alps").returning(table.c.id)
        assert await db.one(made) == ("i",)
        (row,) = await db.all(select(table))
        assert isinstance(row, Itinerary)
        assert (row.id, row.title) == ("i", "Alps")


class TaggedColumns(deepsearch.MessageColumns):
    tags: Named[list[str] | None] = Column(ARRAY(Text))
    scores: Named[list[int] | None] = Column(ARRAY(Integer))


class TaggedMessage(Message):
    tags: list[str] | None = None
    scores: list[int] | None = None


class NewTaggedMessage(NewMessage):
    tags: list[str] | None = None
    scores: list[int] | None = None


class TaggedSchema(deepsearch.Schema):
    messages = deepsearch.Schema.messages.extend(
        TaggedColumns, record=TaggedMessage, new=NewTaggedMessage
    )


async def test_array_columns_of_messages_flow_through(database_url: str) -> None:
    schema = TaggedSchema(prefix="app_")
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        user = await db.users.create(NewUser(email="a@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="x")
        given = [["a", "b, {c}"], None, [], ["d"]]
        await mine.messages.append(
            chat.id,
            *(
                NewTaggedMessage(role="user", content="x", tags=tags, scores=[len(tags or [])])
                for tags in given
            ),
        )
        found = (await mine.chats.get(chat.id, messages=10)).messages
        assert [message.tags for message in found] == given
        assert [message.scores for message in found] == [[2], [0], [0], [1]]
        assert found[::-1] == (await mine.messages.list(chat.id)).items


async def test_the_bases_input_is_no_input_of_another_schema(database_url: str) -> None:
    schema = deepsearch.schema(prefix="x_")
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        with pytest.raises(InvalidInputError, match="no column home_city"):
            await db.users.create(NewAppUser(email="a@example.com", home_city="Basel"))


async def test_two_prefixes_in_one_database(database_url: str) -> None:
    first, second = deepsearch.schema(prefix="one_"), deepsearch.schema(prefix="two_")
    for schema in (first, second):
        await create_tables(schema, database_url)
    async with Database(first, database_url) as one, Database(second, database_url) as two:
        await one.users.create(NewUser(email="a@example.com"))
        assert (await one.users.count(), await two.users.count()) == (1, 0)


async def test_with_seed_writers_a_seeds_message_is_read_right(database_url: str) -> None:
    schema = deepsearch.schema(prefix="x_", seed_writers=True)
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        user = await db.users.create(NewUser(email="a@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="x")
        await mine.messages.append(chat.id, NewMessage(role="user", content="ours"))
        table = schema.messages
        theirs = insert(table).values(id="m", chat_id=chat.id, role="user", content="theirs")
        await db.one(theirs.returning(table.c.id))
        page = await mine.messages.list(chat.id)
        assert [message.content for message in page.items] == ["theirs", "ours"]
        assert (await mine.chats.get(chat.id)).updated_at >= page.items[0].created_at
