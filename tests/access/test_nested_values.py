"""A value that comes through a relation is the one that comes with the column itself."""

import dataclasses
import datetime as dt
import enum
import math
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec
import pydantic
import pytest
import pytest_asyncio
from sqlalchemy import (
    ARRAY,
    REAL,
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Enum,
    Float,
    Identity,
    Integer,
    Interval,
    LargeBinary,
    Named,
    Numeric,
    SmallInteger,
    String,
    Text,
    Time,
    TypedColumns,
    TypeDecorator,
    Uuid,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import INET, JSONB

from chatkeep import ConfigError, Database, NewUser, StoredDataError, nested
from chatkeep.database.creation import create_tables
from chatkeep.engine.compile import DIALECT
from chatkeep.presets import deepsearch
from chatkeep.records.base import Record
from chatkeep.records.deepsearch import Source
from chatkeep.schema.parts import foreign_key
from chatkeep.schema.tables import TableDef
from chatkeep.schema.types import Json
from fixtures.servers import Databases, PgServer


class Color(enum.Enum):
    RED = "r"
    BLUE = "b"


class Level(enum.StrEnum):
    LOW = "low"
    HIGH = "high"


class Reversed(TypeDecorator[str]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return None if value is None else value[::-1]

    def process_result_value(self, value, dialect):
        return None if value is None else value[::-1]


class FirstOf(TypeDecorator[str]):
    impl = JSONB
    cache_ok = True

    def process_result_value(self, value, dialect):
        return None if value is None else value[0]


class ValueColumns(TypedColumns):
    id: Named[int] = Column(Integer, Identity(), primary_key=True)
    user_id: Named[str] = Column(String(255), nullable=False)
    flag: Named[bool | None] = Column(Boolean)
    small: Named[int | None] = Column(SmallInteger)
    big: Named[int | None] = Column(BigInteger)
    real: Named[float | None] = Column(REAL)
    float4: Named[float | None] = Column(Float(20))
    double: Named[float | None] = Column(Double)
    number: Named[Decimal | None] = Column(Numeric)
    short_number: Named[Decimal | None] = Column(Numeric(20, 4))
    text: Named[str | None] = Column(Text)
    at: Named[dt.datetime | None] = Column(TIMESTAMP(timezone=True))
    local_at: Named[dt.datetime | None] = Column(TIMESTAMP)
    day: Named[dt.date | None] = Column(Date)
    time: Named[dt.time | None] = Column(Time)
    zoned_time: Named[dt.time | None] = Column(Time(timezone=True))
    span: Named[dt.timedelta | None] = Column(Interval)
    data: Named[bytes | None] = Column(LargeBinary)
    uuid: Named[UUID | None] = Column(Uuid)
    uuid_text: Named[str | None] = Column(Uuid(as_uuid=False))
    words: Named[list[str] | None] = Column(ARRAY(Text))
    numbers: Named[list[int] | None] = Column(ARRAY(BigInteger))
    grid: Named[list[list[int]] | None] = Column(ARRAY(Integer, dimensions=2))
    amounts: Named[list[Decimal] | None] = Column(ARRAY(Numeric))
    reals: Named[list[float] | None] = Column(ARRAY(REAL))
    times: Named[list[dt.datetime] | None] = Column(ARRAY(TIMESTAMP(timezone=True)))
    word: Named[str | None] = Column(Enum("one", "two", name="value_word"))
    color: Named[Color | None] = Column(Enum(Color, name="value_color"))
    level: Named[str | None] = Column(Text)
    any_json: Named[Any] = Column(JSONB, nullable=True)
    sources: Named[list[Source] | None] = Column(Json[list[Source]](list[Source]))
    turned: Named[str | None] = Column(Reversed)
    loose_number: Named[float | None] = Column(Numeric(asdecimal=False))
    documents: Named[list[Any] | None] = Column(ARRAY(JSONB))
    colors: Named[list[Color] | None] = Column(ARRAY(Enum(Color, name="value_color")))
    zoned_times: Named[list[dt.time] | None] = Column(ARRAY(Time(timezone=True)))
    turned_json: Named[str | None] = Column(FirstOf)
    address: Named[Any] = Column(INET, nullable=True)
    blobs: Named[list[bytes] | None] = Column(ARRAY(LargeBinary))


ANNOTATIONS: dict[str, Any] = {
    "id": int,
    "flag": bool | None,
    "small": int | None,
    "big": int | None,
    "real": float | None,
    "float4": float | None,
    "double": float | None,
    "number": Decimal | None,
    "short_number": Decimal | None,
    "text": str | None,
    "at": dt.datetime | None,
    "local_at": dt.datetime | None,
    "day": dt.date | None,
    "time": dt.time | None,
    "zoned_time": dt.time | None,
    "span": dt.timedelta | None,
    "data": bytes | None,
    "uuid": UUID | None,
    "uuid_text": str | None,
    "words": list[str | None] | None,
    "numbers": list[int | None] | None,
    "grid": list[list[int]] | None,
    "amounts": list[Decimal] | None,
    "reals": list[float] | None,
    "times": list[dt.datetime] | None,
    "word": Literal["one", "two"] | None,
    "color": Color | None,
    "level": Level | None,
    "any_json": Any,
    "sources": list[Source] | None,
    "turned": str | None,
    "loose_number": float | None,
    "documents": list[Any] | None,
    "colors": list[Color | None] | None,
    "zoned_times": list[dt.time] | None,
    "turned_json": str | None,
}

# Each value as PostgreSQL reads it, in a row of its own.
VALUES: dict[str, list[str]] = {
    "flag": ["true", "false"],
    "small": ["-32768", "32767"],
    "big": ["9223372036854775807", "-9223372036854775808", "0"],
    "real": ["0.1", "3.4028235e38", "1e-45", "16777217"],
    "float4": ["0.3"],
    "double": ["0.1", "1.7976931348623157e308", "5e-324", "-0", "12345678901234567", "1e16"],
    "number": [
        "12345678901234567890.123456789012345678901234567890",
        "1.50",
        "-0.0000000000000000000000000000000001",
        "100000000000000000000000000000000000000000",
    ],
    "short_number": ["1.5"],
    "text": ["", 'it\'s "quoted" \\ back', "line\nbreak\ttab \x01\x1f", "日本語 😀 \u2028", "null"],
    "at": [
        "2026-01-02 03:04:05.123456+00",
        "2026-07-02 03:04:05.000001+05:30",
        "infinity",
        "-infinity",
        "0001-01-01 00:00:00+00",
        "1883-11-18 12:03:58+00",
    ],
    "local_at": ["2026-01-02 03:04:05.123456", "infinity", "-infinity"],
    "day": ["2026-02-28", "infinity", "-infinity"],
    "time": ["23:59:59.999999", "00:00:00"],
    "zoned_time": ["12:00:00+00", "12:00:00.5-03:30"],
    "span": [
        "1 day 02:03:04.567891",
        "-1 day -00:00:00.000001",
        "1 year 2 months 3 days",
        "-14 months 5 days",
        "1000 hours",
        "0",
        "-3 days 10:00:00",
    ],
    "data": ["\\x", "\\x00ff10", "\\x" + "ab" * 200],
    "uuid": ["0189dcd5-5311-7d40-8db0-9496a2eef37b"],
    "uuid_text": ["0189dcd5-5311-7d40-8db0-9496a2eef37b"],
    "words": ["{}", '{a,NULL,"NULL","it\'s, \\"q\\""}', "[5:6]={x,y}"],
    "numbers": ["{}", "{9223372036854775807,NULL,-1}"],
    "grid": ["{{1,2},{3,4}}"],
    "amounts": ["{1.50,12345678901234567890.1}"],
    "reals": ["{0.1,0.3}"],
    "times": ["{2026-01-02 03:04:05.123456+05}"],
    "word": ["one"],
    "color": ["RED", "BLUE"],
    "level": ["low", "high"],
    "any_json": ['{"a": [1, 2.5, null, "x"], "big": 123456789012345678901234567890}', "null", '""'],
    "sources": ['[{"title": "t", "url": "u", "snippet": "s\\n"}]', "[]"],
    "turned": ["abc"],
    "loose_number": ["0.1", "12345678901234567890.5"],
    "documents": ['{"{\\"a\\": 1.50}",NULL,"null","[]"}', "{}"],
    "colors": ["{RED,NULL,BLUE}"],
    "zoned_times": ["{12:00:00+00,01:00:00.5-03:30}"],
    "turned_json": ['["x", 2]'],
}


class ValueSchema(deepsearch.Schema):
    values = TableDef(
        "value",
        ValueColumns,
        (foreign_key("user_id", references="users", on_delete="cascade"),),
    )


SCHEMA = ValueSchema(prefix="v_")


def fields_of(names: list[str]) -> list[tuple[str, Any]]:
    return [(name, ANNOTATIONS[name]) for name in names]


def a_struct(names: list[str]) -> type[Any]:
    return msgspec.defstruct("Struct", fields_of(names))


def a_camel_record(names: list[str]) -> type[Any]:
    return msgspec.defstruct("Camel", fields_of(names), bases=(Record,), rename="camel")


def an_array_like_struct(names: list[str]) -> type[Any]:
    return msgspec.defstruct("Arrayed", fields_of(names), array_like=True)


def a_keyword_struct(names: list[str]) -> type[Any]:
    return msgspec.defstruct("Keywords", fields_of(names)[::-1], kw_only=True)


def a_dataclass(names: list[str]) -> type[Any]:
    return dataclasses.make_dataclass("Data", fields_of(names), frozen=True, slots=True)


def a_model(names: list[str]) -> type[Any]:
    fields: dict[str, Any] = {
        name: (type_, pydantic.Field(alias=f"{name}Alias")) for name, type_ in fields_of(names)
    }
    return pydantic.create_model("Model", **fields)


KINDS: list[Callable[[list[str]], type[Any]]] = [
    a_struct,
    a_camel_record,
    an_array_like_struct,
    a_keyword_struct,
    a_dataclass,
    a_model,
]


@pytest_asyncio.fixture(loop_scope="session")
async def db(
    pg: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[Database]:
    url = await fresh_database(pg)()
    connection = await asyncpg.connect(url)
    await connection.execute("create type value_word as enum ('one', 'two')")
    await connection.execute("create type value_color as enum ('RED', 'BLUE')")
    await create_tables(SCHEMA, url)
    async with Database(SCHEMA, url) as opened:
        user = await opened.users.create(NewUser(email="user@example.com"))
        for column, texts in VALUES.items():
            type_ = str(SCHEMA.values.c[column].type.compile(dialect=DIALECT))
            for text in [*texts, None]:
                await connection.execute(
                    f'insert into v_value (user_id, "{column}")'
                    f" values ($1, cast(cast($2 as text) as {type_}))",
                    user.id,
                    text,
                )
        await connection.close()
        yield opened


def plainly(value: Any) -> Any:
    """Take away what two equal values may show: the driver's UUIDs are of a class of their own."""
    if isinstance(value, UUID):
        return UUID(int=value.int)
    return f"{value:f}" if isinstance(value, Decimal) else value  # 1.0E+41 is written out


def told(row: Any, names: list[str]) -> dict[str, str]:
    values = {name: getattr(row, name) for name in names}
    if (at := values.get("at")) is not None:
        values["at"] = at.replace(tzinfo=at.tzinfo or dt.UTC)  # the driver's infinity has no zone
    return {name: f"{_kind(value)} {plainly(value)!r}" for name, value in values.items()}


def _kind(value: Any) -> str:
    return "UUID" if isinstance(value, UUID) else type(value).__name__


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_every_type_comes_through_a_relation_as_it_comes_by_itself(
    db: Database, kind: Callable[[list[str]], type[Any]]
) -> None:
    """All columns at once, which keeps msgspec from making the objects itself, and one by one."""
    for names in [list(ANNOTATIONS), *(["id", name] for name in VALUES)]:
        child = kind(names)
        tree = msgspec.defstruct("Tree", [("id", str), ("values", list[child])])
        if kind is a_model:
            tree = pydantic.create_model("Tree", id=str, values=list[child])
        columns = [SCHEMA.values.c[name] for name in names]
        alone = await db.all(select(*columns).order_by(SCHEMA.values.c.id), into=child)
        found = await db.one(nested(SCHEMA.users, into=tree))
        assert len(alone) == sum(len(texts) + 1 for texts in VALUES.values())
        assert all(type(value) is child for value in found.values)
        for one, other in zip(alone, found.values, strict=True):
            # JSON writes a negative zero as -0, which is read as the number 0.
            assert told(other, names) == {
                name: "float 0.0" if text == "float -0.0" else text
                for name, text in told(one, names).items()
            }


async def test_a_decimal_that_is_no_number_comes_through(db: Database) -> None:
    class Child(msgspec.Struct):
        number: Decimal | None

    user = await db.one(select(SCHEMA.users.c.id))
    added = insert(SCHEMA.values).values(user_id=user[0], number=Decimal("NaN"))
    await db.execute(added)
    tree = msgspec.defstruct("Tree", [("values", list[Child])])
    found = await db.one(nested(SCHEMA.users, into=tree))
    assert any(value.number is not None and value.number.is_nan() for value in found.values)


async def test_a_float_that_is_no_number_is_refused_not_guessed(db: Database) -> None:
    class Child(msgspec.Struct):
        double: float | None

    user = await db.one(select(SCHEMA.users.c.id))
    await db.execute(insert(SCHEMA.values).values(user_id=user[0], double=math.inf))
    tree = msgspec.defstruct("Tree", [("values", list[Child])])
    with pytest.raises(StoredDataError, match="the relation values"):
        await db.one(nested(SCHEMA.users, into=tree))


async def test_what_has_no_exact_form_is_refused_when_it_is_prepared(db: Database) -> None:
    class Child(msgspec.Struct):
        address: Any

    tree = msgspec.defstruct("Tree", [("values", list[Child])])
    with pytest.raises(ConfigError, match=r"values: Child\.address.*INET.*cannot be loaded"):
        db.prepare(nested(SCHEMA.users, into=tree))
    blobs = msgspec.defstruct("Blobs", [("blobs", list[bytes] | None)])
    with_blobs = msgspec.defstruct("Tree", [("values", list[blobs])])
    with pytest.raises(ConfigError, match=r"values: Blobs\.blobs.*cannot be loaded"):
        db.prepare(nested(SCHEMA.users, into=with_blobs))
    db.prepare(nested(SCHEMA.values, into=Child))


async def test_top_level_values_are_read_as_in_any_statement(db: Database) -> None:
    names = list(ANNOTATIONS)
    child = a_struct(names)
    alone = await db.all(
        select(*(SCHEMA.values.c[name] for name in names)).order_by(SCHEMA.values.c.id), into=child
    )
    found = await db.all(nested(SCHEMA.values, into=child))
    assert [told(row, names) for row in found] == [told(row, names) for row in alone]
