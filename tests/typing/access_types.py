"""What a type checker says of the access layer. Checked, never run."""

from typing import assert_type

from sqlalchemy import bindparam, select

from chatkeep import (
    Account,
    Chat,
    ChatWithMessages,
    Database,
    Message,
    NewMessage,
    NewUser,
    Page,
    Prepared,
    Session,
    User,
    UserSettings,
    UserWithAccounts,
)
from chatkeep.inputs import maps as maps_inputs
from chatkeep.presets import deepsearch, maps
from chatkeep.records import maps as maps_records


async def deepsearch_types() -> None:
    schema = deepsearch.schema(prefix="x_")
    async with Database(schema) as db:
        user = await db.users.create(NewUser(email="user@example.com"))
        assert_type(user, User)
        assert_type(user.email, str)
        assert_type(user.name, str | None)
        assert_type(await db.users.find_by_email("x"), User | None)
        with_accounts = await db.users.get(user.id, with_accounts=True)
        assert_type(with_accounts, UserWithAccounts)
        assert_type(with_accounts.accounts, list[Account])
        assert_type(await db.sessions.get("token"), Session)

        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="New Chat")
        assert_type(chat, Chat)
        assert_type(await mine.chats.list(limit=50), Page[Chat])
        assert_type(await mine.chats.get(chat.id), Chat)
        assert_type(await mine.chats.get(chat.id, messages=100), ChatWithMessages)
        said = NewMessage(role="user", content="x")
        assert_type(await mine.messages.append(chat.id, said), list[Message])
        assert_type(await mine.messages.list(chat.id), Page[Message])
        assert_type(await mine.messages.count(chat.id), int)

        assert_type(
            await db.gather(db.users.get(user.id), mine.chats.list(), mine.settings.get()),
            tuple[User, Page[Chat], UserSettings],
        )
        async with db.transaction() as tx:
            assert_type(await tx.users.find(user.id), User | None)
            async with tx.transaction() as inner:
                assert_type(await inner.users.find(user.id), User | None)

        names = select(schema.users.c.id, schema.users.c.name)
        assert_type(await db.all(names), list[tuple[str, str | None]])
        assert_type(await db.first(names), tuple[str, str | None] | None)
        assert_type(await db.one(names), tuple[str, str | None])
        assert_type(await db.scalar(names), str | None)
        prepared = db.prepare(names.where(schema.users.c.id == bindparam("id")))
        assert_type(prepared, Prepared[tuple[str, str | None]])
        assert_type(await prepared.first(id="x"), tuple[str, str | None] | None)
        assert_type(await prepared.scalar(id="x"), str | None)
        by_id = db.prepare(select(schema.users.c.id))
        assert_type(await by_id.all(), list[tuple[str]])


async def maps_types() -> None:
    async with Database(maps.schema()) as db:
        user = await db.users.create(maps_inputs.NewUser(email="user@example.com"))
        assert_type(user, maps_records.User)
        assert_type(user.email_verified, bool)
        assert_type(await db.sessions.find("id"), maps_records.Session | None)
