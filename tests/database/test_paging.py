"""`db.page`: any select, any declared order, exact, in both directions, one statement a page."""

import base64
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Column,
    Integer,
    MetaData,
    Table,
    bindparam,
    column,
    func,
    select,
    table,
    text,
    tuple_,
    union,
)

from chatkeep import (
    END,
    START,
    Chat,
    ConfigError,
    Database,
    InvalidCursorError,
    InvalidInputError,
    NewMessage,
    NewUser,
    Page,
    Source,
    StatementError,
    StoredDataError,
)
from chatkeep.database import memory as memory_module
from chatkeep.database import pages as pages_module
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from database.page_things import EXPRESSIONS, THINGS, VALUES, create, insert

t = THINGS.c


@pytest_asyncio.fixture(loop_scope="session")
async def things(db: Database, database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Every hard value of every column, in rows that tie in the others."""
    connection = await asyncpg.connect(database_url)
    await create(connection)
    usual = {name: values[-1] for name, values in VALUES.items()}
    rows = [{**usual, name: value} for name, values in VALUES.items() for value in values]
    await connection.execute(insert(1, rows, is_fixed=True))
    yield connection
    await connection.close()


async def read(
    db: Database, statement: Any, order_by: Any, *, limit: int, is_back: bool = False
) -> list[Any]:
    """Read all pages, from one end to the other."""
    rows: list[Any] = []
    cursor: str | None = END if is_back else None
    while True:
        given = {"before": cursor} if is_back else {"after": cursor}
        page = await db.page(statement, order_by=order_by, limit=limit, **given)
        assert 0 < len(page.items) <= limit
        rows = [*page.items, *rows] if is_back else [*rows, *page.items]
        cursor = page.previous_cursor if is_back else page.next_cursor
        if cursor is None:
            return rows


def orders() -> list[Any]:
    expressions = [t[name] for name in VALUES] + [make() for make in EXPRESSIONS]
    return [
        directed
        for expression in expressions
        for directed in (
            expression,
            expression.desc(),
            expression.asc().nulls_first(),
            expression.desc().nulls_last(),
        )
    ]


async def test_every_type_travels_exactly(db: Database, things: asyncpg.Connection) -> None:
    for order_by in orders():
        tie = t.id.desc() if " DESC" in str(order_by) else t.id
        wanted = await db.all(select(t.id).order_by(order_by, tie))
        for limit, is_back in ((1, False), (1, True), (3, False), (4, True)):
            found = await read(db, select(t.id), order_by, limit=limit, is_back=is_back)
            assert found == wanted, f"{order_by}, limit {limit}, back {is_back}"


async def test_infinity_costs_one_statement_more_and_once(
    db: Database, things: asyncpg.Connection
) -> None:
    statement, order_by = select(t.id), [t.at.desc().nulls_last(), t.id]  # infinity comes first
    with db.statements() as sent:
        page = await db.page(statement, order_by=order_by, limit=1)
    assert sent.names == ["page"] * 2
    with db.statements() as sent:
        page = await db.page(statement, order_by=order_by, limit=1, after=page.next_cursor)
        page = await db.page(statement, order_by=order_by, limit=1, after=page.next_cursor)
    assert sent.names == ["page"] * 2


@pytest.fixture
async def ada(db: Database) -> str:
    return (await db.users.create(NewUser(id="ada", email="ada@example.com"))).id


async def chats_of(db: Database, user_id: str, titles: Sequence[str]) -> list[Chat]:
    async with db.transaction() as tx:  # one time for all
        return [await tx.chats.create(user_id, title=title) for title in titles]


async def test_a_page_and_the_ways_on(db: Database, schema: deepsearch.Schema, ada: str) -> None:
    await chats_of(db, ada, "abcdefg")
    statement, order_by = select(schema.chats), schema.chats.c.title

    async def page(**given: Any) -> tuple[str, Page[Chat]]:
        with db.statements() as sent:
            found = await db.page(statement, order_by=order_by, limit=3, **given)
        assert sent.names == ["page"]
        return "".join(chat.title for chat in found.items), found

    titles, first = await page()
    assert (titles, first.previous_cursor) == ("abc", None)
    titles, second = await page(after=first.next_cursor)
    assert titles == "def"
    titles, third = await page(after=second.next_cursor)
    assert (titles, third.next_cursor) == ("g", None)
    titles, back = await page(before=third.previous_cursor)
    assert (titles, back.next_cursor, back.previous_cursor) == (
        "def",
        second.next_cursor,  # one place, one cursor
        second.previous_cursor,
    )
    titles, start = await page(before=back.previous_cursor)
    assert (titles, start.previous_cursor) == ("abc", None)
    assert (await page(after=START))[0] == "abc"
    titles, last = await page(before=END)
    assert (titles, last.next_cursor) == ("efg", None)


async def test_an_empty_page_leads_back(db: Database, schema: deepsearch.Schema, ada: str) -> None:
    chats = await chats_of(db, ada, "abcd")
    statement, order_by = select(schema.chats.c.title), schema.chats.c.title
    page = await db.page(statement, order_by=order_by, limit=2)
    for chat in chats[2:]:
        await db.chats.delete(chat.id, hard=True)
    behind = await db.page(statement, order_by=order_by, after=page.next_cursor)
    assert (behind.items, behind.next_cursor, behind.previous_cursor) == ([], None, END)
    back = await db.page(statement, order_by=order_by, before=behind.previous_cursor)
    assert back.items == [("a",), ("b",)]
    nothing = await db.page(statement.where(schema.chats.c.title == "z"), order_by=order_by)
    assert nothing == Page([], None, None)


@dataclass
class Titled:
    id: str
    title: str


async def test_rows_are_those_of_all(db: Database, schema: deepsearch.Schema, ada: str) -> None:
    chats, messages = schema.chats, schema.messages
    made = await chats_of(db, ada, "ba")
    assert (await db.page(select(chats), order_by=chats.c.title)).items == made[::-1]
    only = await db.page(select(chats.c.title), order_by=chats.c.updated_at)
    assert sorted(only.items) == [("a",), ("b",)]
    columns = select(chats.c.id, chats.c.title)
    into = await db.page(columns, order_by=func.lower(chats.c.title), into=Titled)
    assert into.items == [Titled(made[1].id, "a"), Titled(made[0].id, "b")]
    sources = [Source(title="T", url="https://example.com", snippet="s")]
    said = NewMessage(role="user", content="x", sources=sources)
    stored = await db.messages.append(made[0].id, said)
    assert (await db.page(select(messages), order_by=messages.c.created_at)).items == stored


async def test_a_statement_is_compiled_once_for_all_its_values(
    db: Database, schema: deepsearch.Schema, ada: str
) -> None:
    bob = (await db.users.create(NewUser(email="bob@example.com"))).id
    for user in (ada, bob):
        await chats_of(db, user, [f"{user} {n}" for n in range(5)])
    chats = schema.chats

    async def page(user: str, **given: Any) -> Page[Any]:
        statement = select(chats.c.user_id, chats.c.title).where(chats.c.user_id == user)
        return await db.page(statement, order_by=chats.c.updated_at.desc(), limit=2, **given)

    cursors = {user: (await page(user)).next_cursor for user in (ada, bob)}
    kept = pages_module.pages_of(schema)
    before = len(kept)
    # Each kind of page is compiled when it is first asked for: here with bob's values, then ada's.
    for user in (bob, ada, bob):
        further = await page(user, after=cursors[user])
        assert [found for found, _ in further.items] == [user] * 2
        back = await page(user, before=further.previous_cursor)
        assert [found for found, _ in back.items] == [user] * 2
    assert len(kept) == before


async def test_of_many_statements_the_least_used_are_forgotten(
    db: Database, schema: deepsearch.Schema, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "MAX_KEPT", 3)
    await chats_of(db, ada, "abc")
    monkeypatch.setattr(pages_module, "_of_schemas", memory_module.PerOwner(pages_module.Pages))
    chats, kept = schema.chats, pages_module.pages_of(schema)
    for _ in range(2):
        for name in ("title", "id", "user_id", "created_at", "updated_at"):
            assert len(await read(db, select(chats), chats.c[name], limit=2)) == 3
    assert len(kept) == 3


async def test_statements_that_cannot_be_kept_are_right_all_the_same(
    db: Database, schema: deepsearch.Schema, ada: str
) -> None:
    chats, kept = schema.chats, pages_module.pages_of(schema)
    await chats_of(db, ada, "abcdef")
    before = len(kept)
    for low, high in (("a", "d"), ("b", "e"), ("c", "f")):
        pair = tuple_(chats.c.title, chats.c.user_id)
        inside = select(chats.c.title).where(pair.in_([(low, ada), (high, ada)]))
        assert await read(db, inside, chats.c.title, limit=1) == [(low,), (high,)]
        literal = bindparam("low", low, literal_execute=True)
        above = select(chats.c.title).where(chats.c.title > literal, chats.c.title < high)
        rows = await read(db, above, chats.c.title.desc(), limit=1)
        assert rows == [(chr(ord(high) - 1),), (chr(ord(low) + 1),)]
    assert len(kept) == before


async def test_lists_in_the_statement(db: Database, schema: deepsearch.Schema, ada: str) -> None:
    chats = schema.chats
    await chats_of(db, ada, "abcdef")
    for titles in ("abcf", "bcde", "a", "abcdef", ""):
        statement = select(chats.c.title).where(chats.c.title.in_(list(titles)))
        if not titles:
            assert (await db.page(statement, order_by=chats.c.title)).items == []
            continue
        rows = await read(db, statement, chats.c.title, limit=2)
        assert "".join(title for (title,) in rows) == titles


async def test_a_constant_in_the_order_is_its_own_at_each_call(
    db: Database, schema: deepsearch.Schema, ada: str
) -> None:
    chats = schema.chats
    await chats_of(db, ada, ["a", "b", "m", "z"])
    for letter, wanted in (("b", "abmz"), ("m", "abmz"), ("z", "abmz")):
        key = func.replace(chats.c.title, letter, "0", type_=chats.c.title.type)
        rows = await read(db, select(chats.c.title), key, limit=1)
        assert "".join(title for (title,) in rows) == letter + wanted.replace(letter, "")


async def test_statements_that_are_taken_as_a_whole(
    db: Database, schema: deepsearch.Schema, ada: str
) -> None:
    chats = schema.chats
    await chats_of(db, ada, "aabbbcddddd")
    title, number = chats.c.title, func.count().label("number")
    grouped = select(title, number).group_by(title)
    rows = await read(db, grouped, number.desc(), limit=1)
    assert rows == [("d", 5), ("b", 3), ("a", 2), ("c", 1)]
    assert await read(db, grouped.having(number > 1), title, limit=2, is_back=True) == [
        *(("a", 2), ("b", 3), ("d", 5))
    ]
    distinct = await read(db, select(title).distinct(), title.desc(), limit=3)
    assert distinct == [("d",), ("c",), ("b",), ("a",)]
    both = union(select(title).where(title < "c"), select(title).where(title > "b"))
    rows = await read(db, both, both.selected_columns.title, limit=3)
    assert rows == [("a",), ("b",), ("c",), ("d",)]
    newest = select(chats.c.id, title).order_by(title.desc()).limit(6)
    assert [row[1] for row in await read(db, newest, title, limit=4)] == [*"cddddd"]
    place = func.row_number().over(order_by=(title, chats.c.id)).label("place")
    ranked = select(chats.c.id, place)
    assert [row[1] for row in await read(db, ranked, place, limit=4)] == list(range(1, 12))


async def test_joins_give_each_pair_once(db: Database, schema: deepsearch.Schema, ada: str) -> None:
    users, chats, messages = schema.users, schema.chats, schema.messages
    first, second, _ = await chats_of(db, ada, "abc")
    for chat in (first, second):
        said = [NewMessage(role="user", content="x") for _ in range(3)]
        await db.messages.append(chat.id, *said)
    pairs = (
        select(chats.c.title, messages.c.id, users.c.name)
        .join(users, users.c.id == chats.c.user_id)
        .outerjoin(messages, messages.c.chat_id == chats.c.id)
    )
    for order_by in (chats.c.created_at, users.c.name.desc(), messages.c.seq.desc()):
        rows = await read(db, pairs, order_by, limit=2)
        back = await read(db, pairs, order_by, limit=2, is_back=True)
        assert rows == back
        assert sorted(row[0] for row in rows) == [*"aaabbbc"]
        assert len(set(rows)) == 7


async def test_a_transaction_pages_what_it_sees(
    db: Database, schema: deepsearch.Schema, ada: str
) -> None:
    async with db.transaction() as tx:
        await tx.chats.create(ada, title="mine")
        inside = await tx.page(select(schema.chats.c.title), order_by=schema.chats.c.id)
        outside = await db.page(select(schema.chats.c.title), order_by=schema.chats.c.id)
    assert (inside.items, outside.items) == ([("mine",)], [])


async def refused(db: Database, statement: Any, order_by: Any, cursor: Any) -> None:
    for direction in ("after", "before"):
        with db.statements() as sent, pytest.raises(InvalidCursorError, match="not one of this"):
            await db.page(statement, order_by=order_by, **{direction: cursor})
        assert sent.count == 0


class TestCursors:
    async def test_of_another_user_order_or_statement(
        self, db: Database, schema: deepsearch.Schema, ada: str
    ) -> None:
        chats = schema.chats
        await chats_of(db, ada, "abc")
        mine = select(chats.c.id, chats.c.title).where(chats.c.user_id == ada)
        good = (await db.page(mine, order_by=chats.c.title, limit=1)).next_cursor
        assert (await db.page(mine, order_by=chats.c.title, after=good)).items[0][1] == "b"
        await refused(db, mine.where(chats.c.title > ""), chats.c.title, good)
        bobs = select(chats.c.id, chats.c.title).where(chats.c.user_id == "bob")
        await refused(db, bobs, chats.c.title, good)
        await refused(db, select(chats), chats.c.title, good)
        for order_by in (
            chats.c.title.desc(),
            chats.c.title.asc().nulls_first(),
            [chats.c.title, chats.c.id.desc()],
            chats.c.id,
            chats.c.updated_at,
        ):
            await refused(db, mine, order_by, good)
        of_list = (await db.as_user(ada).chats.list(limit=1)).next_cursor
        await refused(db, mine, chats.c.title, of_list)
        with pytest.raises(InvalidCursorError):
            await db.as_user(ada).chats.list(after=good)

    async def test_of_another_schema(
        self, db: Database, schema: deepsearch.Schema, database_url: str, ada: str
    ) -> None:
        other = deepsearch.schema(prefix="other_")
        await create_tables(other, database_url)
        await chats_of(db, ada, "abc")
        page = await db.page(select(schema.chats), order_by=schema.chats.c.title, limit=1)
        async with Database(other, database_url) as elsewhere:
            await refused(elsewhere, select(other.chats), other.chats.c.title, page.next_cursor)

    async def test_that_went_wrong_on_the_way(
        self, db: Database, schema: deepsearch.Schema, ada: str
    ) -> None:
        await chats_of(db, ada, "abc")
        statement, order_by = select(schema.chats), schema.chats.c.updated_at.desc()
        good = (await db.page(statement, order_by=order_by, limit=1)).next_cursor
        assert good is not None
        raw = base64.urlsafe_b64decode(good + "=" * (-len(good) % 4))
        random = Random(7)
        changed: list[Any] = [
            b"x",
            1,
            "",
            " ",
            "\0",
            "x" * 10**6,
            good.encode(),
            good + "=",
            [good],
        ]
        changed += [good[:n] for n in range(len(good))]
        for _ in range(100):
            at = random.randrange(len(raw) * 8)
            flipped = bytearray(raw)
            flipped[at // 8] ^= 1 << at % 8
            changed.append(base64.urlsafe_b64encode(flipped).rstrip(b"=").decode())
            random_bytes = random.randbytes(random.randint(0, 90))
            changed.append(base64.urlsafe_b64encode(random_bytes).rstrip(b"=").decode())
        for cursor in changed:
            await refused(db, statement, order_by, cursor)

    async def test_is_good_in_another_process(
        self, db: Database, schema: deepsearch.Schema, database_url: str, ada: str
    ) -> None:
        await chats_of(db, ada, "abc")
        page = await db.page(select(schema.chats), order_by=schema.chats.c.title, limit=1)
        again = deepsearch.schema(prefix="x_")  # compiled anew, as there
        async with Database(again, database_url) as elsewhere:
            further = await elsewhere.page(
                select(again.chats), order_by=again.chats.c.title, after=page.next_cursor
            )
        assert [chat.title for chat in further.items] == ["b", "c"]


class TestRefused:
    async def test_arguments(self, db: Database, schema: deepsearch.Schema) -> None:
        statement, order_by = select(schema.chats), schema.chats.c.id
        with db.statements() as sent:
            for limit in (0, 1001, True, "5", None):
                with pytest.raises(InvalidInputError, match="1 to 1000"):
                    await db.page(statement, order_by=order_by, limit=limit)  # type: ignore[call-overload]
            with pytest.raises(InvalidInputError, match="not both"):
                await db.page(statement, order_by=order_by, after="x", before="x")
            with pytest.raises(ConfigError, match="order_by takes columns"):
                await db.page(statement, order_by="id")  # type: ignore[call-overload]
            with pytest.raises(ConfigError, match="nothing tells the rows"):
                await db.page(
                    select(column("a", Integer)).select_from(table("b")), order_by=order_by
                )
            with pytest.raises(InvalidInputError, match="needs a value for its parameter 'id'"):
                await db.page(statement.where(order_by == bindparam("id")), order_by=order_by)
        assert sent.count == 0

    async def test_values_of_another_type_than_declared(
        self, db: Database, things: asyncpg.Connection
    ) -> None:
        wrong = Table("thing", MetaData(), Column("id", Integer, primary_key=True))
        wrong.append_column(Column("at", TIMESTAMP))
        wrong.append_column(Column("name", Integer))
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        await things.execute("update thing set at = $1", moment)
        with pytest.raises(StoredDataError, match="stored with a zone and declared without"):
            await db.page(select(wrong.c.id), order_by=wrong.c.at, limit=1)
        with pytest.raises(StoredDataError, match=r"name gives a str, where .* promises a int"):
            await db.page(select(wrong.c.id), order_by=wrong.c.name, limit=1)

    async def test_null_where_it_is_declared_away(
        self, db: Database, things: asyncpg.Connection
    ) -> None:
        wrong = Table(
            "thing",
            MetaData(),
            Column("id", Integer, primary_key=True),
            Column("big", BigInteger, nullable=False),
        )
        with pytest.raises(StoredDataError, match="big is NULL, which its declaration rules out"):
            await db.page(select(wrong.c.id), order_by=wrong.c.big.desc(), limit=1)

    async def test_values_too_long_to_travel(
        self, db: Database, schema: deepsearch.Schema, ada: str
    ) -> None:
        (chat,) = await chats_of(db, ada, "a")
        said = [NewMessage(role="user", content="é" * 4000) for _ in range(2)]
        await db.messages.append(chat.id, *said)
        messages = schema.messages
        with pytest.raises(ConfigError, match=r"characters long.*func.left"):
            await db.page(select(messages.c.id), order_by=messages.c.content, limit=1)
        short = func.left(messages.c.content, 200)
        page = await db.page(select(messages.c.id), order_by=short, limit=1)
        assert page.next_cursor is not None

    async def test_what_postgresql_refuses(self, db: Database, schema: deepsearch.Schema) -> None:
        users = schema.users
        with pytest.raises(StatementError):
            broken = select(users.c.id).where(text("name = 1"))
            await db.page(broken, order_by=users.c.id)
