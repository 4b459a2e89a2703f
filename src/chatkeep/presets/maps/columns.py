"""Columns of the hardened maps tables: the seed's in their order, then the added one."""

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
    updated_at: Named[datetime] = Column(
        TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")
    )
