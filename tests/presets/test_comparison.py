"""Records, inputs, tables and the seeds' TypeScript say the same."""

import re
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import pytest
from annotated_types import MaxLen
from examples.extending.app_schema import AppSchema
from pydantic import StringConstraints
from sqlalchemy import String, Table

from chatkeep.presets import deepsearch, maps
from chatkeep.records import deepsearch as records
from chatkeep.schema.schema import Schema

GOLDEN = Path(__file__).resolve().parents[1] / "golden/drizzle"
SCHEMAS: dict[str, Schema[Any, Any, Any, Any]] = {
    "deepsearch": deepsearch.schema(),
    "maps": maps.schema(),
    "extended": AppSchema(prefix="x_"),
}
TABLES = [(name, table) for name, schema in SCHEMAS.items() for table in schema.tables]
RECORDS = [(name, table) for name, table in TABLES if table in SCHEMAS[name].records]
# A record shows what a caller asks for; the trash, secrets and how a chat is read stay inside.
INSIDE = {
    "chats": {"is_branched", "deleted_at"},
    "messages": {"deleted_at"},
    "chat_shares": {"token_hash"},
}
# Its pieces are read as text, and who writes an answer is asked by the writers alone.
NO_RECORD = {"message_chunks", "running_answers", "search_days", "search_events"}
SET_BY_THE_DATABASE = {"created_at", "updated_at", "seq"}
# What the call says beside the input, or does of itself.
SET_BY_THE_CALL = {
    "chats": {"user_id", "head", "revision", "is_branched", "deleted_at"},
    "messages": {"user_id", "chat_id", "deleted_at"},
    "message_usage": {"user_id", "message_id", "chat_id"},
    "message_feedback": {"user_id", "message_id"},
    "search_cache": {"id"},
}


def nullable(kind: object) -> bool:
    return get_origin(kind) in {Union, types.UnionType} and type(None) in get_args(kind)


def table_of(schema: str, name: str) -> Table:
    return SCHEMAS[schema].tables[name]


def test_every_table_has_a_record_but_those_that_need_none():
    assert {name for _, name in TABLES} - {name for _, name in RECORDS} == NO_RECORD


@pytest.mark.parametrize(("schema", "name"), RECORDS)
def test_record_has_the_columns_in_their_order(schema: str, name: str):
    record = SCHEMAS[schema].records[name]
    keys = [column.key for column in table_of(schema, name).c]
    shown = [key for key in keys if key not in INSIDE.get(name, ())]
    assert list(record.__struct_fields__) == shown


@pytest.mark.parametrize(("schema", "name"), RECORDS)
def test_record_can_be_none_where_the_column_can_be_null(schema: str, name: str):
    for field in msgspec.structs.fields(SCHEMAS[schema].records[name]):
        if field.type is not Any:
            column = table_of(schema, name).c[field.name]
            assert nullable(field.type) == column.nullable, field.name


@pytest.mark.parametrize(("schema", "name"), [t for t in TABLES if t[1] in SCHEMAS[t[0]].inputs])
def test_input_gives_every_column_that_the_database_does_not(schema: str, name: str):
    columns = set(table_of(schema, name).c.keys()) - SET_BY_THE_DATABASE
    by_the_call = SET_BY_THE_CALL.get(name, set())
    assert by_the_call <= columns
    assert set(SCHEMAS[schema].inputs[name].model_fields) == columns - by_the_call


@pytest.mark.parametrize(("schema", "name"), [t for t in TABLES if t[1] in SCHEMAS[t[0]].changes])
def test_changes_are_columns_and_refuse_null_where_the_column_does(schema: str, name: str):
    for field, info in SCHEMAS[schema].changes[name].model_fields.items():
        column = table_of(schema, name).c[field]
        refuses = any("refuse_none" in str(item) for item in info.metadata)
        assert refuses != column.nullable, field


def max_length(kind: Any, metadata: list[Any]) -> int | None:
    for item in metadata:
        if isinstance(item, StringConstraints | MaxLen) and item.max_length is not None:
            return item.max_length
    for inner in get_args(kind):
        if get_origin(inner) is Annotated:
            found = max_length(inner, list(inner.__metadata__))
            if found is not None:
                return found
    return None


@pytest.mark.parametrize(("schema", "name"), [t for t in TABLES if t[1] in SCHEMAS[t[0]].inputs])
def test_text_is_limited_to_what_its_column_holds(schema: str, name: str):
    for field, info in SCHEMAS[schema].inputs[name].model_fields.items():
        kind = table_of(schema, name).c[field].type
        one_of_a_few = get_origin(info.annotation) is Literal
        if isinstance(kind, String) and kind.length is not None and not one_of_a_few:
            assert max_length(info.annotation, info.metadata) == kind.length, field


def typescript_keys(text: str, table: str) -> list[str]:
    """The keys of one table, in the order of the seed's source."""
    chunks = re.split(r"= (?:createTable|pgTable)\(\s*", text)[1:]
    (chunk,) = [c for c in chunks if re.match(rf"""["']{table}["']""", c)]
    kinds = "varchar|text|timestamp|boolean|integer|json|serial"
    return re.findall(rf"^\s+(\w+): (?:{kinds})\(", chunk, re.MULTILINE)


@pytest.mark.parametrize("name", deepsearch.SeedSchema.definitions)
def test_json_keys_of_deepsearch_are_the_seeds(name: str):
    text = (GOLDEN / "deepsearch/schema/schema3.ts").read_text()
    keys = typescript_keys(text, deepsearch.SeedSchema.definitions[name].name)
    record = SCHEMAS["deepsearch"].records[name]
    fields = {field.name: field.encode_name for field in msgspec.structs.fields(record)}
    seed = deepsearch.schema(edition="seed").tables[name]
    assert [fields[column] for column in list(seed.c.keys())] == keys


@pytest.mark.parametrize("name", maps.SeedSchema.definitions)
def test_json_keys_of_maps_are_the_seeds(name: str):
    text = (GOLDEN / f"maps/schema/{name}.ts").read_text()
    fields = {
        field.name: field.encode_name
        for field in msgspec.structs.fields(SCHEMAS["maps"].records[name])
    }
    seed = maps.schema(edition="seed").tables[name]
    assert [fields[column] for column in list(seed.c.keys())] == typescript_keys(text, name)


@pytest.mark.parametrize("cls", [records.Source, records.MessageMetadata, records.TokenUsage])
def test_json_inside_messages_has_the_seeds_keys(cls: type[msgspec.Struct]):
    text = (GOLDEN / "deepsearch/schema/schema3.ts").read_text()
    keys = [field.encode_name for field in msgspec.structs.fields(cls)]
    assert all(re.search(rf"^\s+{key}\??: ", text, re.MULTILINE) for key in keys)


@pytest.mark.parametrize("name", deepsearch.SeedSchema.definitions)
def test_hardened_tables_begin_with_the_seeds_columns(name: str):
    """So a migrated database and a new one are the same, down to the place of each column."""
    seed = deepsearch.schema(edition="seed").tables[name].c.keys()
    assert SCHEMAS["deepsearch"].tables[name].c.keys()[: len(seed)] == seed
