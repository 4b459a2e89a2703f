"""The DeepSearch tables exactly as the seed says and as drizzle-kit makes them.

They are there to adopt a database that exists, faults and all. What is wrong with them, and what
the hardened tables do instead, stands in `docs/SCHEMA.md`.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    TIMESTAMP,
    Boolean,
    Column,
    Integer,
    Named,
    String,
    Text,
    TypedColumns,
    text,
)

from chatkeep.presets.deepsearch.columns import NOW, key_column, now_column
from chatkeep.presets.deepsearch.hardened import PREFIX
from chatkeep.presets.deepsearch.personal import SEED_PERSONAL
from chatkeep.records.deepsearch import MessageMetadata, Source
from chatkeep.schema import schema as base
from chatkeep.schema.parts import foreign_key, index, primary_key
from chatkeep.schema.tables import TableDef
from chatkeep.schema.types import Json


class SeedUserColumns(TypedColumns):
    """Columns of the seed's `users`."""

    id: Named[str] = key_column("")
    name: Named[str | None] = Column(String(255))
    email: Named[str] = Column(String(255), nullable=False)
    email_verified: Named[datetime | None] = Column(TIMESTAMP(timezone=True), server_default=NOW)
    image: Named[str | None] = Column(String(255))
    is_admin: Named[bool] = Column(Boolean, nullable=False, server_default=text("false"))


class SeedAccountColumns(TypedColumns):
    """Columns of the seed's `accounts`."""

    user_id: Named[str] = Column(String(255), nullable=False)
    type: Named[str] = Column(String(255), nullable=False)
    provider: Named[str] = Column(String(255), nullable=False)
    provider_account_id: Named[str] = Column(String(255), nullable=False)
    refresh_token: Named[str | None] = Column(Text)
    access_token: Named[str | None] = Column(Text)
    expires_at: Named[int | None] = Column(Integer)
    token_type: Named[str | None] = Column(String(255))
    scope: Named[str | None] = Column(String(255))
    id_token: Named[str | None] = Column(Text)
    session_state: Named[str | None] = Column(String(255))


class SeedSessionColumns(TypedColumns):
    """Columns of the seed's `sessions`."""

    session_token: Named[str] = Column(String(255), primary_key=True)
    user_id: Named[str] = Column(String(255), nullable=False)
    expires: Named[datetime] = Column(TIMESTAMP(timezone=True), nullable=False)


class SeedVerificationTokenColumns(TypedColumns):
    """Columns of the seed's `verificationTokens`."""

    identifier: Named[str] = Column(String(255), nullable=False)
    token: Named[str] = Column(String(255), nullable=False)
    expires: Named[datetime] = Column(TIMESTAMP(timezone=True), nullable=False)


class SeedChatColumns(TypedColumns):
    """Columns of the seed's `chats`."""

    id: Named[str] = key_column("chat_")
    user_id: Named[str] = Column(String(255), nullable=False)
    title: Named[str] = Column(String(500), nullable=False)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class SeedMessageColumns(TypedColumns):
    """Columns of the seed's `messages`."""

    id: Named[str] = key_column("msg_")
    chat_id: Named[str] = Column(String(255), nullable=False)
    role: Named[str] = Column(String(50), nullable=False)
    content: Named[str] = Column(Text, nullable=False)
    sources: Named[list[Source] | None] = Column(Json[list[Source]](list[Source], binary=False))
    metadata: Named[MessageMetadata | None] = Column(
        Json[MessageMetadata](MessageMetadata, binary=False)
    )
    created_at: Named[datetime] = now_column()


class SeedSearchCacheColumns(TypedColumns):
    """Columns of the seed's `searchCache`."""

    id: Named[int] = Column(Integer, primary_key=True)  # a serial
    query: Named[str] = Column(String(500), nullable=False)
    results: Named[Any] = Column(Json[Any](object, binary=False), nullable=False)
    created_at: Named[datetime] = now_column()
    expires_at: Named[datetime] = Column(TIMESTAMP(timezone=True), nullable=False)


class SeedUserSettingsColumns(TypedColumns):
    """Columns of the seed's `userSettings`."""

    user_id: Named[str] = Column(String(255), primary_key=True)
    theme: Named[str | None] = Column(String(20), server_default=text("'dark'"))
    language: Named[str | None] = Column(String(10), server_default=text("'en'"))
    default_model: Named[str | None] = Column(String(50))
    enable_search_by_default: Named[bool] = Column(
        Boolean, nullable=False, server_default=text("true")
    )
    max_search_results: Named[int | None] = Column(Integer, server_default=text("10"))
    updated_at: Named[datetime] = now_column()


class SeedSchema(base.Schema):
    """The seed's tables. The access layer needs the hardened ones; migrations lead there."""

    edition: ClassVar[base.Edition] = "seed"
    personal = SEED_PERSONAL

    users = TableDef("user", SeedUserColumns)
    accounts = TableDef(
        "account",
        SeedAccountColumns,
        (
            primary_key("provider", "provider_account_id"),
            foreign_key("user_id", references="users", on_delete=None, cut_name=True),
            index("user_id", name="account_user_id_idx"),
        ),
    )
    sessions = TableDef(
        "session",
        SeedSessionColumns,
        (
            foreign_key("user_id", references="users", on_delete=None, cut_name=True),
            index("user_id", name="session_user_id_idx"),
        ),
    )
    verification_tokens = TableDef(
        "verification_token", SeedVerificationTokenColumns, (primary_key("identifier", "token"),)
    )
    chats = TableDef(
        "chat",
        SeedChatColumns,
        (
            foreign_key("user_id", references="users", on_delete="cascade", cut_name=True),
            index("user_id", name="chat_user_id_idx"),
            index("created_at", name="chat_created_at_idx"),
            index("updated_at", name="chat_updated_at_idx"),
        ),
    )
    messages = TableDef(
        "message",
        SeedMessageColumns,
        (
            foreign_key("chat_id", references="chats", on_delete="cascade", cut_name=True),
            index("chat_id", name="message_chat_id_idx"),
            index("created_at", name="message_created_at_idx"),
            index("chat_id", "created_at", name="message_chat_id_created_at_idx"),
        ),
    )
    search_cache = TableDef(
        "search_cache",
        SeedSearchCacheColumns,
        (
            index("query", name="search_cache_query_idx"),
            index("expires_at", name="search_cache_expires_at_idx"),
        ),
    )
    user_settings = TableDef(
        "user_settings",
        SeedUserSettingsColumns,
        (foreign_key("user_id", references="users", on_delete="cascade", cut_name=True),),
    )

    def __init__(self, prefix: str = PREFIX) -> None:
        super().__init__(prefix)
