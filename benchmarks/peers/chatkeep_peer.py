"""chatkeep as its README has it: through the pool, in a user's scope, inputs checked, records built."""

from datetime import timedelta
from typing import Any

import msgspec
from benchmarks import canonical
from benchmarks.patterns import (
    ACCOUNT,
    CHAT,
    FIRST_CONTENT,
    FIRST_ROLE,
    MESSAGE,
    SAID,
    SETTINGS,
    TITLE,
    USER,
    said,
)

from chatkeep import Database, NewMessage
from chatkeep.inputs.deepsearch import NewChat, SettingsChanges
from chatkeep.presets import deepsearch


class Peer:
    packages = ("chatkeep", "asyncpg", "msgspec", "pydantic", "SQLAlchemy")

    async def open(self, url: str, connections: int) -> None:
        schema = deepsearch.schema(prefix="b_")
        self.db = await Database(
            schema, url, max_connections=connections, statement_timeout=timedelta(seconds=60)
        ).open()

    async def close(self) -> None:
        await self.db.close()

    async def ready(self, pattern: str, values: list[Any]) -> list[Any]:
        if pattern != "messages_before":
            return values
        # A client hands back the cursor that it was given: the place before the 25 newest.
        user_id, chat_id, _ = values
        page = await self.db.as_user(user_id).messages.list(chat_id, limit=25)
        return [user_id, chat_id, page.next_cursor]

    async def user_by_email(self, email: str) -> Any:
        return await self.db.users.find_by_email(email)

    async def user_with_accounts(self, user_id: str) -> Any:
        return await self.db.users.get(user_id, with_accounts=True)

    async def chats_of_user(self, user_id: str) -> Any:
        return await self.db.as_user(user_id).chats.list(limit=50)

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        return await self.db.as_user(user_id).chats.get(chat_id, messages=100)

    async def messages_before(self, user_id: str, chat_id: str, cursor: str) -> Any:
        return await self.db.as_user(user_id).messages.list(chat_id, limit=50, before=cursor)

    async def settings_get(self, user_id: str) -> Any:
        return await self.db.as_user(user_id).settings.get()

    def build(self, pattern: str, values: list[Any]) -> list[Any]:
        """Make the inputs, as FastAPI does of a body before a handler is called."""
        if pattern == "settings_update":
            user_id, theme, results = values
            return [user_id, SettingsChanges(theme=theme, max_search_results=results)]
        if pattern == "append_message":
            user_id, chat_id, fresh = values
            return [user_id, chat_id, NewMessage(id=fresh, role="user", content=SAID)]
        if pattern == "insert_messages":
            user_id, chat_id, fresh = values
            messages: list[NewMessage] = []
            for number in range(10):
                role, content = said(number)
                messages.append(NewMessage(id=f"{fresh}_{number}", role=role, content=content))
            return [user_id, chat_id, messages]
        if pattern == "create_chat":
            user_id, fresh = values
            first = NewMessage(id=fresh, role=FIRST_ROLE, content=FIRST_CONTENT)
            return [user_id, NewChat(id=fresh, title=TITLE), first]
        return values

    async def settings_update(self, user_id: str, changes: SettingsChanges) -> Any:
        return await self.db.as_user(user_id).settings.update(changes)

    async def append_message(self, user_id: str, chat_id: str, message: NewMessage) -> Any:
        return await self.db.as_user(user_id).messages.append(chat_id, message)

    async def insert_messages(self, user_id: str, chat_id: str, messages: list[NewMessage]) -> Any:
        return await self.db.as_user(user_id).messages.append(chat_id, *messages)

    async def create_chat(self, user_id: str, chat: NewChat, first: NewMessage) -> Any:
        return await self.db.as_user(user_id).chats.create(chat, first_message=first)

    async def delete_chat(self, user_id: str, chat_id: str) -> Any:
        await self.db.as_user(user_id).chats.delete(chat_id, hard=True)
        return chat_id

    def plain(self, pattern: str, answer: Any) -> object:
        if pattern == "user_by_email":
            return canonical.row(USER, answer)
        if pattern == "user_with_accounts":
            accounts = [canonical.row(ACCOUNT, account) for account in answer.accounts]
            return {**canonical.row(USER, answer), "accounts": accounts}
        if pattern == "chats_of_user":
            return [canonical.row(CHAT, chat) for chat in answer.items]
        if pattern == "chat_with_messages":
            return {**canonical.row(CHAT, answer), "messages": list(map(_message, answer.messages))}
        if pattern == "messages_before":
            return list(map(_message, answer.items))
        if pattern in {"settings_get", "settings_update"}:
            return canonical.row(SETTINGS, answer)
        if pattern == "append_message":
            return answer[0].id
        if pattern == "insert_messages":
            return [message.id for message in answer]
        return answer if isinstance(answer, str) else answer.id


def _message(message: Any) -> dict[str, Any]:
    plain = {name: getattr(message, name) for name in MESSAGE}
    plain["sources"] = msgspec.to_builtins(message.sources)
    plain["metadata"] = msgspec.to_builtins(message.metadata)
    return canonical.row(MESSAGE, plain)
