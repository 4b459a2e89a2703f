"""Pages in the order of an expression that is NULL for some rows lose none of these."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio
from sqlalchemy import (
    Column,
    ColumnElement,
    Date,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB

from chatkeep import END, START, Database
from chatkeep.presets import deepsearch

STAYS = Table(
    "stay",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("days", DATERANGE, nullable=False),
    Column("data", JSONB, nullable=False),
)
s = STAYS.c
CREATE = """
    create table stay (
        id int primary key, title text not null, days daterange not null, data jsonb not null
    );
    create schema own;
    create function own.lower(text) returns text language sql as $$
        select case when $1 ~ '[0-9]' then $1 end $$;
    insert into stay
    select n, case when n % 2 = 0 then 'room ' || n else 'hall' end,
        case n % 3
            when 0 then 'empty' when 1 then daterange(null, null)
            else daterange(date '2026-01-01' + n, date '2026-02-01' + n) end,
        case when n % 2 = 0 then to_jsonb(n) else 'null' end
    from generate_series(1, 12) as n;
"""


@pytest_asyncio.fixture(loop_scope="session")
async def stays(db: Database, database_url: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(CREATE)
    yield
    await connection.close()


async def read(db: Database, order_by: Any, *, is_back: bool) -> list[int]:
    found: list[int] = []
    cursor: str | None = END if is_back else START
    while cursor is not None:
        given = {"before": cursor} if is_back else {"after": cursor}
        page = await db.page(select(s.id), order_by=order_by, limit=2, **given)
        ids = [id_ for (id_,) in page.items]
        found = [*ids, *found] if is_back else [*found, *ids]
        cursor = page.previous_cursor if is_back else page.next_cursor
    return found


async def complete(db: Database, *expressions: ColumnElement[Any]) -> None:
    """Each order gives the rows of one statement, in both directions."""
    for expression in expressions:
        for order_by in (expression, expression.desc(), expression.desc().nulls_last()):
            tie = s.id.desc() if " DESC" in str(order_by) else s.id
            wanted = [id_ for (id_,) in await db.all(select(s.id).order_by(order_by, tie))]
            assert len(wanted) == 12
            for is_back in (False, True):
                assert await read(db, order_by, is_back=is_back) == wanted, str(order_by)


async def test_functions_that_give_null_for_a_value(
    db: Database, schema: deepsearch.Schema, stays: None
) -> None:
    await complete(
        db,
        func.substring(s.title, "[0-9]+", type_=Text()),
        func.lower(s.days, type_=Date()),
        func.upper(s.days, type_=Date()),
        func.own.lower(s.title, type_=Text()),
    )


async def test_json_null_becomes_null(db: Database, schema: deepsearch.Schema, stays: None) -> None:
    is_18 = (
        await db.scalar(select(cast(func.current_setting("server_version_num"), Integer)))
    ) or 0
    casts = [cast(s.data, Integer)] if is_18 >= 180000 else []  # an error before
    await complete(db, cast(s.data.op("#>>")(literal_column("'{}'")), Text), *casts)
