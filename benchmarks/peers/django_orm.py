"""Django's ORM by its async methods. They run in one thread with one connection: that is their way.

Transactions have no async form; those patterns run as a function in that thread, as Django's
documentation has it.
"""

from typing import Any

import django
from asgiref.sync import sync_to_async
from benchmarks import address
from benchmarks.patterns import FIRST_CONTENT, FIRST_ROLE, SAID, TITLE, said
from benchmarks.peers import models as common
from django.conf import settings as configuration


def configure(url: str) -> None:
    """Set Django up; its models can be defined only then."""
    place = address.read(url)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": place.database,
        "USER": place.user,
        "PASSWORD": place.password or "",
        "HOST": place.host,
        "PORT": str(place.port),
        "CONN_MAX_AGE": None,
    }
    configuration.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=[],
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()


class Peer:
    packages = ("Django", "psycopg", "psycopg-binary")

    async def open(self, url: str, connections: int) -> None:  # noqa: ARG002 - Django uses one
        configure(url)
        from benchmarks.peers import django_models  # after configuring

        self.models = django_models
        await django_models.User.objects.aexists()

    async def close(self) -> None:
        from django.db import connections  # after configuring

        await sync_to_async(connections.close_all)()

    async def user_by_email(self, email: str) -> Any:
        return await self.models.User.objects.filter(email=email).afirst()

    async def user_with_accounts(self, user_id: str) -> Any:
        return await self.models.User.objects.prefetch_related("accounts").aget(id=user_id)

    async def chats_of_user(self, user_id: str) -> Any:
        chats = self.models.Chat.objects.filter(user_id=user_id).order_by("-updated_at", "-id")
        return [chat async for chat in chats[:50]]

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        chat = await self.models.Chat.objects.aget(user_id=user_id, id=chat_id)
        messages = self.models.Message.objects.filter(user_id=user_id, chat_id=chat_id)
        return chat, [message async for message in messages.order_by("seq")[:100]]

    async def messages_before(self, user_id: str, chat_id: str, seq: int) -> Any:
        place = {"user_id": user_id, "chat_id": chat_id, "seq__lt": seq}
        messages = self.models.Message.objects.filter(**place).order_by("-seq")
        return [message async for message in messages[:50]]

    async def settings_get(self, user_id: str) -> Any:
        return await self.models.UserSettings.objects.filter(user_id=user_id).afirst()

    async def settings_update(self, user_id: str, theme: str, results: int) -> Any:
        settings, _ = await self.models.UserSettings.objects.aupdate_or_create(
            user_id=user_id, defaults={"theme": theme, "max_search_results": results}
        )
        return settings

    async def append_message(self, user_id: str, chat_id: str, fresh: str) -> Any:
        place = {"id": fresh, "user_id": user_id, "chat_id": chat_id}
        message = self.models.Message(**place, role="user", content=SAID)
        await self._insert(user_id, chat_id, [message])
        return message.id

    async def insert_messages(self, user_id: str, chat_id: str, fresh: str) -> Any:
        messages: list[Any] = []
        for number in range(10):
            role, content = said(number)
            place = {"id": f"{fresh}_{number}", "user_id": user_id, "chat_id": chat_id}
            messages.append(self.models.Message(**place, role=role, content=content))
        await self._insert(user_id, chat_id, messages)
        return [message.id for message in messages]

    async def _insert(self, user_id: str, chat_id: str, messages: list[Any]) -> None:
        await sync_to_async(self.models.append)(user_id, chat_id, messages)

    async def create_chat(self, user_id: str, fresh: str) -> Any:
        place = {"id": fresh, "user_id": user_id, "chat_id": fresh}
        first = self.models.Message(**place, role=FIRST_ROLE, content=FIRST_CONTENT)
        chat = self.models.Chat(id=fresh, user_id=user_id, title=TITLE)
        await sync_to_async(self.models.create)(chat, first)
        return chat.id

    async def delete_chat(self, user_id: str, chat_id: str) -> Any:
        await self.models.Chat.objects.filter(user_id=user_id, id=chat_id).adelete()
        return chat_id

    def plain(self, pattern: str, answer: Any) -> object:
        if pattern == "user_with_accounts":
            answer = (answer, list(answer.accounts.all()))
        return common.plain(pattern, answer)
