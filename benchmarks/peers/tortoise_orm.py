"""Tortoise ORM on asyncpg: its models, `prefetch_related` where its relations go that far.

It has no foreign keys of two columns, so a chat's messages are a query of their own. A chat's id
alone would be one, but no index begins with it.
"""

from typing import Any

from benchmarks import address
from benchmarks.patterns import FIRST_CONTENT, FIRST_ROLE, SAID, TITLE, said
from benchmarks.peers import models
from tortoise import Tortoise, fields
from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.timezone import now
from tortoise.transactions import in_transaction


class User(Model):
    id = fields.CharField(255, primary_key=True)
    name = fields.CharField(255, null=True)
    email = fields.CharField(255)
    email_verified = fields.DatetimeField(null=True)
    image = fields.TextField(null=True)
    is_admin = fields.BooleanField(default=False)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)
    accounts: fields.ReverseRelation["Account"]

    class Meta:
        table = "b_user"


class Account(Model):
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("bench.User", "accounts")
    type = fields.CharField(255)
    provider = fields.CharField(255)
    provider_account_id = fields.CharField(255, primary_key=True)  # it takes one column
    refresh_token = fields.TextField(null=True)
    access_token = fields.TextField(null=True)
    expires_at = fields.BigIntField(null=True)
    token_type = fields.CharField(255, null=True)
    scope = fields.CharField(255, null=True)
    id_token = fields.TextField(null=True)
    session_state = fields.CharField(255, null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "b_account"
        ordering = ("provider", "provider_account_id")


class Chat(Model):
    id = fields.CharField(255, primary_key=True)
    user_id = fields.CharField(255)
    title = fields.CharField(500)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "b_chat"


class Message(Model):
    id = fields.CharField(255, primary_key=True)
    chat_id = fields.CharField(255)
    role = fields.CharField(50)
    content = fields.TextField()
    sources: Any = fields.JSONField(null=True)
    metadata: Any = fields.JSONField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    user_id = fields.CharField(255)
    seq = fields.BigIntField(db_default=0)  # inserted as DEFAULT: PostgreSQL counts it

    class Meta:
        table = "b_message"


class UserSettings(Model):
    user_id = fields.CharField(255, primary_key=True)
    theme = fields.CharField(20, null=True, default="dark")
    language = fields.CharField(10, null=True, default="en")
    default_model = fields.CharField(50, null=True)
    enable_search_by_default = fields.BooleanField(default=True)
    max_search_results = fields.IntField(null=True, default=10)
    updated_at = fields.DatetimeField(auto_now=True)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "b_user_settings"


class Peer:
    packages = ("tortoise-orm", "asyncpg")

    async def open(self, url: str, connections: int) -> None:
        place = address.read(url)._asdict()
        engine = {
            "engine": "tortoise.backends.asyncpg",
            "credentials": {**place, "minsize": 1, "maxsize": connections},
        }
        apps = {"bench": {"models": [__name__], "default_connection": "default"}}
        await Tortoise.init(
            {"connections": {"default": engine}, "apps": apps, "use_tz": True, "timezone": "UTC"}
        )

    async def close(self) -> None:
        await Tortoise.close_connections()

    async def user_by_email(self, email: str) -> Any:
        return await User.get_or_none(email=email)

    async def user_with_accounts(self, user_id: str) -> Any:
        return await User.get(id=user_id).prefetch_related("accounts")

    async def chats_of_user(self, user_id: str) -> Any:
        return await Chat.filter(user_id=user_id).order_by("-updated_at", "-id").limit(50)

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        chat = await Chat.get(user_id=user_id, id=chat_id)
        messages = Message.filter(user_id=user_id, chat_id=chat_id).order_by("seq").limit(100)
        return chat, await messages

    async def messages_before(self, user_id: str, chat_id: str, seq: int) -> Any:
        place = Q(user_id=user_id, chat_id=chat_id, seq__lt=seq)
        return await Message.filter(place).order_by("-seq").limit(50)

    async def settings_get(self, user_id: str) -> Any:
        return await UserSettings.get_or_none(user_id=user_id)

    async def settings_update(self, user_id: str, theme: str, results: int) -> Any:
        given = {"theme": theme, "max_search_results": results}
        settings, _ = await UserSettings.update_or_create(given, user_id=user_id)
        return settings

    async def append_message(self, user_id: str, chat_id: str, fresh: str) -> Any:
        place = {"id": fresh, "user_id": user_id, "chat_id": chat_id}
        async with in_transaction():
            await Chat.filter(user_id=user_id, id=chat_id).update(updated_at=now())
            return (await Message.create(**place, role="user", content=SAID)).id

    async def insert_messages(self, user_id: str, chat_id: str, fresh: str) -> Any:
        messages: list[Message] = []
        for number in range(10):
            role, content = said(number)
            place = {"id": f"{fresh}_{number}", "user_id": user_id, "chat_id": chat_id}
            messages.append(Message(**place, role=role, content=content))
        async with in_transaction():
            await Chat.filter(user_id=user_id, id=chat_id).update(updated_at=now())
            await Message.bulk_create(messages)
        return [message.id for message in messages]

    async def create_chat(self, user_id: str, fresh: str) -> Any:
        place = {"id": fresh, "user_id": user_id, "chat_id": fresh}
        async with in_transaction():
            chat = await Chat.create(id=fresh, user_id=user_id, title=TITLE)
            await Message.create(**place, role=FIRST_ROLE, content=FIRST_CONTENT)
        return chat.id

    async def delete_chat(self, user_id: str, chat_id: str) -> Any:
        await Chat.filter(user_id=user_id, id=chat_id).delete()
        return chat_id

    def plain(self, pattern: str, answer: Any) -> object:
        if pattern == "user_with_accounts":
            answer = (answer, list(answer.accounts))
        return models.plain(pattern, answer)
