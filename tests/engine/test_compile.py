"""Core statements to SQL with `$n`."""

import msgspec
import pytest
from sqlalchemy import Column, Enum, Integer, MetaData, String, Table, bindparam, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from chatkeep.engine.compile import compile_statement, reader_of
from chatkeep.errors import ConfigError, InvalidInputError

NOTES = Table(
    "my-notes",
    MetaData(),
    Column("id", String(20), primary_key=True),
    Column("body", JSONB),
    Column("state", Enum("open", "done", name="state")),
)


def test_a_parameter_used_twice_is_one_dollar() -> None:
    clause = select(NOTES.c.id).where(NOTES.c.id == bindparam("id"), NOTES.c.id != bindparam("id"))
    statement = compile_statement("notes.find", clause)
    assert statement.sql.count("$1") == 2
    assert statement.arguments({"id": "a"}) == ["a"]


def test_arguments_stand_in_the_order_of_the_sql_not_of_the_call() -> None:
    clause = (
        select(NOTES.c.id)
        .where(NOTES.c.id == bindparam("id"))
        .limit(bindparam("limit", type_=Integer))
    )
    assert compile_statement("notes.list", clause).arguments({"limit": 3, "id": "a"}) == ["a", 3]


def test_a_constant_of_the_statement_is_a_parameter_too() -> None:
    statement = compile_statement("notes.find", select(NOTES.c.id).where(NOTES.c.id == "it's"))
    assert "it's" not in statement.sql
    assert statement.arguments({}) == ["it's"]


def test_a_list_of_constants_is_spread() -> None:
    statement = compile_statement(
        "notes.find", select(NOTES.c.id).where(NOTES.c.id.in_(["a", "b"]))
    )
    assert statement.arguments({}) == ["a", "b"]


def test_a_list_of_constants_stands_beside_a_value_of_the_call() -> None:
    clause = select(NOTES.c.id).where(NOTES.c.id.in_(["a", "b"]), NOTES.c.id != bindparam("other"))
    statement = compile_statement("notes.find", clause)
    assert sorted(map(str, statement.arguments({"other": "c"}))) == ["a", "b", "c"]


def test_a_list_known_only_at_the_call_is_refused_with_what_to_write() -> None:
    clause = select(NOTES.c.id).where(NOTES.c.id.in_(bindparam("ids", expanding=True)))
    with pytest.raises(ConfigError, match="any_"):
        compile_statement("notes.find", clause)


def test_a_missing_parameter_is_named() -> None:
    statement = compile_statement("notes.find", select(NOTES).where(NOTES.c.id == bindparam("id")))
    with pytest.raises(InvalidInputError, match=r"notes\.find.*'id'") as caught:
        statement.arguments({})
    assert caught.value.field == "id"


def test_an_unknown_parameter_is_named() -> None:
    statement = compile_statement("notes.find", select(NOTES).where(NOTES.c.id == bindparam("id")))
    with pytest.raises(InvalidInputError, match="no parameter 'idd'"):
        statement.check_names({"idd": 1})


def test_json_is_encoded_and_none_is_null() -> None:
    clause = insert(NOTES).values(id=bindparam("id"), body=bindparam("body"))
    statement = compile_statement("notes.create", clause)
    assert statement.arguments({"id": "a", "body": {"k": [1]}}) == ["a", '{"k":[1]}']
    assert statement.arguments({"id": "a", "body": None}) == ["a", None]


def test_names_are_quoted_where_they_must_be() -> None:
    assert '"my-notes"' in compile_statement("notes.list", select(NOTES.c.id)).sql


def test_json_is_read_straight_into_its_type() -> None:
    class Body(msgspec.Struct):
        k: int

    read = reader_of(JSONB(), Body)
    assert read is not None
    assert read('{"k": 1}') == Body(k=1)


def test_a_type_that_the_driver_speaks_needs_no_reader() -> None:
    assert reader_of(String(20), str) is None
