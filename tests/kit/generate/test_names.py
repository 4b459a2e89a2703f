"""Names over 63 bytes are refused, each with a shorter one that is its own."""

import re

import pytest
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
)

from chatkeep.errors import ConfigError
from chatkeep.kit.build import schema_sql
from chatkeep.kit.declared import Declared, Extra
from chatkeep.kit.lengths import MAX_NAME, shortened

LONG = "n" * 64
CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def table(*parts, name: str = "t", convention: bool = False, **options) -> MetaData:
    metadata = MetaData(naming_convention=CONVENTION) if convention else MetaData()
    Table(name, metadata, Column("id", Integer, primary_key=True), *parts, **options)
    return metadata


CASES = {
    "of table n": table(name=LONG),
    "a database schema": table(schema=LONG),
    "a column of table t": table(Column(LONG, Text)),
    "an index of table t": table(Column("a", Text), Index(LONG, "a")),
    "a constraint of table t (check)": table(CheckConstraint("id > 0", LONG)),
    "a constraint of table t (unique)": table(Column("a", Text), UniqueConstraint("a", name=LONG)),
    "a constraint of table t (reference)": table(Column("a", ForeignKey("t.id", name=LONG))),
    "the type of column t.a": table(Column("a", Enum("x", name=LONG))),
    "the type of column t.a (array)": table(Column("a", ARRAY(Enum("x", name=LONG)))),
    "a label of the type of column t.a": table(Column("a", Enum("x", LONG, name="e"))),
    "the sequence of column t.a": table(Column("a", Integer, Sequence(LONG))),
    "the function": Declared(MetaData(), (Extra("function", f"public.{LONG}(text)", "select 1"),)),
    "the view": Declared(MetaData(), (Extra("view", LONG, "select 1"),)),
}


@pytest.mark.parametrize("what", CASES)
def test_long_name_is_refused_with_a_shorter_one(what):
    with pytest.raises(ConfigError) as caught:
        schema_sql(CASES[what])
    message = str(caught.value)
    assert what.split(" (")[0] in message
    assert "64 bytes" in message
    (proposal,) = re.findall(r'"([^"]+)", for example', message)
    assert len(proposal.encode()) <= MAX_NAME
    assert proposal == shortened(LONG, set())


@pytest.mark.parametrize(
    "parts",
    [
        (Column("a" * 30, Text, index=True),),
        (Column("a" * 30, Text, unique=True),),
        (CheckConstraint("id > 0", "c" * 30),),
        (Column("a" * 30, ForeignKey("t" * 40 + ".id")),),
    ],
)
def test_name_that_a_convention_makes_is_refused_too(parts):
    with pytest.raises(ConfigError, match="A naming convention makes it: give it a name itself"):
        schema_sql(table(*parts, name="t" * 40, convention=True))


def test_all_of_them_are_counted():
    with pytest.raises(ConfigError, match="So it is with 2 more"):
        schema_sql(table(Column("a" * 64, Text), Column("b" * 64, Text), Column("c" * 64, Text)))


def test_shorter_names_are_each_ones_own_and_the_same_each_time():
    names = [f"{'a' * 80}_{number}_id_fk" for number in range(1000)]
    short = [shortened(name, set()) for name in names]
    assert len(set(short)) == 1000
    assert short == [shortened(name, set()) for name in names]
    assert all(len(name) <= MAX_NAME and name.endswith("_fk") for name in short)


def test_shorter_name_that_is_there_is_not_proposed():
    first = shortened(LONG, set())
    second = shortened(LONG, {first})
    assert second != first
    assert len(second.encode()) <= MAX_NAME


def test_letters_of_several_bytes_are_not_broken():
    for count in range(40, 60):
        short = shortened("é" * count + "x" * (count % 3), set())
        assert len(short.encode()) <= MAX_NAME
        assert short.startswith("é" * 20)
