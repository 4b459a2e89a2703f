"""The tables as SQLAlchemy's declarative models: for its ORM, and their tables for its Core."""

from datetime import datetime
from typing import Any

from benchmarks import address
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    String,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

Time = TIMESTAMP(timezone=True)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: Time, dict[str, Any]: JSONB, list[Any]: JSONB}  # noqa: RUF012 - SQLAlchemy's own spelling


class User(Base):
    __tablename__ = "b_user"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str | None] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(255))
    email_verified: Mapped[datetime | None]
    image: Mapped[str | None] = mapped_column(Text)
    is_admin: Mapped[bool] = mapped_column(server_default="false")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    accounts: Mapped[list["Account"]] = relationship(
        order_by="Account.provider, Account.provider_account_id"
    )


class Account(Base):
    __tablename__ = "b_account"

    user_id: Mapped[str] = mapped_column(String(255), ForeignKey("b_user.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(String(255))
    provider: Mapped[str] = mapped_column(String(255), primary_key=True)
    provider_account_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    refresh_token: Mapped[str | None] = mapped_column(Text)
    access_token: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    token_type: Mapped[str | None] = mapped_column(String(255))
    scope: Mapped[str | None] = mapped_column(String(255))
    id_token: Mapped[str | None] = mapped_column(Text)
    session_state: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Chat(Base):
    __tablename__ = "b_chat"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255), ForeignKey("b_user.id", ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    messages: Mapped[list["Message"]] = relationship(order_by="Message.seq", passive_deletes=True)


class Message(Base):
    __tablename__ = "b_message"
    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "chat_id"], ["b_chat.user_id", "b_chat.id"], ondelete="CASCADE"
        ),
    )

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    chat_id: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(50))
    content: Mapped[str] = mapped_column(Text)
    sources: Mapped[list[Any] | None]
    meta: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    user_id: Mapped[str] = mapped_column(String(255))
    seq: Mapped[int] = mapped_column(BigInteger, Identity())


class UserSettings(Base):
    __tablename__ = "b_user_settings"

    user_id: Mapped[str] = mapped_column(
        String(255), ForeignKey("b_user.id", ondelete="CASCADE"), primary_key=True
    )
    theme: Mapped[str | None] = mapped_column(String(20), server_default="dark")
    language: Mapped[str | None] = mapped_column(String(10), server_default="en")
    default_model: Mapped[str | None] = mapped_column(String(50))
    enable_search_by_default: Mapped[bool] = mapped_column(server_default="true")
    max_search_results: Mapped[int | None] = mapped_column(server_default="10")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


def engine_for(url: str, connections: int) -> AsyncEngine:
    """Make an engine on asyncpg with so many connections."""
    place = address.read(url)
    return create_async_engine(
        "postgresql+asyncpg://",
        connect_args=dict(
            zip(("host", "port", "user", "password", "database"), place, strict=True)
        ),
        pool_size=connections,
        max_overflow=0,
    )
