"""The tables of the application: those of Better Auth, and one of its own.

`front/tables.ts`, by which Better Auth knows them, is written from here:
`chatkeep auth better-auth config --out front/tables.ts`.
"""

from datetime import datetime

from sqlalchemy import TIMESTAMP, Column, Named, Text, TypedColumns, text

from chatkeep.presets import maps
from chatkeep.records.base import Record
from chatkeep.schema.parts import foreign_key, index
from chatkeep.schema.tables import TableDef


class PlaceColumns(TypedColumns):
    id: Named[str] = Column(Text, primary_key=True)
    user_id: Named[str] = Column(Text, nullable=False)
    name: Named[str] = Column(Text, nullable=False)
    created_at: Named[datetime] = Column(
        TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")
    )


class Place(Record, rename="camel"):
    """A place on the map that a user keeps."""

    id: str
    user_id: str
    name: str
    created_at: datetime


class AppSchema(maps.Schema):
    places = TableDef(
        "places",
        PlaceColumns,
        (foreign_key("user_id", references="users", on_delete="cascade"), index("user_id", "id")),
        record=Place,
        append_only=True,
        summary="A place on the map that a user keeps.",
    )


schema = AppSchema()
