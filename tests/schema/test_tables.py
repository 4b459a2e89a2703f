"""table_creator and Schema: prefixes, extension, no state that two schemas share."""

import asyncpg
import msgspec
import pytest
from examples.extending.app_schema import AppSchema, AppUser, NewAppUser
from sqlalchemy import (
    Column,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Named,
    String,
    Table,
    Text,
    TypedColumns,
    UniqueConstraint,
)

from chatkeep.errors import ConfigError
from chatkeep.inputs.deepsearch import NewUser
from chatkeep.presets import deepsearch, maps
from chatkeep.records.deepsearch import Source, User
from chatkeep.schema.ddl import create_statements
from chatkeep.schema.tables import table_creator
from chatkeep.schema.types import Json


class NoteColumns(TypedColumns):
    id: Named[int] = Column(Integer, Identity(), primary_key=True)
    user_id: Named[str] = Column(String(255), index=True, nullable=False)
    text: Named[str] = Column(Text, unique=True)


def test_table_creator_prefixes_and_names_like_drizzle():
    schema = deepsearch.schema(prefix="p_")
    create = table_creator("p_", schema.metadata)

    class LinkedColumns(NoteColumns):
        chat_id: Named[str] = Column(ForeignKey(schema.chats.c.id, ondelete="CASCADE"))

    table = create("note", LinkedColumns, UniqueConstraint("user_id", "text"), append_only=True)
    assert table.name == "p_note"
    assert table.info == {"append_only": True}
    assert {str(c.name) for c in table.constraints} == {
        "None",
        "p_note_text_unique",
        "p_note_user_id_text_unique",
        "p_note_chat_id_p_chat_id_fk",
    }
    assert {str(index.name) for index in table.indexes} == {"p_note_user_id_idx"}


def test_table_creator_makes_a_metadata_of_its_own_unless_given_one():
    one, two = table_creator("x_"), table_creator("x_")
    assert one("note", NoteColumns).metadata is not two("note", NoteColumns).metadata


async def test_names_over_63_bytes_of_a_users_own_table_are_shortened(database_url: str):
    metadata = MetaData()
    create = table_creator("p" * 50, metadata)

    class Columns(TypedColumns):
        id: Named[int] = Column(Integer, Identity(), primary_key=True)
        a_column_with_a_name: Named[str] = Column(Text, index=True, unique=True)

    create("note", Columns)
    connection = await asyncpg.connect(database_url)
    await connection.execute(";".join(create_statements(metadata)))
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    )
    await connection.close()
    assert all(len(row["relname"]) <= 63 for row in rows)


def test_presets_and_prefixes_share_nothing():
    one, two, other = deepsearch.schema("a_"), deepsearch.schema("b_"), maps.schema()
    assert one.users.name == "a_user"
    assert two.users.name == "b_user"
    assert not set(one.metadata.tables) & set(two.metadata.tables)
    assert set(other.metadata.tables) == {"users", "sessions", "accounts", "verifications"}


def test_table_name_takes_the_name_without_prefix():
    assert deepsearch.schema("a_").table_name("message") == "a_message"


def test_an_extended_schema_has_its_column_its_table_and_its_classes():
    schema = AppSchema(prefix="x_")
    assert list(schema.users.c.keys())[-1] == "home_city"
    assert schema.itineraries.name == "x_itinerary"
    assert isinstance(schema.chats, Table)
    assert schema.records["users"] is AppUser
    assert schema.inputs["users"] is NewAppUser
    assert schema.records["chats"] is deepsearch.schema().records["chats"]


def test_extending_leaves_the_preset_alone():
    assert "home_city" not in deepsearch.schema().users.c
    assert "itineraries" not in deepsearch.schema().tables


def test_the_transition_of_an_extended_schema_holds_what_was_added():
    """Else the first stage would drop an application's own tables."""
    tables = AppSchema(prefix="x_").transition_metadata().tables
    assert "x_itinerary" in tables
    assert "home_city" in tables["x_user"].c
    assert tables["x_message"].c.user_id.nullable


def test_extending_with_a_stranger_is_refused():
    with pytest.raises(ConfigError, match="not a subclass"):
        deepsearch.Schema.users.extend(NoteColumns)


def test_brackets_that_differ_from_the_table_are_refused():
    with pytest.raises(ConfigError, match="record of users is User"):

        class Wrong(deepsearch.Schema[AppUser, NewUser]):
            pass


def test_brackets_with_the_presets_own_classes_are_fine():
    class Same(deepsearch.Schema[User, NewUser]):
        pass

    assert Same().users.name == "ai-app-template_user"


def test_json_columns_read_and_write_records():
    kind = Json[list[Source]](list[Source])
    stored = kind.process_bind_param([Source("T", "u", "S")], None)
    assert stored == [{"title": "T", "url": "u", "snippet": "S"}]
    assert kind.process_result_value(stored, None) == [Source("T", "u", "S")]
    assert kind.process_result_value(None, None) is None
    with pytest.raises(msgspec.ValidationError):
        kind.process_result_value([{"title": 1}], None)
