"""DeepSearch with a column and a table of the application's own.

cd examples/extending
chatkeep schema sql --schema app_schema:schema
chatkeep schema docs --schema app_schema:schema
"""

from datetime import datetime

from sqlalchemy import (
    TIMESTAMP,
    Column,
    Named,
    String,
    Text,
    TypedColumns,
    text,
)

from chatkeep.inputs.base import Input
from chatkeep.inputs.deepsearch import NewUser, UserChanges
from chatkeep.inputs.fields import Id
from chatkeep.presets import deepsearch
from chatkeep.records.base import Record
from chatkeep.records.deepsearch import User
from chatkeep.schema.parts import foreign_key, index
from chatkeep.schema.tables import TableDef


# A column more for users: in the table, in what is read, and in what can be written.
class AppUserColumns(deepsearch.UserColumns):
    home_city: Named[str | None] = Column(Text)


class AppUser(User):
    home_city: str | None = None


class NewAppUser(NewUser):
    home_city: str | None = None


class AppUserChanges(UserChanges):
    home_city: str | None = None


# A table more.
class ItineraryColumns(TypedColumns):
    id: Named[str] = Column(String(255), primary_key=True)
    user_id: Named[str] = Column(String(255), nullable=False)
    title: Named[str] = Column(Text, nullable=False)
    created_at: Named[datetime] = Column(
        TIMESTAMP(timezone=True), nullable=False, server_default=text("CURRENT_TIMESTAMP")
    )
    updated_at: Named[datetime] = Column(
        TIMESTAMP(timezone=True), nullable=False, server_default=text("CURRENT_TIMESTAMP")
    )


class Itinerary(Record, rename="camel"):
    id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime


class NewItinerary(Input):
    id: Id
    user_id: Id
    title: str


class AppSchema(deepsearch.Schema[AppUser, NewAppUser]):
    users = deepsearch.Schema.users.extend(
        AppUserColumns, record=AppUser, new=NewAppUser, changes=AppUserChanges
    )
    itineraries = TableDef(
        "itinerary",
        ItineraryColumns,
        (
            foreign_key("user_id", references="users", on_delete="cascade"),
            index("user_id", "created_at"),
        ),
        record=Itinerary,
        new=NewItinerary,
        summary="A journey that a user plans.",
    )


schema = AppSchema(prefix="travel_")
