"""A schema that an application extends: types follow from its classes."""

from typing import assert_type

from examples.extending.app_schema import AppSchema, AppUserColumns, ItineraryColumns
from sqlalchemy import Column, Select, Table, select

from chatkeep.presets import deepsearch

schema = AppSchema(prefix="x_")

assert_type(schema.users, Table[AppUserColumns])
assert_type(schema.itineraries, Table[ItineraryColumns])
assert_type(schema.chats, Table[deepsearch.ChatColumns])
assert_type(schema.users.c.home_city, Column[str | None])
assert_type(schema.users.c.email, Column[str])
assert_type(select(schema.users.c.id, schema.users.c.home_city), Select[str, str | None])
assert_type(select(schema.itineraries.c.title), Select[str])
