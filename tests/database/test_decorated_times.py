"""Times of decorated columns: one without a zone is refused as in any other, however deep it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    Column,
    DateTime,
    Dialect,
    Integer,
    Interval,
    MetaData,
    Table,
    TypeDecorator,
    func,
    insert,
    select,
)
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from chatkeep import Database, InvalidInputError
from chatkeep.engine.compile import DIALECT

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


class Moment(TypeDecorator[datetime]):
    impl = DateTime(timezone=True)
    cache_ok = True


class MomentSaidLate(TypeDecorator[datetime]):
    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(TIMESTAMP(timezone=True))


class TakenForUtc(TypeDecorator[datetime]):
    impl = Moment
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value and value.replace(tzinfo=UTC)


class Moments(TypeDecorator[list[datetime]]):
    impl = ARRAY(Moment)
    cache_ok = True


DECORATED = Table(
    "decorated",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("moment", Moment),
    Column("late", MomentSaidLate),
    Column("varied", DateTime().with_variant(TIMESTAMP(timezone=True), "postgresql")),
    Column("array", ARRAY(Moment)),
    Column("moments", Moments),
    Column("taken", TakenForUtc),
    Column("all_taken", ARRAY(TakenForUtc)),
    Column("span", Interval),
    Column("local", DateTime),
)


async def test_times_without_a_zone_are_refused_in_decorated_columns(
    db: Database, database_url: str
) -> None:
    """The driver takes them for local time, so what is stored depends on the machine."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(str(CreateTable(DECORATED).compile(dialect=DIALECT)))
    await connection.close()
    naive = NOW.replace(tzinfo=None)
    for column in ("moment", "late", "varied", "array", "moments"):
        value = [NOW, naive] if column in ("array", "moments") else naive
        with pytest.raises(InvalidInputError, match="without a zone") as caught:
            await db.execute(insert(DECORATED).values({"id": 1, column: value}))
        assert caught.value.field == column
        with pytest.raises(InvalidInputError, match=f"row 1, column {column}: .* a time zone"):
            await db.copy(DECORATED, [{"id": 1, column: value}])
    assert await db.scalar(select(func.count()).select_from(DECORATED)) == 0

    row: dict[str, Any] = {
        "moment": NOW, "late": NOW, "varied": NOW, "array": [NOW, None], "moments": [NOW],
        "taken": naive, "all_taken": [naive, None], "span": timedelta(1), "local": naive,
    }  # fmt: skip
    await db.execute(insert(DECORATED).values(id=1, **row))
    await db.copy(DECORATED, [{"id": 2, **row}, {"id": 3, **dict.fromkeys(row)}])
    expected = {**row, "taken": NOW, "all_taken": [NOW, None]}
    found = await db.all(select(*DECORATED.c).order_by(DECORATED.c.id))
    assert [list(one) for one in found] == [
        [1, *expected.values()], [2, *expected.values()], [3, *[None] * 9],
    ]  # fmt: skip
    endless = datetime.max  # noqa: DTZ901 - the driver's infinity
    await db.copy(DECORATED, [{"id": 4, "moment": endless, "array": [endless]}])
    assert await db.one(
        select(DECORATED.c.moment, DECORATED.c.array).where(DECORATED.c.id == 4)
    ) == (endless, [endless])
