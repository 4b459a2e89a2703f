"""The conventions: kept by the hardened tables, broken by the seeds in known places."""

import pytest
from examples.extending.app_schema import AppSchema
from sqlalchemy import (
    JSON,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chatkeep.presets import deepsearch, maps
from chatkeep.schema.conventions import RULES, check_conventions

P = "ai-app-template_"
FK = f"_user_id_{P}user_id_fk"


@pytest.mark.parametrize(
    "schema", [deepsearch.schema(), maps.schema(), deepsearch.schema("x_"), AppSchema("y_")]
)
def test_hardened_tables_keep_them_all(schema):
    assert check_conventions(schema.metadata, prefix=schema.prefix) == []


def test_breaches_of_the_deepsearch_seed():
    schema = deepsearch.schema(edition="seed")
    found = check_conventions(schema.metadata, prefix=schema.prefix)
    assert [(b.table.removeprefix(P), b.column, b.rule) for b in found] == [
        ("account", None, "created_at"),
        ("account", None, "updated_at"),
        ("account", f"{P}account{FK}", "foreign_key_rule"),
        ("message", "sources", "jsonb"),
        ("message", "metadata", "jsonb"),
        ("message", None, "updated_at"),
        ("search_cache", "id", "serial"),
        ("search_cache", "results", "jsonb"),
        ("search_cache", None, "updated_at"),
        ("session", None, "created_at"),
        ("session", None, "updated_at"),
        ("session", f"{P}session{FK}", "foreign_key_rule"),
        ("user", None, "created_at"),
        ("user", None, "updated_at"),
        ("user_settings", f"{P}user_settings{FK}"[:63], "name_length"),
        ("user_settings", None, "created_at"),
        ("verification_token", None, "created_at"),
        ("verification_token", None, "updated_at"),
    ]


def test_breaches_of_the_maps_seed():
    found = check_conventions(maps.schema(edition="seed").metadata)
    assert [(b.table, b.column, b.rule) for b in found] == [
        ("sessions", "expires_at", "time_zone"),
        ("sessions", "created_at", "time_zone"),
        ("sessions", None, "updated_at"),
        ("sessions", "sessions_user_id_users_id_fk", "foreign_key_index"),
        ("users", "email_verified", "boolean"),
        ("users", "created_at", "time_zone"),
        ("users", "updated_at", "time_zone"),
    ]


def rules_of(*items, name: str = "note", **info: bool) -> list[tuple[str | None, str]]:
    """Breaches of a table that would be fine without `items`."""
    metadata = MetaData()
    time = TIMESTAMP(timezone=True)
    Table("other", metadata, Column("id", BigInteger, primary_key=True, autoincrement=False))
    Table(
        name, metadata, Column("id", Text, primary_key=True), Column("created_at", time),
        Column("updated_at", time), *items, info=info,
    )  # fmt: skip
    return [(b.column, b.rule) for b in check_conventions(metadata) if b.table == name]


def to_other(name: str = "other_id", **options) -> Column:
    return Column(name, ForeignKey("other.id", name="fk", **options))


def test_a_plain_table_is_fine():
    assert rules_of(Column("open", Boolean, nullable=False, server_default=text("false"))) == []


@pytest.mark.parametrize(
    ("item", "breach"),
    [
        (Column("camelCase", Text), ("camelCase", "snake_case")),
        (Column("a__b", Text), ("a__b", "snake_case")),
        (Column("x" * 64, Text), ("x" * 64, "name_length")),
        (Column("at", TIMESTAMP), ("at", "time_zone")),
        (Column("data", JSON), ("data", "jsonb")),
        (Column("open", Boolean, nullable=False), ("open", "boolean")),
        (Column("open", Boolean, server_default=text("false")), ("open", "boolean")),
    ],
)
def test_a_column_that_breaks_a_rule_is_named(item, breach):
    assert rules_of(item) == [breach]


def test_jsonb_is_fine():
    assert rules_of(Column("data", JSONB)) == []


def test_a_foreign_key_without_index_and_rule_is_named_twice():
    assert rules_of(to_other()) == [("fk", "foreign_key_index"), ("fk", "foreign_key_rule")]


def test_an_index_that_begins_with_the_columns_covers_a_foreign_key():
    assert rules_of(to_other(ondelete="CASCADE"), Index("i", "other_id", "created_at")) == []


def test_an_index_that_holds_them_later_or_only_some_rows_does_not():
    later = Index("i", "created_at", "other_id")
    partial = Index("j", "other_id", postgresql_where=text("other_id > 3"))
    found = rules_of(to_other(ondelete="CASCADE"), later, partial)
    assert found == [("fk", "foreign_key_index")]


def test_a_table_whose_rows_never_change_needs_no_updated_at():
    metadata = MetaData()
    time = Column("created_at", TIMESTAMP(timezone=True))
    Table("log", metadata, Column("id", Text, primary_key=True), time, info={"append_only": True})
    assert check_conventions(metadata) == []


def test_a_table_without_primary_key_and_with_a_serial_is_named():
    metadata = MetaData()
    Table("bare", metadata, Column("x", Text), info={"append_only": True})
    Table("numbered", metadata, Column("id", Integer, primary_key=True))
    rules = {(b.table, b.rule) for b in check_conventions(metadata)}
    assert {("bare", "primary_key"), ("numbered", "serial")} <= rules


def test_every_message_says_what_to_do_and_every_rule_is_written_down():
    for schema in (deepsearch.schema(edition="seed"), maps.schema(edition="seed")):
        for breach in check_conventions(schema.metadata, prefix=schema.prefix):
            assert breach.rule in RULES
            assert breach.message.endswith(".")
