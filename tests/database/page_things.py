"""A table with a column of every type that a page may be ordered by, and values that are hard."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    Double,
    Enum,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.schema import CreateIndex, CreateTable

from chatkeep.engine.compile import DIALECT

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
METADATA = MetaData()
MOOD = Enum("sad", "ok", "glad", name="mood")

# Columns are named after their types. `part` keeps the runs of a test apart.
THINGS = Table(
    "thing",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("part", Integer, nullable=False),
    Column("is_fixed", Boolean, nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", String(40), nullable=False),
    Column("uuid", Uuid, nullable=False),
    Column("moment", TIMESTAMP(timezone=True), nullable=False),
    Column("text_", Text),
    Column("big", BigInteger),
    Column("numeric_", Numeric),
    Column("double_", Double),
    Column("flag", Boolean),
    Column("day", Date),
    Column("at", TIMESTAMP(timezone=True)),
    Column("local", TIMESTAMP),
    Column("raw", LargeBinary),
    Column("mood", MOOD),
)

FINITE_END = datetime.max  # noqa: DTZ901 - a time without a zone
TIMES: list[object] = [
    *(NOON + timedelta(microseconds=n) for n in range(4)),
    "infinity",
    "-infinity",
    FINITE_END.replace(tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
]
VALUES: dict[str, list[object]] = {
    "number": [0, 1, 2, -(2**31), 2**31 - 1],
    "name": ["", "a", "A", "b", "ä", "a b", "日本", "\U0001f600"],
    "uuid": [UUID(int=n) for n in (0, 1, 2**64, 2**128 - 1)],
    "moment": TIMES,
    "text_": [None, "", "x", "X", "x\n", "%_\\'\"", "\uffff"],
    "big": [None, 0, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)],
    "numeric_": [
        *(None, Decimal("NaN"), Decimal("Infinity"), Decimal(0), Decimal("1e-30")),
        *(Decimal("0.1"), Decimal("0.10000000000000000001"), Decimal("1e200"), Decimal("-2.50")),
    ],
    "double_": [None, math.nan, math.inf, -math.inf, 0.1, 0.1 + 2**-56, -0.0, 0.0, 5e-324],
    "flag": [None, True, False],
    "day": [None, "infinity", "-infinity", date.max, date.min, date(2026, 11, 21)],
    "at": [None, *TIMES],
    "local": [None, "infinity", "-infinity", FINITE_END, datetime(2026, 1, 1, 0, 0, 0, 1)],  # noqa: DTZ001 - the same
    "raw": [None, b"", b"\x00", b"\xff\x00", b"\xff"],
    "mood": [None, "sad", "ok", "glad"],
}
EXPRESSIONS: list[Callable[[], ColumnElement[Any]]] = [
    lambda: func.lower(THINGS.c.name),
    lambda: func.coalesce(THINGS.c.text_, "m"),
    lambda: THINGS.c.number % 3,
    lambda: THINGS.c.big.is_(None),
    lambda: func.length(THINGS.c.text_),
]


async def create(connection: asyncpg.Connection) -> None:
    """Create the table, with an index for the orders that plans are looked at for."""
    mood = ENUM("sad", "ok", "glad", name="mood")
    names = ", ".join(f"'{name}'" for name in mood.enums)
    await connection.execute(f"create type mood as enum ({names})")
    await connection.execute(str(CreateTable(THINGS).compile(dialect=DIALECT)))
    for index in THINGS.indexes:
        await connection.execute(str(CreateIndex(index).compile(dialect=DIALECT)))


def literal(value: object) -> str:
    """Write a value into SQL: the driver itself cannot send every one of these."""
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"'\\x{value.hex()}'"
        case datetime() | date():
            return f"'{value.isoformat()}'"
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def row(random: Random) -> dict[str, object]:
    """Give a row of hard values, with many ties."""
    return {
        name: random.choice(values[:4] if random.random() < 0.5 else values)
        for name, values in VALUES.items()
    }


def insert(part: int, rows: list[dict[str, object]], *, is_fixed: bool) -> str:
    """Give the statement that inserts rows."""
    names = ", ".join(VALUES)
    lines = [
        f"({part}, {is_fixed}, " + ", ".join(literal(row[name]) for name in VALUES) + ")"
        for row in rows
    ]
    return f"insert into thing (part, is_fixed, {names}) values " + ", ".join(lines)


@dataclass(frozen=True)
class Order:
    """Terms of an order, and what it is called in a failure."""

    terms: list[ColumnElement[Any]]

    def __str__(self) -> str:
        return ", ".join(str(term) for term in self.terms)


def order(random: Random) -> Order:
    """Give a random order: any columns or expressions, any directions, NULLs anywhere."""
    names = random.sample([*VALUES, "id"], random.randint(1, 4))
    terms = [
        THINGS.c[name] if random.random() < 0.85 else random.choice(EXPRESSIONS)() for name in names
    ]
    directed: list[ColumnElement[Any]] = []
    is_one_way, first = random.random() < 0.4, random.random() < 0.5
    for term in terms:
        is_descending = first if is_one_way else random.random() < 0.5
        expression: Any = term.desc() if is_descending else random.choice([term, term.asc()])
        match random.randrange(3):
            case 1:
                expression = expression.nulls_first()
            case 2:
                expression = expression.nulls_last()
            case _:
                pass
        directed.append(expression)
    return Order(directed)
