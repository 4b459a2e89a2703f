"""The ledger of what answers used: once for each answer, kept for ever, added up."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import asyncpg
import pytest
from sqlalchemy import update

from chatkeep import (
    END,
    AlreadyExistsError,
    Chat,
    Database,
    InvalidCursorError,
    InvalidInputError,
    Message,
    MessageNotFoundError,
    MessageUsage,
    NewMessage,
    NewUsage,
    UsageTotals,
    User,
)
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

USED = NewUsage(
    model="m-1", prompt_tokens=7, completion_tokens=5, cost=Decimal("0.0123456789"), latency_ms=830
)


async def answer(mine: UserScope, chat: Chat, number: int = 1) -> list[Message]:
    new = [NewMessage(role="assistant", content=f"{n}") for n in range(number)]
    return await mine.messages.append(chat.id, *new)


async def test_usage_comes_back_as_it_was_recorded(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    (message,) = await answer(mine, chat)
    with db.statements() as sent:
        stored = await mine.usage.record(message.id, USED)
    assert sent.names == ["message_usage.record"]
    assert stored == await mine.usage.find(message.id) == await db.usage.find(message.id)
    assert (stored.user_id, stored.chat_id, stored.model) == (mine.user_id, chat.id, "m-1")
    assert (stored.total_tokens, stored.cost) == (12, Decimal("0.0123456789"))


async def test_a_total_that_is_given_stands(mine: UserScope, chat: Chat) -> None:
    (message,) = await answer(mine, chat)
    stored = await mine.usage.record(message.id, NewUsage(prompt_tokens=1, total_tokens=9))
    assert (stored.prompt_tokens, stored.completion_tokens, stored.total_tokens) == (1, 0, 9)


async def test_the_same_again_gives_the_first_and_adds_nothing(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    (message,) = await answer(mine, chat)
    first = await mine.usage.record(message.id, USED)
    with db.statements() as sent:
        assert await mine.usage.record(message.id, USED) == first
        assert await db.usage.record(message.id, USED) == first
    assert sent.names == ["message_usage.record"] * 2
    assert (await mine.usage.totals()).answers == 1


@pytest.mark.parametrize(
    "other", [NewUsage(), USED.model_copy(update={"cost": None, "latency_ms": 831})]
)
async def test_other_values_for_the_same_answer_are_an_error(
    mine: UserScope, chat: Chat, other: NewUsage
) -> None:
    (message,) = await answer(mine, chat)
    first = await mine.usage.record(message.id, USED)
    with pytest.raises(AlreadyExistsError, match="other values were recorded") as caught:
        await mine.usage.record(message.id, other)
    assert (caught.value.table, caught.value.fields) == ("message_usage", ("user_id", "message_id"))
    assert await mine.usage.find(message.id) == first


async def test_of_many_at_once_one_is_stored(mine: UserScope, chat: Chat) -> None:
    (message,) = await answer(mine, chat)
    stored = await asyncio.gather(*(mine.usage.record(message.id, USED) for _ in range(8)))
    assert stored == [stored[0]] * 8
    assert (await mine.usage.totals()).answers == 1


async def one_waits(server: PgServer) -> None:
    """Return when a statement waits for the end of a transaction."""
    connection = await asyncpg.connect(server.admin_url)
    locks = "select count(*) from pg_locks where not granted and locktype = 'transactionid'"
    try:
        async with asyncio.timeout(30):
            while not await connection.fetchval(locks):
                await asyncio.sleep(0.01)
    finally:
        await connection.close()


async def test_a_call_that_waited_for_another_sees_what_that_one_stored(
    request: pytest.FixtureRequest, way: str, db: Database, mine: UserScope, chat: Chat
) -> None:
    """The row came after the statement began: it neither inserts nor sees it."""
    server: PgServer = request.getfixturevalue(f"pg{way[:2]}")
    (message,) = await answer(mine, chat)
    async with db.transaction() as tx:
        first = await tx.as_user(mine.user_id).usage.record(message.id, USED)
        same = asyncio.create_task(mine.usage.record(message.id, USED))
        other = asyncio.create_task(mine.usage.record(message.id, NewUsage(model="m-2")))
        await one_waits(server)
    assert await same == first
    with pytest.raises(AlreadyExistsError):
        await other


async def test_it_outlives_message_and_chat(mine: UserScope, chat: Chat) -> None:
    one, two = await answer(mine, chat, 2)
    first, second = [await mine.usage.record(message.id, USED) for message in (one, two)]
    await mine.messages.delete(one.id)
    assert await mine.usage.find(one.id) == first
    await mine.messages.delete(one.id, hard=True)
    await mine.chats.delete(chat.id, hard=True)
    assert [await mine.usage.find(message.id) for message in (one, two)] == [first, second]
    assert await mine.usage.record(one.id, USED) == first
    assert (await mine.usage.totals()).total_tokens == 24
    (by_model,) = await mine.usage.totals(by="model")
    assert by_model.answers == 2


async def test_an_answer_in_the_trash_was_paid_for_too(mine: UserScope, chat: Chat) -> None:
    (message,) = await answer(mine, chat)
    await mine.messages.delete(message.id)
    assert (await mine.usage.record(message.id, USED)).total_tokens == 12


async def test_it_goes_with_its_user(db: Database, user: User, mine: UserScope, chat: Chat) -> None:
    (message,) = await answer(mine, chat)
    await mine.usage.record(message.id, USED)
    await db.users.delete(user.id)
    assert (await db.usage.list()).items == []


async def test_a_message_that_is_not_there_has_no_usage(
    db: Database, mine: UserScope, chat: Chat, stranger: User
) -> None:
    (message,) = await answer(mine, chat)
    theirs = db.as_user(stranger.id).usage
    for call in (
        theirs.record(message.id, USED),
        mine.usage.record("msg_none", USED),
        db.usage.record("msg_none", USED),
    ):
        with pytest.raises(MessageNotFoundError):
            await call
    await mine.usage.record(message.id, USED)
    assert await theirs.find(message.id) is None
    assert (await theirs.list()).items == []
    assert await theirs.totals() == UsageTotals(0, 0, 0, 0, None)
    assert await theirs.totals(by="model") == await theirs.totals(by="day") == []
    with pytest.raises(MessageNotFoundError):
        await theirs.record(message.id, USED)


async def dated(
    db: Database, schema: deepsearch.Schema, mine: UserScope, chat: Chat, times: list[datetime]
) -> list[MessageUsage]:
    """Record one answer for each time, newest first, with 1, 10, 100 ... tokens."""
    table = schema.tables["message_usage"]
    messages = await answer(mine, chat, len(times))
    found = []
    for n, (message, time) in enumerate(zip(messages, times, strict=True)):
        await mine.usage.record(message.id, NewUsage(model=f"m{n % 2}", prompt_tokens=10**n))
        await db.execute(
            update(table).where(table.c.message_id == message.id).values(created_at=time)
        )
        stored = await mine.usage.find(message.id)
        assert stored is not None
        found.append(stored)
    return sorted(found, key=lambda row: (row.created_at, row.message_id), reverse=True)


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_pages_go_back_in_time_and_forward_again(
    db: Database, schema: deepsearch.Schema, mine: UserScope, chat: Chat
) -> None:
    times = [NOON + timedelta(hours=n // 2) for n in range(7)]  # two at a time
    wanted = await dated(db, schema, mine, chat, times)
    for usage in (mine.usage, db.usage):
        seen: list[MessageUsage] = []
        cursor: str | None = "start"
        while cursor is not None:
            page = await usage.list(limit=3, after=cursor)
            seen += page.items
            cursor = page.next_cursor
        assert seen == wanted
        back = await usage.list(limit=3, before=page.previous_cursor)
        assert back.items == wanted[3:6]
        assert (await usage.list(limit=2, before=END)).items == wanted[-2:]


async def test_a_list_and_totals_of_a_time(
    db: Database, schema: deepsearch.Schema, mine: UserScope, chat: Chat
) -> None:
    rows = await dated(db, schema, mine, chat, [NOON + timedelta(hours=n) for n in range(4)])
    since, until = NOON + timedelta(hours=1), NOON + timedelta(hours=3)
    assert (await mine.usage.list(since=since, until=until)).items == rows[1:3]
    assert (await mine.usage.totals(since=since, until=until)).total_tokens == 110
    assert (await mine.usage.totals(since=since)).total_tokens == 1110
    assert (await mine.usage.totals(until=until)).total_tokens == 111
    by_model = await mine.usage.totals(since=since, until=until, by="model")
    assert [(row.model, row.total_tokens) for row in by_model] == [("m0", 100), ("m1", 10)]


async def test_totals_by_day_are_days_in_utc(
    db: Database, schema: deepsearch.Schema, mine: UserScope, chat: Chat
) -> None:
    midnight = datetime(2026, 3, 2, tzinfo=UTC)
    times = [midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=23)]
    await dated(db, schema, mine, chat, times)
    days = await mine.usage.totals(by="day")
    assert [(row.day, row.answers, row.prompt_tokens) for row in days] == [
        (date(2026, 3, 1), 1, 1),
        (date(2026, 3, 2), 2, 110),
    ]
    assert await db.usage.totals(by="day") == days


async def test_costs_add_up_exactly(mine: UserScope, chat: Chat) -> None:
    messages = await answer(mine, chat, 11)
    for message in messages[:10]:
        await mine.usage.record(message.id, NewUsage(model="a", cost=Decimal("0.1")))
    await mine.usage.record(messages[10].id, NewUsage(prompt_tokens=2**53 - 1))
    total = await mine.usage.totals()
    assert (total.answers, total.cost) == (11, Decimal(1))
    by_model = await mine.usage.totals(by="model")
    assert [(row.model, row.cost) for row in by_model] == [(None, None), ("a", Decimal(1))]


async def test_what_cannot_be_is_refused(mine: UserScope, chat: Chat, db: Database) -> None:
    (message,) = await answer(mine, chat)
    with pytest.raises(InvalidInputError, match="message_usage takes an input"):
        await mine.usage.record(message.id, {"model": "m"})  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="does not belong"):
        await mine.usage.record(message.id, NewMessage(role="user", content="x"))  # type: ignore[arg-type]
    for call in (
        mine.usage.totals(since=datetime(2026, 1, 1)),  # noqa: DTZ001 - that is the point
        mine.usage.list(until=datetime(2026, 1, 1)),  # noqa: DTZ001 - that is the point
        mine.usage.totals(by="week"),  # type: ignore[call-overload]
        mine.usage.list(limit=0),
        mine.usage.list(after=END, before=END),
    ):
        with pytest.raises(InvalidInputError):
            await call
    for n in range(2):
        (message,) = await answer(mine, chat)
        await mine.usage.record(message.id, NewUsage(model=f"{n}"))
    page = await mine.usage.list(limit=1)
    with pytest.raises(InvalidCursorError):
        await db.usage.list(after=page.next_cursor)
