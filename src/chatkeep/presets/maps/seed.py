"""The maps tables exactly as the seed says and as drizzle-kit makes them."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import TIMESTAMP, Boolean, Column, Named, Text, TypedColumns, text

from chatkeep.presets.maps.personal import SEED_PERSONAL
from chatkeep.schema import schema as base
from chatkeep.schema.parts import foreign_key, unique
from chatkeep.schema.tables import TableDef

NOW = text("now()")


class SeedUserColumns(TypedColumns):
    """Columns of the seed's `users`; its times have no zone, Drizzle reads them as UTC."""

    id: Named[str] = Column(Text, primary_key=True)
    email: Named[str] = Column(Text, nullable=False)
    email_verified: Named[bool | None] = Column(Boolean, server_default=text("false"))
    name: Named[str | None] = Column(Text)
    image: Named[str | None] = Column(Text)
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)
    updated_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


class SeedSessionColumns(TypedColumns):
    """Columns of the seed's `sessions`."""

    id: Named[str] = Column(Text, primary_key=True)
    user_id: Named[str] = Column(Text, nullable=False)
    expires_at: Named[datetime] = Column(TIMESTAMP, nullable=False)
    created_at: Named[datetime] = Column(TIMESTAMP, nullable=False, server_default=NOW)


class SeedSchema(base.Schema):
    """The seed's tables. The access layer needs the hardened ones; migrations lead there."""

    edition: ClassVar[base.Edition] = "seed"
    personal = SEED_PERSONAL

    users = TableDef("users", SeedUserColumns, (unique("email"),))
    sessions = TableDef(
        "sessions",
        SeedSessionColumns,
        (foreign_key("user_id", references="users", on_delete="cascade", cut_name=True),),
    )

    def __init__(self, prefix: str = "") -> None:
        super().__init__(prefix)
