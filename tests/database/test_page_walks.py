"""Readers walk through pages while writers insert, delete and move other rows around them.

Every row that was there all the time, unchanged in its place, comes exactly once and in its order.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from chatkeep import END, START, Database, NewMessage, NewUser, Page
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from database.page_things import NOON, THINGS, create, insert, literal, order, row
from database.page_walks import Walk
from fixtures.servers import PgServer

FULL = bool(os.environ.get("CHATKEEP_FULL"))
SEEDS = range(1000) if FULL else range(50)
Step = Callable[[], Awaitable[object]]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def world(pg18: PgServer) -> AsyncIterator[tuple[Database, deepsearch.Schema]]:
    """One database for all runs: each has a user, a chat or a part of the table of its own."""
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute("CREATE DATABASE page_walks")
    url, schema = pg18.url("page_walks"), deepsearch.schema(prefix="x_")
    await create_tables(schema, url)
    async with Database(schema, url, max_connections=6) as db:
        connection = await asyncpg.connect(url)
        await create(connection)
        await connection.close()
        yield db, schema
    await admin.execute("DROP DATABASE page_walks WITH (FORCE)")
    await admin.close()


@asynccontextmanager
async def writing(*writers: Step) -> AsyncIterator[None]:
    """Let the writers work while the block runs: a page may fall between any two of their steps."""
    is_over = asyncio.Event()

    async def work(step: Step) -> None:
        while not is_over.is_set():
            await step()
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for step in writers:
            group.create_task(work(step))
        try:
            yield
        finally:
            is_over.set()


async def walk(walk: Walk, between: Step) -> None:
    """Read through, forward or back, or at random."""

    async def pause() -> None:
        if walk.random.random() < 0.7:
            await between()

    match walk.random.randrange(3):
        case 0:
            await walk.at_random(pause, steps=15)
        case way:
            await walk.through(pause, is_back=way == 1)


async def in_things(db: Database, url: str, seed: int) -> None:
    """Page through a table in a random order, of hard values with many ties."""
    random, writer = Random(seed), Random(-seed - 1)
    connection = await asyncpg.connect(url)
    try:
        for is_fixed in (True, False, True):
            rows = [row(random) for _ in range(random.randint(1, 16))]
            await connection.execute(insert(seed, rows, is_fixed=is_fixed))
        wanted = order(random)
        columns = random.choice(
            [[THINGS], [THINGS.c.id], [THINGS.c.name, THINGS.c.id, THINGS.c.at]]
        )
        statement = select(*columns).where(THINGS.c.part == seed)
        at = [column.name for column in statement.selected_columns].index("id")
        last = str(wanted.terms[-1])
        tie = THINGS.c.id.desc() if " DESC" in last else THINGS.c.id
        ordered = select(THINGS.c.id).where(THINGS.c.part == seed, THINGS.c.is_fixed)
        fixed = [found for (found,) in await db.all(ordered.order_by(*wanted.terms, tie))]

        async def ask(
            limit: int, *, after: str | None = None, before: str | None = None
        ) -> Page[Any]:
            return await db.page(
                statement, order_by=wanted.terms, limit=limit, after=after, before=before
            )

        async def write() -> None:
            where = f"part = {seed} and not is_fixed"
            some = f"{where} and random() < {writer.random():.3f}"
            match writer.randrange(4):
                case 0:
                    rows = [row(writer) for _ in range(writer.randint(1, 4))]
                    await connection.execute(insert(seed, rows, is_fixed=False))
                case 1:
                    await connection.execute(f"delete from thing where {some}")
                case _:
                    name, value = writer.choice(list(row(writer).items()))
                    sql = f"update thing set {name} = {literal(value)} where {some}"
                    await connection.execute(sql)

        turn = asyncio.Lock()  # the connection takes one statement at a time

        async def step() -> None:
            async with turn:
                await write()

        reader = Walk(ask, lambda page: [found[at] for found in page.items], fixed, random)
        try:
            async with writing(step):
                await walk(reader, step)
        except BaseException as exc:
            exc.add_note(f"seed {seed}: order by {wanted}")
            raise
    finally:
        await connection.close()


async def in_chats(db: Database, schema: deepsearch.Schema, seed: int) -> None:
    """Page through a user's chats, most of which were active in the same microsecond."""
    random, writer = Random(seed), Random(-seed - 1)
    user = await db.users.create(NewUser(id=f"u{seed}", email=f"u{seed}@example.com"))
    mine, chats = db.as_user(user.id), schema.chats
    fixed = [(await mine.chats.create(title="fixed")).id for _ in range(random.randint(1, 30))]
    others = [(await mine.chats.create(title="other")).id for _ in range(random.randint(1, 12))]
    for chat_id in [*fixed, *others]:
        moment = NOON + timedelta(microseconds=random.randrange(3))
        stamp = update(chats).where(chats.c.id == chat_id).values(updated_at=moment)
        await db.all(stamp.returning(chats.c.id))
    by_activity = select(chats.c.id).where(chats.c.id.in_(fixed))
    order_by = (chats.c.updated_at.desc(), chats.c.id.desc())
    ordered = [found for (found,) in await db.all(by_activity.order_by(*order_by))]

    async def step() -> None:
        match writer.randrange(4):
            case 0:
                others.append((await mine.chats.create(title="new")).id)
            case 1 if others:
                await mine.chats.delete(others.pop(writer.randrange(len(others))))
            case 2 if others:
                moment = NOON + timedelta(microseconds=writer.randrange(3))
                where = chats.c.id == writer.choice(others)
                moved = update(chats).where(where).values(updated_at=moment)
                await db.all(moved.returning(chats.c.id))
            case _ if others:
                said = NewMessage(role="user", content="again")
                await mine.messages.append(others[0], said)
            case _:
                pass

    reader = Walk(mine.chats.list, ids, ordered, random)
    await with_one_writer(reader, step)


async def in_messages(db: Database, schema: deepsearch.Schema, seed: int) -> None:
    """Page through a chat, from the newest message; back from a page is forward in time."""
    random, writer = Random(seed), Random(-seed - 1)
    user = await db.users.create(NewUser(id=f"m{seed}", email=f"m{seed}@example.com"))
    mine = db.as_user(user.id)
    chat = await mine.chats.create(title="x")
    fixed: list[str] = []
    others: list[str] = []
    for _ in range(random.randint(1, 6)):
        said = [NewMessage(role="user", content="x") for _ in range(random.randint(1, 8))]
        for message in await mine.messages.append(chat.id, *said):
            random.choice([fixed, fixed, others]).append(message.id)

    async def ask(limit: int, *, after: str | None = None, before: str | None = None) -> Page[Any]:
        if before is None:
            older = END if after == START else after
            return await mine.messages.list(chat.id, limit, before=older)
        newer = START if before == END else before
        page = await mine.messages.list(chat.id, limit, after=newer)
        return Page(page.items[::-1], page.previous_cursor, page.next_cursor)

    async def step() -> None:
        if others and writer.random() < 0.5:
            await mine.messages.delete(others.pop(writer.randrange(len(others))))
        else:
            said = NewMessage(role="user", content="new")
            others.append((await mine.messages.append(chat.id, said))[0].id)

    await with_one_writer(Walk(ask, ids, fixed[::-1], random), step)


def ids(page: Page[Any]) -> list[str]:
    return [item.id for item in page.items]


async def with_one_writer(reader: Walk, step: Step) -> None:
    turn = asyncio.Lock()  # a step reads and changes the list of the others

    async def one() -> None:
        async with turn:
            await step()

    async with writing(one):
        await walk(reader, one)


RUNS: dict[str, Callable[..., Awaitable[None]]] = {"chats": in_chats, "messages": in_messages}


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["things", *RUNS])
async def test_no_row_is_lost_or_doubled(
    world: tuple[Database, deepsearch.Schema],
    pg18: PgServer,
    kind: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    db, schema = world
    started, url = time.monotonic(), pg18.url("page_walks")
    with db.statements() as sent:
        for seed in SEEDS:
            if kind == "things":
                await in_things(db, url, seed)
            else:
                await RUNS[kind](db, schema, seed)
    pages = sum(
        name in ("page", "chats.list", "chats.list_after", "chats.list_before")
        or "messages.list" in name
        for name in sent.names
    )
    if FULL:
        with capsys.disabled():
            seconds = time.monotonic() - started
            print(f"\n{kind}: {len(SEEDS)} runs, {pages} pages, {seconds:.0f} s")
