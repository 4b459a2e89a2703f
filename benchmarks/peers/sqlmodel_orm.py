"""SQLModel: its own models and session (SQLAlchemy's ORM with Pydantic beneath)."""

from datetime import datetime
from typing import Any

from benchmarks.patterns import FIRST_CONTENT, FIRST_ROLE, SAID, TITLE, said
from benchmarks.peers import models
from benchmarks.peers.sqlalchemy_models import engine_for
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Identity,
    delete,
    func,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import selectinload
from sqlmodel import Field, Relationship, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

# One of SQLModel's ways to a column with a default of the database.
NOW = {"sa_type": TIMESTAMP(timezone=True), "sa_column_kwargs": {"server_default": func.now()}}


class User(SQLModel, table=True):
    __tablename__ = "b_user"

    id: str = Field(primary_key=True)
    name: str | None = None
    email: str
    email_verified: datetime | None = Field(default=None, sa_type=TIMESTAMP(timezone=True))
    image: str | None = None
    is_admin: bool = False
    created_at: datetime | None = Field(default=None, **NOW)
    updated_at: datetime | None = Field(default=None, **NOW)
    accounts: list["Account"] = Relationship(
        sa_relationship_kwargs={"order_by": "Account.provider, Account.provider_account_id"}
    )


class Account(SQLModel, table=True):
    __tablename__ = "b_account"

    user_id: str = Field(foreign_key="b_user.id", ondelete="CASCADE")
    type: str
    provider: str = Field(primary_key=True)
    provider_account_id: str = Field(primary_key=True)
    refresh_token: str | None = None
    access_token: str | None = None
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    token_type: str | None = None
    scope: str | None = None
    id_token: str | None = None
    session_state: str | None = None
    created_at: datetime | None = Field(default=None, **NOW)
    updated_at: datetime | None = Field(default=None, **NOW)


class Chat(SQLModel, table=True):
    __tablename__ = "b_chat"

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="b_user.id", ondelete="CASCADE")
    title: str
    created_at: datetime | None = Field(default=None, **NOW)
    updated_at: datetime | None = Field(default=None, **NOW)
    messages: list["Message"] = Relationship(
        passive_deletes="all", sa_relationship_kwargs={"order_by": "Message.seq"}
    )


class Message(SQLModel, table=True):
    __tablename__ = "b_message"
    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "chat_id"], ["b_chat.user_id", "b_chat.id"], ondelete="CASCADE"
        ),
    )

    id: str = Field(primary_key=True)
    chat_id: str = ""
    role: str
    content: str
    sources: list[Any] | None = Field(default=None, sa_type=JSONB(none_as_null=True))
    meta: dict[str, Any] | None = Field(
        default=None, sa_column=Column("metadata", JSONB(none_as_null=True))
    )
    created_at: datetime | None = Field(default=None, **NOW)
    user_id: str = ""
    seq: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=[Identity()])


class UserSettings(SQLModel, table=True):
    __tablename__ = "b_user_settings"

    user_id: str = Field(primary_key=True, foreign_key="b_user.id", ondelete="CASCADE")
    theme: str | None = "dark"
    language: str | None = "en"
    default_model: str | None = None
    enable_search_by_default: bool = True
    max_search_results: int | None = 10
    updated_at: datetime | None = Field(default=None, **NOW)
    created_at: datetime | None = Field(default=None, **NOW)


class Peer:
    packages = ("sqlmodel", "SQLAlchemy", "asyncpg")

    async def open(self, url: str, connections: int) -> None:
        self.engine = engine_for(url, connections)
        self.session = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False)

    async def close(self) -> None:
        await self.engine.dispose()

    async def user_by_email(self, email: str) -> Any:
        async with self.session() as session:
            return (await session.exec(select(User).where(User.email == email))).first()

    async def user_with_accounts(self, user_id: str) -> Any:
        wanted = select(User).where(User.id == user_id).options(selectinload(User.accounts))
        async with self.session() as session:
            return (await session.exec(wanted)).first()

    async def chats_of_user(self, user_id: str) -> Any:
        wanted = (
            select(Chat)
            .where(Chat.user_id == user_id)
            .order_by(Chat.updated_at.desc(), Chat.id.desc())
            .limit(50)
        )
        async with self.session() as session:
            return (await session.exec(wanted)).all()

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        wanted = (
            select(Chat)
            .where(Chat.user_id == user_id, Chat.id == chat_id)
            .options(selectinload(Chat.messages))
        )
        async with self.session() as session:
            return (await session.exec(wanted)).first()

    async def messages_before(self, user_id: str, chat_id: str, seq: int) -> Any:
        wanted = (
            select(Message)
            .where(Message.user_id == user_id, Message.chat_id == chat_id, Message.seq < seq)
            .order_by(Message.seq.desc())
            .limit(50)
        )
        async with self.session() as session:
            return (await session.exec(wanted)).all()

    async def settings_get(self, user_id: str) -> Any:
        async with self.session() as session:
            return await session.get(UserSettings, user_id)

    async def settings_update(self, user_id: str, theme: str, results: int) -> Any:
        given = {"theme": theme, "max_search_results": results}
        wanted = (
            insert(UserSettings)
            .values(user_id=user_id, **given)
            .on_conflict_do_update(
                index_elements=["user_id"], set_={**given, "updated_at": func.now()}
            )
            .returning(UserSettings)
        )
        async with self.session.begin() as session:
            return (await session.exec(wanted)).scalar_one()

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
            await session.exec(moved.values(updated_at=func.now()))
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
            await session.exec(wanted)
        return chat_id

    def plain(self, pattern: str, answer: Any) -> object:
        if pattern == "user_with_accounts":
            answer = (answer, answer.accounts)
        elif pattern == "chat_with_messages":
            answer = (answer, answer.messages)
        return models.plain(pattern, answer, {"metadata": "meta"})
