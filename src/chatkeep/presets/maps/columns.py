"""Columns of the hardened maps tables: the seed's in their order, then the added ones.

With the added columns and tables Better Auth (1.7) signs people in; its own names stand in the map
that `chatkeep auth better-auth config` prints.
"""

from datetime import datetime

from sqlalchemy import TIMESTAMP, Boolean, Column, Named, Text, TypedColumns, text

# Told to the migrations kit: the seed's times have no zone and were written as UTC.
AS_UTC = "{name} AT TIME ZONE 'UTC'"


def time_column(name: str, *, default: bool = True) -> Column[datetime]:
    """Give a time with zone that was one without in the seed."""
    return Column(
        TIMESTAMP(timezone=True),
        nullable=False,
        server_default=text("now()") if default else None,
        info={"using": AS_UTC.format(name=f'"{name}"')},
    )


def now_column() -> Column[datetime]:
    """Give a time that the seed has not, and that PostgreSQL sets unless the writer does."""
    return Column(TIMESTAMP(timezone=True), nullable=False, server_default=text("now()"))


class UserColumns(TypedColumns):
    """Columns of `schema.users`."""

    id: Named[str] = Column(Text, primary_key=True)
    email: Named[str] = Column(Text, nullable=False)
    email_verified: Named[bool] = Column(Boolean, nullable=False, server_default=text("false"))
    name: Named[str | None] = Column(Text)
    image: Named[str | None] = Column(Text)
    created_at: Named[datetime] = time_column("created_at")
    updated_at: Named[datetime] = time_column("updated_at")


class SessionColumns(TypedColumns):
    """Columns of `schema.sessions`."""

    id: Named[str] = Column(Text, primary_key=True)
    user_id: Named[str] = Column(Text, nullable=False)
    expires_at: Named[datetime] = time_column("expires_at", default=False)
    created_at: Named[datetime] = time_column("created_at")
    updated_at: Named[datetime] = now_column()
    token: Named[str] = Column(Text, nullable=False)
    ip_address: Named[str | None] = Column(Text)
    user_agent: Named[str | None] = Column(Text)


class AccountColumns(TypedColumns):
    """Columns of `schema.accounts`."""

    id: Named[str] = Column(Text, primary_key=True)
    account_id: Named[str] = Column(Text, nullable=False)
    provider_id: Named[str] = Column(Text, nullable=False)
    user_id: Named[str] = Column(Text, nullable=False)
    access_token: Named[str | None] = Column(Text)
    refresh_token: Named[str | None] = Column(Text)
    id_token: Named[str | None] = Column(Text)
    access_token_expires_at: Named[datetime | None] = Column(TIMESTAMP(timezone=True))
    refresh_token_expires_at: Named[datetime | None] = Column(TIMESTAMP(timezone=True))
    scope: Named[str | None] = Column(Text)
    password: Named[str | None] = Column(Text)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


class VerificationColumns(TypedColumns):
    """Columns of `schema.verifications`."""

    id: Named[str] = Column(Text, primary_key=True)
    identifier: Named[str] = Column(Text, nullable=False)
    value: Named[str] = Column(Text, nullable=False)
    expires_at: Named[datetime] = Column(TIMESTAMP(timezone=True), nullable=False)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()
