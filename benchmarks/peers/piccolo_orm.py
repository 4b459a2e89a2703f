"""Piccolo on asyncpg: its tables as objects, two queries for a parent and its children.

Piccolo joins a child to its parent, not a parent to its children.
"""

from typing import Any

from benchmarks import address
from benchmarks.patterns import FIRST_CONTENT, FIRST_ROLE, SAID, TITLE, said
from benchmarks.peers import models
from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Boolean,
    ForeignKey,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.defaults import TimestamptzNow
from piccolo.engine.postgres import PostgresEngine
from piccolo.table import Table

DB = PostgresEngine(config={})  # told where the database is when the peer is opened


class User(Table, tablename="b_user", db=DB):
    id = Varchar(255, primary_key=True)
    name = Varchar(255, null=True)
    email = Varchar(255)
    email_verified = Timestamptz(null=True)
    image = Text(null=True)
    is_admin = Boolean(default=False)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class Account(Table, tablename="b_account", db=DB):
    user_id = ForeignKey(User)
    type = Varchar(255)
    provider = Varchar(255)
    provider_account_id = Varchar(255, primary_key=True)  # it takes one column
    refresh_token = Text(null=True)
    access_token = Text(null=True)
    expires_at = BigInt(null=True)
    token_type = Varchar(255, null=True)
    scope = Varchar(255, null=True)
    id_token = Text(null=True)
    session_state = Varchar(255, null=True)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class Chat(Table, tablename="b_chat", db=DB):
    id = Varchar(255, primary_key=True)
    user_id = ForeignKey(User)
    title = Varchar(500)
    created_at = Timestamptz(default=TimestamptzNow())
    updated_at = Timestamptz(default=TimestamptzNow())


class Message(Table, tablename="b_message", db=DB):
    id = Varchar(255, primary_key=True)
    chat_id = ForeignKey(Chat)
    role = Varchar(50)
    content = Text()
    sources = JSONB(null=True, default=None)
    metadata = JSONB(null=True, default=None)
    created_at = Timestamptz(default=TimestamptzNow())
    user_id = ForeignKey(User)
    seq = BigSerial()


class UserSettings(Table, tablename="b_user_settings", db=DB):
    user_id = Varchar(255, primary_key=True)
    theme = Varchar(20, null=True, default="dark")
    language = Varchar(10, null=True, default="en")
    default_model = Varchar(50, null=True)
    enable_search_by_default = Boolean(default=True)
    max_search_results = Integer(null=True, default=10)
    updated_at = Timestamptz(default=TimestamptzNow())
    created_at = Timestamptz(default=TimestamptzNow())


class Peer:
    packages = ("piccolo", "asyncpg")

    async def open(self, url: str, connections: int) -> None:
        DB.config = address.read(url)._asdict()
        await DB.start_connection_pool(min_size=1, max_size=connections)

    async def close(self) -> None:
        await DB.close_connection_pool()

    async def user_by_email(self, email: str) -> Any:
        return await User.objects().where(User.email == email).first()

    async def user_with_accounts(self, user_id: str) -> Any:
        user = await User.objects().where(User.id == user_id).first()
        accounts = Account.objects().where(Account.user_id == user_id)
        return user, await accounts.order_by(Account.provider, Account.provider_account_id)

    async def chats_of_user(self, user_id: str) -> Any:
        chats = Chat.objects().where(Chat.user_id == user_id)
        return await chats.order_by(Chat.updated_at, Chat.id, ascending=False).limit(50)

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        chat = await Chat.objects().where((Chat.user_id == user_id) & (Chat.id == chat_id)).first()
        messages = (
            Message.objects()
            .where((Message.user_id == user_id) & (Message.chat_id == chat_id))
            .order_by(Message.seq)
            .limit(100)
            .output(load_json=True)
        )
        return chat, await messages

    async def messages_before(self, user_id: str, chat_id: str, seq: int) -> Any:
        of_chat = (Message.user_id == user_id) & (Message.chat_id == chat_id)
        return await (
            Message.objects()
            .where(of_chat & (Message.seq < seq))
            .order_by(Message.seq, ascending=False)
            .limit(50)
            .output(load_json=True)
        )

    async def settings_get(self, user_id: str) -> Any:
        return await UserSettings.objects().where(UserSettings.user_id == user_id).first()

    async def settings_update(self, user_id: str, theme: str, results: int) -> Any:
        given = UserSettings(user_id=user_id, theme=theme, max_search_results=results)
        changed = (UserSettings.theme, UserSettings.max_search_results, UserSettings.updated_at)
        rows = (
            await UserSettings.insert(given)
            .on_conflict(target=UserSettings.user_id, action="DO UPDATE", values=changed)
            .returning(*UserSettings.all_columns())
        )
        return rows[0]

    async def append_message(self, user_id: str, chat_id: str, fresh: str) -> Any:
        message = Message(id=fresh, user_id=user_id, chat_id=chat_id, role="user", content=SAID)
        return (await self._insert(user_id, chat_id, [message]))[0]

    async def insert_messages(self, user_id: str, chat_id: str, fresh: str) -> Any:
        messages: list[Message] = []
        for number in range(10):
            role, content = said(number)
            place = {"id": f"{fresh}_{number}", "user_id": user_id, "chat_id": chat_id}
            messages.append(Message(**place, role=role, content=content))
        return await self._insert(user_id, chat_id, messages)

    async def _insert(self, user_id: str, chat_id: str, messages: list[Message]) -> list[str]:
        async with DB.transaction():
            moved = Chat.update({Chat.updated_at: TimestamptzNow().python()})
            await moved.where((Chat.user_id == user_id) & (Chat.id == chat_id))
            rows = await Message.insert(*messages)
        return [row["id"] for row in rows]

    async def create_chat(self, user_id: str, fresh: str) -> Any:
        place = {"id": fresh, "user_id": user_id, "chat_id": fresh}
        async with DB.transaction():
            await Chat.insert(Chat(id=fresh, user_id=user_id, title=TITLE))
            await Message.insert(Message(**place, role=FIRST_ROLE, content=FIRST_CONTENT))
        return fresh

    async def delete_chat(self, user_id: str, chat_id: str) -> Any:
        await Chat.delete().where((Chat.user_id == user_id) & (Chat.id == chat_id))
        return chat_id

    def plain(self, pattern: str, answer: Any) -> object:
        return models.plain(pattern, answer)
