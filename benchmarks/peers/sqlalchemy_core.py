"""SQLAlchemy Core, async on asyncpg: statements built once, a connection for each call, row tuples.

SQLAlchemy opens a transaction for every use of a connection; that is how its documentation has it.
"""

from typing import Any

from benchmarks.patterns import FIRST_CONTENT, FIRST_ROLE, SAID, TITLE, said
from benchmarks.peers import models, raw
from benchmarks.peers.sqlalchemy_models import (
    Account,
    Chat,
    Message,
    User,
    UserSettings,
    engine_for,
)
from sqlalchemy import bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_or

users, accounts, chats, messages, settings = (
    model.__table__ for model in (User, Account, Chat, Message, UserSettings)
)
USER_BY_EMAIL = select(users).where(users.c.email == bindparam("email"))
USER_WITH_ACCOUNTS = (
    select(users, accounts)
    .outerjoin(accounts, accounts.c.user_id == users.c.id)
    .where(users.c.id == bindparam("id"))
    .order_by(accounts.c.provider, accounts.c.provider_account_id)
)
CHATS_OF_USER = (
    select(chats)
    .where(chats.c.user_id == bindparam("user_id"))
    .order_by(chats.c.updated_at.desc(), chats.c.id.desc())
    .limit(50)
)
CHAT_BY_ID = select(chats).where(
    chats.c.user_id == bindparam("user_id"), chats.c.id == bindparam("id")
)
OF_CHAT = (messages.c.user_id == bindparam("user_id"), messages.c.chat_id == bindparam("id"))
FIRST_MESSAGES = select(messages).where(*OF_CHAT).order_by(messages.c.seq).limit(100)
MESSAGES_BEFORE = (
    select(messages)
    .where(*OF_CHAT, messages.c.seq < bindparam("seq"))
    .order_by(messages.c.seq.desc())
    .limit(50)
)
SETTINGS_GET = select(settings).where(settings.c.user_id == bindparam("user_id"))
_GIVEN = insert_or(settings).values(
    user_id=bindparam("user_id"), theme=bindparam("theme"), max_search_results=bindparam("results")
)
SETTINGS_UPDATE = _GIVEN.on_conflict_do_update(
    index_elements=[settings.c.user_id],
    set_={
        "theme": _GIVEN.excluded.theme,
        "max_search_results": _GIVEN.excluded.max_search_results,
        "updated_at": func.now(),
    },
).returning(*settings.c)
_THE_CHAT = tuple_(chats.c.user_id, chats.c.id) == tuple_(bindparam("of_user"), bindparam("of_id"))
MOVE_CHAT = update(chats).where(_THE_CHAT).values(updated_at=func.now())
INSERT_MESSAGES = insert(messages).returning(messages.c.id, sort_by_parameter_order=True)
CREATE_CHAT = insert(chats).returning(*chats.c)
DELETE_CHAT = delete(chats).where(_THE_CHAT)


class Peer:
    packages = ("SQLAlchemy", "asyncpg", "greenlet")

    async def open(self, url: str, connections: int) -> None:
        self.engine = engine_for(url, connections)

    async def close(self) -> None:
        await self.engine.dispose()

    async def user_by_email(self, email: str) -> Any:
        async with self.engine.connect() as connection:
            return (await connection.execute(USER_BY_EMAIL, {"email": email})).one_or_none()

    async def user_with_accounts(self, user_id: str) -> Any:
        async with self.engine.connect() as connection:
            return (await connection.execute(USER_WITH_ACCOUNTS, {"id": user_id})).all()

    async def chats_of_user(self, user_id: str) -> Any:
        async with self.engine.connect() as connection:
            return (await connection.execute(CHATS_OF_USER, {"user_id": user_id})).all()

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        given = {"user_id": user_id, "id": chat_id}
        async with self.engine.connect() as connection:
            chat = (await connection.execute(CHAT_BY_ID, given)).one_or_none()
            return chat, (await connection.execute(FIRST_MESSAGES, given)).all()

    async def messages_before(self, user_id: str, chat_id: str, seq: int) -> Any:
        given = {"user_id": user_id, "id": chat_id, "seq": seq}
        async with self.engine.connect() as connection:
            return (await connection.execute(MESSAGES_BEFORE, given)).all()

    async def settings_get(self, user_id: str) -> Any:
        async with self.engine.connect() as connection:
            return (await connection.execute(SETTINGS_GET, {"user_id": user_id})).one_or_none()

    async def settings_update(self, user_id: str, theme: str, results: int) -> Any:
        given = {"user_id": user_id, "theme": theme, "results": results}
        async with self.engine.begin() as connection:
            return (await connection.execute(SETTINGS_UPDATE, given)).one()

    async def append_message(self, user_id: str, chat_id: str, fresh: str) -> Any:
        message = {
            "id": fresh,
            "user_id": user_id,
            "chat_id": chat_id,
            "role": "user",
            "content": SAID,
        }
        return (await self._insert(user_id, chat_id, message)).scalar_one()

    async def insert_messages(self, user_id: str, chat_id: str, fresh: str) -> Any:
        rows: list[dict[str, str]] = []
        for number in range(10):
            role, content = said(number)
            message = {"id": f"{fresh}_{number}", "user_id": user_id, "chat_id": chat_id}
            rows.append({**message, "role": role, "content": content})
        return (await self._insert(user_id, chat_id, rows)).scalars().all()

    async def _insert(self, user_id: str, chat_id: str, rows: Any) -> Any:
        async with self.engine.begin() as connection:
            await connection.execute(MOVE_CHAT, {"of_user": user_id, "of_id": chat_id})
            return await connection.execute(INSERT_MESSAGES, rows)

    async def create_chat(self, user_id: str, fresh: str) -> Any:
        chat = {"id": fresh, "user_id": user_id, "title": TITLE}
        message = {"id": fresh, "chat_id": fresh, "user_id": user_id}
        async with self.engine.begin() as connection:
            made = (await connection.execute(CREATE_CHAT, chat)).one()
            said_first = {**message, "role": FIRST_ROLE, "content": FIRST_CONTENT}
            await connection.execute(insert(messages), said_first)
            return made.id

    async def delete_chat(self, user_id: str, chat_id: str) -> Any:
        async with self.engine.begin() as connection:
            await connection.execute(DELETE_CHAT, {"of_user": user_id, "of_id": chat_id})
            return chat_id

    def plain(self, pattern: str, answer: Any) -> object:
        if pattern == "user_with_accounts":
            return raw.plain(pattern, answer)
        return models.plain(pattern, answer)
