"""What a COPY that fails leaves behind: no row, no open source, no lent connection, no told value."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import ARRAY, Column, Integer, MetaData, Table, Text, func, select
from sqlalchemy.dialects.postgresql import CIDR, INET, JSONB
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeDecorator

from chatkeep import (
    AlreadyExistsError,
    Database,
    DatabaseTimeoutError,
    InvalidInputError,
)
from chatkeep.engine.compile import DIALECT
from chatkeep.presets import deepsearch
from fixtures.chain import everything_of


class SourceError(Exception):
    pass


def good(number: int) -> dict[str, Any]:
    return {"id": f"u{number}", "email": f"{number}@example.com"}


class Rows:
    """Rows of an asynchronous generator that tells when it is closed."""

    def __init__(self, *rows: object) -> None:
        self.rows = rows
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[object]:
        try:
            for row in self.rows:
                if isinstance(row, Exception):
                    raise row
                yield row
        finally:
            await asyncio.sleep(0)  # as one that has something to give back
            self.is_closed = True


def refuse(count: int) -> None:
    raise SourceError


# --- the source ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([3, good(1)], InvalidInputError),  # the first says what they are
        ([good(1), {"id": 7, "email": "x"}, good(2)], InvalidInputError),
        ([good(1), good(1), good(2)], AlreadyExistsError),
        ([good(1), SourceError(), good(2)], SourceError),
        ([SourceError(), good(2)], SourceError),
        ([good(n) for n in range(1001)], SourceError),  # by `progress`
        ([], SourceError),
    ],
)
async def test_the_source_is_closed_when_the_call_ends(
    db: Database, schema: deepsearch.Schema, rows: list[Any], error: type[Exception]
) -> None:
    source = Rows(*rows)
    with pytest.raises(error):
        await db.copy(schema.users, source, progress=refuse if error is SourceError else None)
    assert source.is_closed
    assert await db.users.count() == 0


async def test_the_source_is_closed_when_the_call_is_cancelled(
    db: Database, schema: deepsearch.Schema
) -> None:
    for turns in range(0, 40, 3):
        source = Rows(*[good(turns * 20_000 + n) for n in range(20_000)])
        task = asyncio.create_task(db.copy(schema.users, source))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert source.is_closed or turns == 0  # it was not asked yet
    # One that is cancelled as its answer comes may be stored: then all of it.
    assert await db.users.count() % 20_000 == 0


async def test_the_source_is_closed_when_no_connection_is_free(
    db: Database, database_url: str, schema: deepsearch.Schema
) -> None:
    quick = timedelta(seconds=0.2)
    async with Database(schema, database_url, max_connections=1, acquire_timeout=quick) as narrow:
        stream = narrow.stream(select(schema.users.c.id.label("user_id")))
        source = Rows(good(1), good(2))
        async with narrow.transaction():
            with pytest.raises(DatabaseTimeoutError):
                await narrow.copy(schema.users, source)
        assert source.is_closed
        await db.copy(schema.users, [good(1), good(2)])
        with pytest.raises(DatabaseTimeoutError) as caught:
            await narrow.copy(schema.user_settings, stream, columns=["user_id"])
        assert caught.value.__traceback__ is not None  # holds every frame, and what they hold
        assert await narrow.users.count() == 2


@pytest.mark.parametrize("batch", [1, 500])
async def test_a_stream_gives_its_connection_back_when_its_copy_fails(
    db: Database, database_url: str, schema: deepsearch.Schema, batch: int
) -> None:
    await db.copy(schema.users, [good(n) for n in range(1200)])
    ids = select(schema.users.c.id)
    quick = timedelta(seconds=0.5)
    async with Database(schema, database_url, max_connections=2, acquire_timeout=quick) as narrow:
        for columns, progress in ((["user_id"], refuse), (["user_id", "theme"], None)):
            with pytest.raises((SourceError, InvalidInputError)) as caught:
                rows = narrow.stream(ids, batch=batch)
                await narrow.copy(schema.user_settings, rows, columns=columns, progress=progress)
            assert caught.value.__traceback__ is not None  # holds every frame, and what they hold
            async with narrow.transaction() as one, narrow.transaction() as other:
                assert await one.users.count() == await other.users.count() == 1200


async def test_an_iterator_that_cannot_be_closed_is_a_source_too(
    db: Database, schema: deepsearch.Schema
) -> None:
    class Bare:
        def __init__(self) -> None:
            self.left = [good(1), good(2)]

        def __aiter__(self) -> "Bare":
            return self

        async def __anext__(self) -> object:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    assert await db.copy(schema.users, Bare()) == 2


# --- all or none --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 999, 1000, 1001, 2500])
async def test_progress_that_fails_at_the_end_leaves_nothing(
    db: Database, schema: deepsearch.Schema, count: int
) -> None:
    told: list[int] = []

    def progress(number: int) -> None:
        told.append(number)
        if number == count:
            raise SourceError

    with pytest.raises(SourceError):
        await db.copy(schema.users, (good(n) for n in range(count)), progress=progress)
    assert told[-1] == count
    assert await db.users.count() == 0
    assert await db.copy(schema.users, [good(1)]) == 1  # the connection is as it was


async def test_progress_that_fails_ends_the_transaction_and_not_the_outer_one(
    db: Database, schema: deepsearch.Schema
) -> None:
    async with db.transaction() as tx:
        await tx.copy(schema.users, [good(1)])
        with pytest.raises(SourceError):
            async with tx.transaction() as inner:
                await inner.copy(schema.users, [good(2)], progress=refuse)
        assert await tx.users.count() == 1
    assert await db.users.count() == 1


async def test_the_last_progress_comes_before_the_rows_are_stored(
    db: Database, schema: deepsearch.Schema
) -> None:
    told: list[int] = []
    await db.copy(schema.users, [good(1)])
    with pytest.raises(AlreadyExistsError):
        await db.copy(schema.users, [good(2), good(1)], progress=told.append)
    assert told == [2]


# --- what is told -------------------------------------------------------------------------------------------


class Repeating(TypeDecorator[str]):
    """Lets any value through; the driver says what it thinks of it."""

    impl = Integer
    cache_ok = True


SECRET = "SECRET-VALUE"
ODD = Table(
    "odd",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("net", INET),
    Column("block", CIDR),
    Column("nets", ARRAY(INET)),
    Column("number", Repeating),
    Column("numbers", ARRAY(Repeating)),
    Column("body", JSONB),
    Column("name", Text),
)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("net", SECRET),
        ("block", SECRET),
        ("nets", [SECRET]),
        ("net", [SECRET]),
        ("number", SECRET),
        ("numbers", [SECRET]),
        ("body", {"k": SECRET, "o": object()}),
        ("body", {"k": SECRET + "\0"}),
        ("name", f"{SECRET}\0"),
        ("name", f"{SECRET}\ud800"),
        ("name", [SECRET]),
    ],
)
async def test_no_error_repeats_a_value(
    db: Database, database_url: str, column: str, value: object
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(str(CreateTable(ODD).compile(dialect=DIALECT)))
    await connection.close()
    with pytest.raises(InvalidInputError, match="copy: row 2") as caught:
        await db.copy(ODD, [{"id": 1, column: None}, {"id": 2, column: value}])
    assert SECRET not in everything_of(caught.value)
    assert await db.scalar(select(func.count()).select_from(ODD)) == 0
