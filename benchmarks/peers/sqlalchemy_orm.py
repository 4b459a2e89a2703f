"""SQLAlchemy's async ORM as its documentation has it: a session for each call, `selectinload`."""

from typing import Any

from benchmarks.patterns import FIRST_CONTENT, FIRST_ROLE, SAID, TITLE, said
from benchmarks.peers import models
from benchmarks.peers.sqlalchemy_models import Chat, Message, User, UserSettings, engine_for
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import selectinload


class Peer:
    packages = ("SQLAlchemy", "asyncpg", "greenlet")

    async def open(self, url: str, connections: int) -> None:
        self.engine = engine_for(url, connections)
        self.session = async_sessionmaker(self.engine, expire_on_commit=False)

    async def close(self) -> None:
        await self.engine.dispose()

    async def user_by_email(self, email: str) -> Any:
        async with self.session() as session:
            return await session.scalar(select(User).where(User.email == email))

    async def user_with_accounts(self, user_id: str) -> Any:
        wanted = select(User).where(User.id == user_id).options(selectinload(User.accounts))
        async with self.session() as session:
            return await session.scalar(wanted)

    async def chats_of_user(self, user_id: str) -> Any:
        wanted = (
            select(Chat)
            .where(Chat.user_id == user_id)
            .order_by(Chat.updated_at.desc(), Chat.id.desc())
            .limit(50)
        )
        async with self.session() as session:
            return (await session.scalars(wanted)).all()

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        wanted = (
            select(Chat)
            .where(Chat.user_id == user_id, Chat.id == chat_id)
            .options(selectinload(Chat.messages))
        )
        async with self.session() as session:
            return await session.scalar(wanted)

    async def messages_before(self, user_id: str, chat_id: str, seq: int) -> Any:
        wanted = (
            select(Message)
            .where(Message.user_id == user_id, Message.chat_id == chat_id, Message.seq < seq)
            .order_by(Message.seq.desc())
            .limit(50)
        )
        async with self.session() as session:
            return (await session.scalars(wanted)).all()

    async def settings_get(self, user_id: str) -> Any:
        async with self.session() as session:
            return await session.get(UserSettings, user_id)

    async def settings_update(self, user_id: str, theme: str, results: int) -> Any:
        given = {"theme": theme, "max_search_results": results}
        wanted = (
            insert(UserSettings)
            .values(user_id=user_id, **given)
            .on_conflict_do_update(
                index_elements=[UserSettings.user_id], set_={**given, "updated_at": func.now()}
            )
            .returning(UserSettings)
        )
        async with self.session.begin() as session:
            return await session.scalar(wanted)

    async def append_message(self, user_id: str, chat_id: str, fresh: str) -> Any:
        message = Message(id=fresh, user_id=user_id, chat_id=chat_id, role="user", content=SAID)
        await self._insert(user_id, chat_id, [message])
        return message.id

    async def insert_messages(self, user_id: str, chat_id: str, fresh: str) -> Any:
        messages: list[Message] = []
        for number in range(10):
            role, content = said(number)
            place = {"id": f"{fresh}_{number}", "user_id": user_id, "chat_id": chat_id}
            messages.append(Message(**place, role=role, content=content))
        await self._insert(user_id, chat_id, messages)
        return [message.id for message in messages]

    async def _insert(self, user_id: str, chat_id: str, messages: list[Message]) -> None:
        moved = update(Chat).where(Chat.user_id == user_id, Chat.id == chat_id)
        async with self.session.begin() as session:
            await session.execute(moved.values(updated_at=func.now()))
            session.add_all(messages)

    async def create_chat(self, user_id: str, fresh: str) -> Any:
        first = Message(id=fresh, role=FIRST_ROLE, content=FIRST_CONTENT)
        chat = Chat(id=fresh, user_id=user_id, title=TITLE, messages=[first])
        async with self.session.begin() as session:
            session.add(chat)
        return chat.id

    async def delete_chat(self, user_id: str, chat_id: str) -> Any:
        wanted = delete(Chat).where(Chat.user_id == user_id, Chat.id == chat_id)
        async with self.session.begin() as session:
            await session.execute(wanted)
        return chat_id

    def plain(self, pattern: str, answer: Any) -> object:
        if pattern == "user_with_accounts":
            answer = (answer, answer.accounts)
        elif pattern == "chat_with_messages":
            answer = (answer, answer.messages)
        return models.plain(pattern, answer, {"metadata": "meta"})
