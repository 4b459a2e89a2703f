"""A schema that an application extends: types follow from its classes."""

from typing import assert_type

from sqlalchemy import Column, Named, Select, String, Table, Text, TypedColumns, select

from chatkeep.inputs.deepsearch import NewUser
from chatkeep.presets import deepsearch
from chatkeep.records.deepsearch import User
from chatkeep.schema.parts import foreign_key, index
from chatkeep.schema.tables import TableDef


class AppUserColumns(deepsearch.UserColumns):
    home_city: Named[str | None] = Column(Text)


class ItineraryColumns(TypedColumns):
    id: Named[str] = Column(String(255), primary_key=True)
    user_id: Named[str] = Column(String(255), nullable=False)
    title: Named[str] = Column(Text, nullable=False)


class AppUser(User):
    home_city: str | None = None


class NewAppUser(NewUser):
    home_city: str | None = None


class AppSchema(deepsearch.Schema[AppUser, NewAppUser]):
    users = deepsearch.Schema.users.extend(AppUserColumns, record=AppUser, new=NewAppUser)
    itineraries = TableDef(
        "itinerary",
        ItineraryColumns,
        (foreign_key("user_id", references="users", on_delete="cascade"), index("user_id")),
    )


schema = AppSchema(prefix="x_")

assert_type(schema.users, Table[AppUserColumns])
assert_type(schema.itineraries, Table[ItineraryColumns])
assert_type(schema.chats, Table[deepsearch.ChatColumns])
assert_type(schema.users.c.home_city, Column[str | None])
assert_type(schema.users.c.email, Column[str])
assert_type(select(schema.users.c.id, schema.users.c.home_city), Select[str, str | None])
assert_type(select(schema.itineraries.c.title), Select[str])
