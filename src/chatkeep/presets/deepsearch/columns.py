"""Columns of the hardened DeepSearch tables: the seed's in their order, then the added ones.

In this order a database that was migrated from the seed and one that was created anew are the
same, down to the place of each column.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Date,
    Identity,
    Integer,
    LargeBinary,
    Named,
    Numeric,
    SmallInteger,
    String,
    Text,
    TypedColumns,
    text,
)

from chatkeep.records.deepsearch import MessageMetadata, Source
from chatkeep.schema.types import Json

NOW = text("CURRENT_TIMESTAMP")


def now_column() -> Column[datetime]:
    """Give a time that PostgreSQL sets unless the writer does."""
    return Column(TIMESTAMP(timezone=True), nullable=False, server_default=NOW)


def key_column(label: str) -> Column[str]:
    """Give a key that the writer makes up; `info` says how TypeScript does, as the seed's code."""
    made = f"`{label}${{crypto.randomUUID()}}`" if label else "crypto.randomUUID()"
    return Column(String(255), primary_key=True, info={"typescript_default": f"() => {made}"})


class UserColumns(TypedColumns):
    """Columns of `schema.users`."""

    id: Named[str] = key_column("")
    name: Named[str | None] = Column(String(255))
    email: Named[str] = Column(String(255), nullable=False)
    email_verified: Named[datetime | None] = Column(TIMESTAMP(timezone=True))
    image: Named[str | None] = Column(Text)
    is_admin: Named[bool] = Column(Boolean, nullable=False, server_default=text("false"))
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class AccountColumns(TypedColumns):
    """Columns of `schema.accounts`."""

    user_id: Named[str] = Column(String(255), nullable=False)
    type: Named[str] = Column(String(255), nullable=False)
    provider: Named[str] = Column(String(255), nullable=False)
    provider_account_id: Named[str] = Column(String(255), nullable=False)
    refresh_token: Named[str | None] = Column(Text)
    access_token: Named[str | None] = Column(Text)
    # @auth/drizzle-adapter declares that it takes no column but drizzle's `integer` here.
    expires_at: Named[int | None] = Column(BigInteger, info={"typescript_as": "integer"})
    token_type: Named[str | None] = Column(String(255))
    scope: Named[str | None] = Column(Text)
    id_token: Named[str | None] = Column(Text)
    session_state: Named[str | None] = Column(Text)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class SessionColumns(TypedColumns):
    """Columns of `schema.sessions`."""

    session_token: Named[str] = Column(String(255), primary_key=True)
    user_id: Named[str] = Column(String(255), nullable=False)
    expires: Named[datetime] = Column(TIMESTAMP(timezone=True), nullable=False)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()
    ip_address: Named[str | None] = Column(Text)
    user_agent: Named[str | None] = Column(Text)


class VerificationTokenColumns(TypedColumns):
    """Columns of `schema.verification_tokens`."""

    identifier: Named[str] = Column(String(255), nullable=False)
    token: Named[str] = Column(String(255), nullable=False)
    expires: Named[datetime] = Column(TIMESTAMP(timezone=True), nullable=False)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class ChatColumns(TypedColumns):
    """Columns of `schema.chats`."""

    id: Named[str] = key_column("chat_")
    user_id: Named[str] = Column(String(255), nullable=False)
    title: Named[str] = Column(String(500), nullable=False)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()
    head: Named[str | None] = Column(String(255))
    revision: Named[int] = Column(BigInteger, nullable=False, server_default=text("0"))
    is_branched: Named[bool] = Column(Boolean, nullable=False, server_default=text("false"))
    deleted_at: Named[datetime | None] = Column(TIMESTAMP(timezone=True))
    is_pinned: Named[bool] = Column(Boolean, nullable=False, server_default=text("false"))
    is_temporary: Named[bool] = Column(Boolean, nullable=False, server_default=text("false"))


class MessageColumns(TypedColumns):
    """Columns of `schema.messages`."""

    id: Named[str] = key_column("msg_")
    chat_id: Named[str] = Column(String(255), nullable=False)
    role: Named[str] = Column(String(50), nullable=False)
    content: Named[str] = Column(Text, nullable=False)
    sources: Named[list[Source] | None] = Column(Json[list[Source]](list[Source]))
    metadata: Named[MessageMetadata | None] = Column(Json[MessageMetadata](MessageMetadata))
    created_at: Named[datetime] = now_column()
    user_id: Named[str] = Column(String(255), nullable=False)
    seq: Named[int] = Column(BigInteger, Identity(always=False), nullable=False)
    parent_id: Named[str | None] = Column(String(255))
    parts: Named[Any] = Column(Json[Any](object), nullable=True)
    status: Named[str] = Column(String(20), nullable=False, server_default=text("'complete'"))
    updated_at: Named[datetime] = now_column()
    deleted_at: Named[datetime | None] = Column(TIMESTAMP(timezone=True))


class MessageUsageColumns(TypedColumns):
    """Columns of `schema.message_usage`."""

    user_id: Named[str] = Column(String(255), nullable=False)
    message_id: Named[str] = Column(String(255), nullable=False)
    chat_id: Named[str] = Column(String(255), nullable=False)
    model: Named[str | None] = Column(String(255))
    prompt_tokens: Named[int] = Column(BigInteger, nullable=False, server_default=text("0"))
    completion_tokens: Named[int] = Column(BigInteger, nullable=False, server_default=text("0"))
    total_tokens: Named[int] = Column(BigInteger, nullable=False, server_default=text("0"))
    cost: Named[Decimal | None] = Column(Numeric(20, 10))
    latency_ms: Named[int | None] = Column(BigInteger)
    created_at: Named[datetime] = now_column()


class MessageFeedbackColumns(TypedColumns):
    """Columns of `schema.message_feedback`."""

    user_id: Named[str] = Column(String(255), nullable=False)
    message_id: Named[str] = Column(String(255), nullable=False)
    vote: Named[int | None] = Column(SmallInteger)
    comment: Named[str | None] = Column(Text)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class MessageChunkColumns(TypedColumns):
    """Columns of `schema.message_chunks`."""

    user_id: Named[str] = Column(String(255), nullable=False)
    message_id: Named[str] = Column(String(255), nullable=False)
    position: Named[int] = Column(Integer, nullable=False)
    content: Named[str] = Column(Text, nullable=False)
    created_at: Named[datetime] = now_column()


class RunningAnswerColumns(TypedColumns):
    """Columns of `schema.running_answers`."""

    user_id: Named[str] = Column(String(255), nullable=False)
    chat_id: Named[str] = Column(String(255), nullable=False)
    message_id: Named[str] = Column(String(255), nullable=False)
    writer: Named[str] = Column(String(255), nullable=False)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class ChatShareColumns(TypedColumns):
    """Columns of `schema.chat_shares`."""

    id: Named[str] = key_column("share_")
    user_id: Named[str] = Column(String(255), nullable=False)
    chat_id: Named[str] = Column(String(255), nullable=False)
    token_hash: Named[bytes] = Column(LargeBinary, nullable=False)
    kind: Named[str] = Column(String(20), nullable=False)
    head: Named[str | None] = Column(String(255))
    title: Named[str | None] = Column(String(500))
    expires_at: Named[datetime | None] = Column(TIMESTAMP(timezone=True))
    revoked_at: Named[datetime | None] = Column(TIMESTAMP(timezone=True))
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class SearchCacheColumns(TypedColumns):
    """Columns of `schema.search_cache`."""

    id: Named[int] = Column(Integer, Identity(always=False), primary_key=True)
    query: Named[str] = Column(Text, nullable=False)
    results: Named[Any] = Column(Json[Any](object), nullable=False)
    created_at: Named[datetime] = now_column()
    expires_at: Named[datetime] = Column(TIMESTAMP(timezone=True), nullable=False)
    updated_at: Named[datetime] = now_column()
    key_hash: Named[bytes | None] = Column(LargeBinary)
    provider: Named[str | None] = Column(Text)
    locale: Named[str | None] = Column(Text)
    stale_until: Named[datetime | None] = Column(TIMESTAMP(timezone=True))


class SearchEventColumns(TypedColumns):
    """Columns of `schema.search_events`."""

    id: Named[int] = Column(BigInteger, Identity(always=False), primary_key=True)
    created_at: Named[datetime] = now_column()
    key_hash: Named[bytes] = Column(LargeBinary, nullable=False)
    query: Named[str | None] = Column(Text)
    provider: Named[str] = Column(Text, nullable=False)
    locale: Named[str] = Column(Text, nullable=False)
    outcome: Named[str] = Column(String(20), nullable=False)
    tier: Named[str] = Column(String(20), nullable=False)
    calls: Named[int] = Column(BigInteger, nullable=False, server_default=text("1"))
    no_results: Named[int] = Column(BigInteger, nullable=False, server_default=text("0"))
    latency_us: Named[int] = Column(BigInteger, nullable=False, server_default=text("0"))
    latency_max_us: Named[int] = Column(BigInteger, nullable=False, server_default=text("0"))
    user_group: Named[str] = Column(Text, nullable=False, server_default=text("''"))
    user_id: Named[str | None] = Column(String(255))


class SearchDayColumns(TypedColumns):
    """Columns of `schema.search_days`."""

    day: Named[date] = Column(Date, nullable=False)
    provider: Named[str] = Column(Text, nullable=False)
    locale: Named[str] = Column(Text, nullable=False)
    user_group: Named[str] = Column(Text, nullable=False)
    key_hash: Named[bytes] = Column(LargeBinary, nullable=False)
    outcome: Named[str] = Column(String(20), nullable=False)
    tier: Named[str] = Column(String(20), nullable=False)
    query: Named[str | None] = Column(Text)
    calls: Named[int] = Column(BigInteger, nullable=False)
    no_results: Named[int] = Column(BigInteger, nullable=False)
    latency_us: Named[int] = Column(BigInteger, nullable=False)
    latency_max_us: Named[int] = Column(BigInteger, nullable=False)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class UserSettingsColumns(TypedColumns):
    """Columns of `schema.user_settings`."""

    user_id: Named[str] = Column(String(255), primary_key=True)
    theme: Named[str | None] = Column(String(20), server_default=text("'dark'"))
    language: Named[str | None] = Column(String(10), server_default=text("'en'"))
    default_model: Named[str | None] = Column(String(50))
    enable_search_by_default: Named[bool] = Column(
        Boolean, nullable=False, server_default=text("true")
    )
    max_search_results: Named[int | None] = Column(Integer, server_default=text("10"))
    updated_at: Named[datetime] = now_column()
    created_at: Named[datetime] = now_column()
