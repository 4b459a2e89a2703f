"""COPY: all or none, every kind of row, and faults named by row and column."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    Uuid,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateTable

from chatkeep import (
    AlreadyExistsError,
    CheckFailedError,
    ConfigError,
    Database,
    DatabaseTimeoutError,
    InvalidInputError,
    NewUser,
    ReferencedRowError,
    SchemaMismatchError,
    Source,
    StatementError,
    User,
)
from chatkeep.engine.compile import DIALECT
from chatkeep.engine.observe import Observation
from chatkeep.inputs.base import Input
from chatkeep.presets import deepsearch

MANY = 100_000
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)


class NewUserSettings(Input):
    user_id: str
    theme: str | None = None


both_ways = pytest.mark.parametrize("narrow", ["none", "pgbouncer"], indirect=True)


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(
    request: pytest.FixtureRequest, db: Database, database_url: str, schema: deepsearch.Schema
) -> AsyncIterator[Database]:
    """One connection only: what is not given back is missed by the next call."""
    async with Database(
        schema,
        database_url,
        max_connections=1,
        acquire_timeout=timedelta(seconds=8),
        pooler=getattr(request, "param", "none"),
    ) as opened:
        yield opened


def new(count: int, first: int = 0) -> Iterator[NewUser]:
    for n in range(first, first + count):
        yield NewUser(id=f"u{n:06}", email=f"u{n}@example.com", name=f"U {n}")


async def stored(db: Database) -> int:
    """Ask on the one connection, which must have come back outside of any transaction."""
    return await db.users.count()


# --- kinds of rows ---------------------------------------------------------------------------------------


@both_ways
async def test_inputs(narrow: Database, schema: deepsearch.Schema) -> None:
    assert await narrow.copy(schema.users, new(3)) == 3
    user = await narrow.users.get("u000001")
    assert (user.name, user.email, user.is_admin) == ("U 1", "u1@example.com", False)
    assert user.created_at is not None


async def test_records_go_back_in(narrow: Database, schema: deepsearch.Schema) -> None:
    await narrow.copy(schema.users, new(5))
    users = await narrow.all(select(schema.users).order_by(schema.users.c.id))
    await narrow.execute(schema.users.delete())
    assert await narrow.copy(schema.users, users) == 5
    assert await narrow.all(select(schema.users).order_by(schema.users.c.id)) == users
    assert isinstance(users[0], User)


async def test_mappings_in_any_order_of_keys(narrow: Database, schema: deepsearch.Schema) -> None:
    rows = [
        {"id": "a", "email": "a@example.com", "name": None},
        {"name": "B", "email": "b@example.com", "id": "b"},
    ]
    assert await narrow.copy(schema.users, rows) == 2
    assert (await narrow.users.get("b")).name == "B"


async def test_sequences_and_columns(narrow: Database, schema: deepsearch.Schema) -> None:
    rows = [("a@example.com", "a"), ["b@example.com", "b"]]
    assert await narrow.copy(schema.users, rows, columns=["email", "id"]) == 2
    assert (await narrow.users.get("b")).email == "b@example.com"
    with pytest.raises(ConfigError, match=r"need columns="):
        await narrow.copy(schema.users, rows)


async def test_one_column(narrow: Database, schema: deepsearch.Schema) -> None:
    await narrow.copy(schema.users, new(3))
    ids = [{"user_id": f"u{n:06}"} for n in range(2)]
    assert await narrow.copy(schema.user_settings, ids) == 2
    assert await narrow.copy(schema.user_settings, [("u000002",)], columns=["user_id"]) == 1
    assert (await narrow.settings.get("u000002")).theme == "dark"


async def test_asynchronous_rows(narrow: Database, schema: deepsearch.Schema) -> None:
    async def rows() -> AsyncIterator[NewUser]:
        for user in new(700):
            await asyncio.sleep(0)
            yield user

    assert await narrow.copy(schema.users, rows()) == 700
    assert await stored(narrow) == 700


async def test_no_rows(narrow: Database, schema: deepsearch.Schema) -> None:
    told: list[int] = []
    assert await narrow.copy(schema.users, [], progress=told.append) == 0
    assert await narrow.copy(schema.users, iter(()), columns=["id"]) == 0
    assert told == [0]


@both_ways
async def test_json_columns(narrow: Database, schema: deepsearch.Schema) -> None:
    await narrow.copy(schema.users, new(1))
    chat = await narrow.chats.create("u000000")
    sources = [Source(title="é\\u0000", url="https://example.com", snippet="null")]
    row = {
        "id": "m", "chat_id": chat.id, "user_id": "u000000", "role": "user", "content": "x",
        "sources": sources, "metadata": {"model": None},
    }  # fmt: skip
    assert await narrow.copy(schema.messages, [row, {**row, "id": "n", "sources": None}]) == 2
    first, second = await narrow.all(select(schema.messages).order_by(schema.messages.c.id))
    assert (first.sources, second.sources) == (sources, None)
    assert first.metadata.model is None
    assert first.seq < second.seq


async def test_what_an_input_leaves_to_the_database(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    await narrow.copy(schema.users, new(4))
    settings = [NewUserSettings(user_id=f"u{n:06}") for n in range(2)]
    assert await narrow.copy(schema.user_settings, settings) == 2
    assert (await narrow.settings.get("u000001")).theme == "dark"  # as create() does
    mixed = [
        NewUserSettings(user_id="u000002"),
        NewUserSettings(user_id="u000003", theme="light"),
    ]
    with pytest.raises(InvalidInputError, match="row 2 and row 1 differ in whether theme"):
        await narrow.copy(schema.user_settings, mixed)
    assert await narrow.copy(schema.user_settings, mixed, columns=["user_id", "theme"]) == 2
    assert (await narrow.settings.get("u000002")).theme is None


async def test_each_kind_of_column(database_url: str, db: Database) -> None:
    table = Table(
        "kinds of",
        MetaData(),
        Column("key", Uuid, key="id", primary_key=True),
        Column("Text", Text, key="text"),
        Column("letters", String(3)),
        Column("small", SmallInteger),
        Column("flag", Boolean),
        Column("ratio", Float),
        Column("price", Numeric(10, 2)),
        Column("day", Date),
        Column("moment", DateTime(timezone=True)),
        Column("local", DateTime),
        Column("clock", Time),
        Column("span", Interval),
        Column("blob", LargeBinary),
        Column("words", ARRAY(Text)),
        Column("parts", ARRAY(JSONB)),
        Column("kind", Enum("a", "b", name="a_or_b")),
        schema="else where",
    )
    connection = await asyncpg.connect(database_url)
    await connection.execute('CREATE SCHEMA "else where"')
    await connection.execute("CREATE TYPE a_or_b AS ENUM ('a', 'b')")
    await connection.execute(str(CreateTable(table).compile(dialect=DIALECT)))
    await connection.close()
    row: dict[str, Any] = {
        "id": UUID(int=1), "text": "é", "letters": "abc", "small": -32768, "flag": True,
        "ratio": 1, "price": Decimal("1.25"), "day": date(2026, 1, 2), "moment": NOW,
        "local": NOW.replace(tzinfo=None), "clock": time(1, 2), "span": timedelta(days=1),
        "blob": b"\0\xff", "words": ["a", None], "parts": [{"n": 1}], "kind": "b",
    }  # fmt: skip
    nothing = {**dict.fromkeys(row), "id": str(UUID(int=2))}
    assert await db.copy(table, [row, nothing]) == 2
    found = await db.all(select(*table.c).order_by(table.c.id))
    expected = [*row.values()]
    assert list(found[0]) == expected
    assert found[1][1:] == (None,) * 15

    bad: list[tuple[str, Any, str]] = [
        ("id", "x", "must be a UUID"), ("id", 1, "must be a UUID, not int"),
        ("text", 1, "must be text, not int"), ("text", b"x", "must be text, not bytes"),
        ("letters", "abcd", "longer than 3 characters"),
        ("small", 32768, "outside of what 16 bits hold"), ("small", True, "not bool"),
        ("small", 1.0, "must be a whole number, not float"), ("flag", 1, "must be true or false"),
        ("ratio", "1", "must be a number"), ("price", "1", "must be a number"),
        ("day", NOW, "must be a date, not datetime"),
        ("moment", NOW.replace(tzinfo=None), "must have a time zone"),
        ("local", NOW, "must have no time zone"), ("moment", "2026", "must be a time"),
        ("clock", "1", "must be a time of day"), ("span", 3, "must be a duration"),
        ("blob", "x", "must be bytes"), ("words", "x", "must be a list"),
        ("words", ["a\0"], "NUL"), ("words", [1], "must be text"), ("kind", "c", "not a value"),
        ("parts", [object()], "not JSON"), ("parts", [{"x": "\ud800"}], "not JSON"),
        ("parts", [float("nan")], "must be finite"), ("parts", [{"x": "a\0"}], "NUL"),
    ]  # fmt: skip
    for column, value, said in bad:
        with pytest.raises(InvalidInputError, match=f"row 2, column {column}: .*{said}") as caught:
            await db.copy(table, [{**row, "id": UUID(int=3)}, {**row, column: value}])
        assert caught.value.field == column
    assert await db.scalar(select(func.count()).select_from(table)) == 2


# --- many ---------------------------------------------------------------------------------------------------


async def test_a_hundred_thousand_rows_in_constant_memory(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    told: list[int] = []
    rows = ({"id": f"u{n}", "email": f"u{n}@example.com", "image": "x" * 300} for n in range(MANY))
    await narrow.copy(schema.users, [{"id": "first", "email": "first@example.com"}])
    tracemalloc.start()
    assert await narrow.copy(schema.users, rows, progress=told.append) == MANY
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000  # a list of them takes more than 60 MB
    assert told == list(range(1000, MANY + 1, 1000))
    assert await stored(narrow) == MANY + 1


async def test_progress_ends_with_the_count(narrow: Database, schema: deepsearch.Schema) -> None:
    told: list[int] = []
    await narrow.copy(schema.users, new(2500), progress=told.append)
    assert told == [1000, 2000, 2500]


async def test_other_tasks_have_their_turn(narrow: Database, schema: deepsearch.Schema) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(tick())
    await narrow.copy(schema.users, new(5000))
    task.cancel()
    assert ticks >= 15


# --- all or none --------------------------------------------------------------------------------------------


class SourceError(Exception):
    pass


def breaking(count: int) -> Iterator[NewUser]:
    yield from new(count)
    raise SourceError


@both_ways
@pytest.mark.parametrize("count", [0, 1, 999, 20_000])
async def test_a_source_that_fails_leaves_nothing(
    narrow: Database, schema: deepsearch.Schema, count: int
) -> None:
    with pytest.raises(SourceError):
        await narrow.copy(schema.users, breaking(count))
    assert await stored(narrow) == 0


async def test_what_the_source_raises_stays_what_it_is(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    async def rows(error: Exception) -> AsyncIterator[NewUser]:
        for user in new(10):
            yield user
        raise error

    for error in (OSError("disk"), TimeoutError("mine"), TypeError("mine"), ValueError("mine")):
        with pytest.raises(type(error)) as caught:
            await narrow.copy(schema.users, rows(error))
        assert caught.value is error
    assert await stored(narrow) == 0


async def test_progress_that_fails_leaves_nothing(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    def progress(count: int) -> None:
        raise SourceError

    with pytest.raises(SourceError):
        await narrow.copy(schema.users, new(5000), progress=progress)
    assert await stored(narrow) == 0


@both_ways
async def test_cancelled_at_any_point_it_leaves_nothing(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    async def rows(begun: asyncio.Event) -> AsyncIterator[NewUser]:
        for number, user in enumerate(new(30_000)):
            if number == 2000:
                begun.set()
            if number % 100 == 0:
                await asyncio.sleep(0)
            yield user

    for turns in range(24):
        begun = asyncio.Event()
        task = asyncio.create_task(narrow.copy(schema.users, rows(begun)))
        if turns >= 12:
            await begun.wait()
        for _ in range(turns % 12):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await stored(narrow) == 0


async def test_constraints_are_told_in_our_words(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    rows = [*new(3000), NewUser(id="other", email="U5@example.com")]
    with pytest.raises(AlreadyExistsError) as caught:
        await narrow.copy(schema.users, rows)
    assert "example.com" not in f"{caught.value!r} {caught.value.__cause__!r}"
    with pytest.raises(ReferencedRowError):
        await narrow.copy(schema.chats, [{"id": "c", "user_id": "nobody", "title": "x"}])
    with pytest.raises(CheckFailedError):
        await narrow.copy(schema.chats, [{"id": "c", "title": "x"}])
    assert await stored(narrow) == 0


async def test_a_table_that_is_not_there(narrow: Database) -> None:
    absent = Table("absent", MetaData(), Column("n", Integer))
    with pytest.raises(SchemaMismatchError):
        await narrow.copy(absent, [{"n": 1}])
    assert await stored(narrow) == 0


async def test_a_type_without_binary_form(narrow: Database) -> None:
    odd = Table("pg_class", MetaData(), Column("relacl", Text))
    with pytest.raises(StatementError, match="no binary form"):
        await narrow.copy(odd, [{"relacl": "x"}])
    assert await stored(narrow) == 0


@both_ways
async def test_inside_a_transaction(narrow: Database, schema: deepsearch.Schema) -> None:
    async with narrow.transaction() as tx:
        assert await tx.copy(schema.users, new(10)) == 10
        assert await tx.users.count() == 10
        with pytest.raises(InvalidInputError, match="row 3, column email"):
            async with tx.transaction() as inner:
                await inner.copy(schema.users, _bad_at_three())
        assert await tx.copy(schema.users, new(10, first=10)) == 10
    assert await stored(narrow) == 20
    with pytest.raises(ZeroDivisionError):
        async with narrow.transaction() as tx:
            await tx.copy(schema.users, new(10, first=20))
            raise ZeroDivisionError
    assert await stored(narrow) == 20


def _bad_at_three() -> Iterator[dict[str, Any]]:
    for n in range(100, 110):
        yield {"id": f"u{n}", "email": "a\0b" if n == 102 else f"u{n}@example.com"}


async def test_rows_read_through_the_same_transaction_are_refused(
    narrow: Database, schema: deepsearch.Schema
) -> None:
    await narrow.copy(schema.users, new(5))
    settings = select(schema.users.c.id.label("user_id"))

    async def ids(tx: Any) -> AsyncIterator[tuple[str]]:
        yield ("u000000",)
        async for row in tx.stream(settings):
            yield row

    with pytest.raises(StatementError, match="in the middle of a copy"):
        async with narrow.transaction() as tx:
            await tx.copy(schema.user_settings, ids(tx), columns=["user_id"])
    assert await narrow.scalar(select(func.count()).select_from(schema.user_settings)) == 0


async def test_from_a_stream_into_a_table(db: Database, schema: deepsearch.Schema) -> None:
    await db.copy(schema.users, new(1200))
    rows = db.stream(select(schema.users.c.id))
    assert await db.copy(schema.user_settings, rows, columns=["user_id"]) == 1200


# --- what is refused -----------------------------------------------------------------------------------------


async def test_rows_of_a_wrong_form(db: Database, schema: deepsearch.Schema) -> None:
    cases: list[tuple[Any, str]] = [
        ([{"id": "a", "email": "a"}, {"id": "b"}], "row 2 lacks email"),
        ([{"id": "a"}, {"id": "b", "email": "b"}], "row 2 has email, which is not among"),
        ([{"id": "a", "emial": "a"}], "row 1 has a key 'emial', which is no column"),
        ([{"id": "a"}, {"email": "b"}], "row 2 lacks id"),
        ([{"id": "a"}, ("b",)], "row 2 is a tuple, row 1 a mapping"),
        ([NewUser(email="a@example.com"), {"id": "a"}], "row 2 is a dict, row 1 a NewUser"),
        ([NewUserSettings(user_id="a")], "does not belong to the table"),
        ([3], "row 1 is a int"),
        (["ab"], "row 1 is a str"),
        ("ab", "takes rows, not a str"),
        ({"id": "a"}, "takes rows, not a dict"),
        ([Source(title="a", url="b", snippet="c")], "does not belong to the table"),
    ]
    for rows, said in cases:
        with pytest.raises(InvalidInputError, match=said):
            await db.copy(schema.users, rows)
    assert await stored(db) == 0


async def test_columns_of_a_wrong_form(db: Database, schema: deepsearch.Schema) -> None:
    bad: list[Any] = [[], ["id", "id"], ["nothing"], "id"]
    for columns in bad:
        with pytest.raises(ConfigError, match="copy: "):
            await db.copy(schema.users, [("a",)], columns=columns)


async def test_a_table_and_a_plain_function_are_asked_for(
    db: Database, schema: deepsearch.Schema
) -> None:
    async def progress(count: int) -> None:
        raise AssertionError(count)

    with pytest.raises(ConfigError, match="cannot be awaited"):
        await db.copy(schema.users, new(1), progress=progress)
    tables: list[Any] = ["x_user", select(schema.users), schema.users.alias()]
    for table in tables:
        with pytest.raises(ConfigError, match="in a table, not in a"):
            await db.copy(table, new(1))
    assert await stored(db) == 0


async def test_sequences_of_another_length(db: Database, schema: deepsearch.Schema) -> None:
    with pytest.raises(InvalidInputError, match="row 2 has 1 values for 2 columns"):
        await db.copy(schema.users, [("a", "b"), ("c",)], columns=["id", "email"])
    with pytest.raises(InvalidInputError, match="row 2 is a dict, row 1 a sequence"):
        await db.copy(schema.users, [("a", "b"), {}], columns=["id", "email"])


async def test_the_fault_is_told_without_the_value(db: Database, schema: deepsearch.Schema) -> None:
    rows = [{"id": "a", "email": "secret\0"}]
    with pytest.raises(InvalidInputError, match="row 1, column email: it holds") as caught:
        await db.copy(schema.users, rows)
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


# --- time ----------------------------------------------------------------------------------------------------


async def test_a_slow_source_has_all_the_time(
    db: Database, database_url: str, schema: deepsearch.Schema
) -> None:
    async def rows() -> AsyncIterator[NewUser]:
        for user in new(4):
            yield user
            await asyncio.sleep(0.15)

    quick_time = timedelta(seconds=0.2)
    async with Database(schema, database_url, statement_timeout=quick_time) as quick:
        assert await quick.copy(schema.users, rows()) == 4


async def test_a_server_that_takes_nothing_ends_it(
    db: Database, database_url: str, schema: deepsearch.Schema
) -> None:
    quick_time = timedelta(seconds=0.2)
    await db.copy(schema.users, new(1))
    async with (
        Database(schema, database_url, statement_timeout=quick_time, max_connections=1) as quick,
        db.transaction() as tx,
    ):
        same = insert(schema.users).values(id="same", email="same@example.com")
        await tx.execute(same)
        with pytest.raises(DatabaseTimeoutError, match="copy"):  # waits for the other's commit
            await quick.copy(schema.users, [{"id": "same", "email": "other@example.com"}])
        assert await quick.users.count() == 1


async def test_watchers_are_told(db: Database, schema: deepsearch.Schema) -> None:
    seen: list[Observation] = []
    with db.observe(seen.append):
        await db.copy(schema.users, new(3))
        with pytest.raises(AlreadyExistsError):
            await db.copy(schema.users, new(3))
    assert [(one.name, one.rows, one.subject.operation) for one in seen] == [
        ("copy", 3, "COPY"), ("copy", 0, "COPY"),
    ]  # fmt: skip
    assert seen[0].sql.startswith("COPY x_user(id, name, email,")
    assert isinstance(seen[1].error, AlreadyExistsError)
