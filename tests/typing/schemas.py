"""Types of the presets' tables and of what is selected from them."""

from datetime import datetime
from typing import assert_type

from sqlalchemy import Column, Select, Table, select

from chatkeep.presets import deepsearch, maps
from chatkeep.records.deepsearch import MessageMetadata, Source

schema = deepsearch.schema(prefix="x_", seed_writers=True)
seed = deepsearch.schema(edition="seed")
better = maps.schema()

assert_type(schema, deepsearch.Schema)
assert_type(seed, deepsearch.SeedSchema)
assert_type(better, maps.Schema)
assert_type(maps.schema(edition="seed"), maps.SeedSchema)
assert_type(schema.users, Table[deepsearch.UserColumns])
assert_type(schema.users.c.name, Column[str | None])
assert_type(select(schema.users.c.id, schema.users.c.name), Select[str, str | None])
assert_type(select(schema.messages.c.sources), Select[list[Source] | None])
assert_type(select(schema.messages.c.metadata), Select[MessageMetadata | None])
assert_type(select(schema.messages.c.seq, schema.messages.c.user_id), Select[int, str])
assert_type(select(better.users.c.email_verified), Select[bool])
assert_type(select(better.sessions.c.expires_at), Select[datetime])
