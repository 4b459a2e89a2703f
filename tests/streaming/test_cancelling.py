"""A writer that is cancelled, wherever it stands: its chat is free, and its text a whole beginning."""

import asyncio
import gc
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from chatkeep import Database, DatabaseClosedError, NewMessage, NewUser
from chatkeep.access.answers import Answer
from chatkeep.access.scope import UserScope
from fixtures.proxy import eventually
from streaming.conftest import FULL, Place

WORDS = ["one ", "🐘 ", "two ", "end"]
WHOLE = "".join(WORDS)
FINENESS = 200 if FULL else 15


async def nobody_is_connected(place: Place) -> bool:
    """Say whether the server has no connection of ours."""
    return await place.connections() == 0


async def test_cancelled_at_any_moment(place: Place, db: Database, mine: UserScope) -> None:
    statuses: set[str] = set()

    async def writes(chat_id: str, answers: list[Answer]) -> None:
        answers.append(mine.messages.stream(chat_id, flush_after=timedelta(milliseconds=10)))
        async with answers[0]:
            for word in WORDS:
                await answers[0].write(word)
                await answers[0].flush()
            await answers[0].finish()

    def is_settled() -> bool:  # what the cancelled task left to be saved is saved
        return not db._runner.background._saving

    moment, completed = 0, 0
    while completed < 3:  # turns of the loop; later ones are further apart
        chat = await mine.chats.create(title=f"{moment}")
        answers: list[Answer] = []
        task = asyncio.create_task(writes(chat.id, answers))
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await eventually(is_settled)
        assert await place.rows("running_answer") == await place.rows("message_chunk") == 0
        page = await mine.messages.list(chat.id)
        for message in page.items:
            assert WHOLE.startswith(message.content)
            assert len(message.content) >= answers[0].flushed
            assert message.status == "interrupted" or message.content == WHOLE
            statuses.add(message.status)
            completed += message.status == "complete"
        if not page.items:
            statuses.add("none")
        moment += 1 + moment // FINENESS
    assert statuses >= {"none", "interrupted", "complete"}


async def test_cancelled_twice_the_end_is_stored(db: Database, mine: UserScope) -> None:
    """As a cancel scope of anyio does: every await of the handler is cancelled, the end too."""
    chat = await mine.chats.create(title="twice")
    written = asyncio.Event()

    async def writes() -> None:
        async with mine.messages.stream(chat.id, id="msg_twice") as answer:
            await answer.write("so far")
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(writes())
    await written.wait()
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)

    async def has_ended() -> bool:
        return (await mine.messages.get("msg_twice")).status != "streaming"

    await eventually(has_ended)
    stored = await mine.messages.get("msg_twice")
    assert (stored.content, stored.status) == ("so far", "interrupted")


async def test_closing_the_database_ends_what_runs_in_the_background(place: Place) -> None:
    async with place.database() as db:
        await db.users.create(NewUser(id="ada", email="ada@example.com"))
        mine = db.as_user("ada")
        chat = await mine.chats.create(title="background")
        written = asyncio.Event()

        async def producer(answer: Answer) -> None:
            await answer.write("so far")
            written.set()
            await asyncio.Event().wait()

        answer = await mine.messages.run_answer(chat.id, producer)
        waits = asyncio.create_task(answer.wait())
        await written.wait()
    assert (await waits).status == "interrupted"
    row = await place.witness.fetchrow('select content, status from "x_message"')
    assert tuple(row) == ("so far", "interrupted")
    await eventually(lambda: nobody_is_connected(place))  # the server sees it a moment later


@pytest.fixture
async def faults() -> AsyncIterator[list[str]]:
    """What the loop was told of: errors that nobody looked at."""
    loop, found = asyncio.get_running_loop(), []
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: found.append(context["message"]))
    yield found
    loop.set_exception_handler(before)


async def test_closing_the_database_ends_an_answer_that_was_left_open(
    place: Place, faults: list[str]
) -> None:
    before = asyncio.all_tasks()
    async with place.database() as db:
        await db.users.create(NewUser(id="ada", email="ada@example.com"))
        mine = db.as_user("ada")
        chat = await mine.chats.create(title="left open")
        answer = await mine.messages.stream(chat.id).__aenter__()
        await answer.write("so far")
    row = await place.witness.fetchrow('select content, status from "x_message"')
    assert tuple(row) == ("so far", "interrupted")
    assert await place.rows("running_answer") == await place.rows("message_chunk") == 0
    with pytest.raises(DatabaseClosedError, match="ended this answer"):
        await answer.write("more")
    with pytest.raises(DatabaseClosedError, match="ended this answer"):
        await answer.__aexit__(None, None, None)
    assert asyncio.all_tasks() == before
    del answer
    gc.collect()
    assert faults == []


async def test_an_answer_whose_task_never_began_is_ended(place: Place) -> None:
    """Cancelled before its first step, a task runs no block, and so no block's end."""
    async with place.database() as db:
        await db.users.create(NewUser(id="ada", email="ada@example.com"))
        mine = db.as_user("ada")
        chat = await mine.chats.create(title="at once")
        answer = await mine.messages.run_answer(chat.id, lambda answer: answer.write("never"))
        waits = asyncio.ensure_future(answer.wait())
        await db.close()
        assert (await waits).status == "interrupted"
    assert await place.witness.fetchval('select status from "x_message"') == "interrupted"
    assert await place.rows("running_answer") == 0


async def test_what_a_flush_waited_for_is_stored_by_the_end_meanwhile(
    place: Place, mine: UserScope
) -> None:
    """A flush that answers has stored: also where another task ended the answer under it."""
    chat = await mine.chats.create(title="two tasks")
    async with mine.messages.stream(chat.id, flush_after=timedelta(milliseconds=10)) as answer:
        await place.witness.execute('begin; select from "x_chat" for update; savepoint a')
        await place.witness.execute('select from "x_running_answer" for update')
        await answer.write("first ")
        await eventually(lambda: answer._flusher._sending)
        await answer.write("second")
        flushing = asyncio.ensure_future(answer.flush())
        await asyncio.sleep(0)
        ending = asyncio.ensure_future(answer.finish())
        await asyncio.sleep(0)
        await place.witness.execute("rollback to a")  # the first piece passes, the end does not
        await eventually(answer._flusher._task.done)
        for _ in range(20):
            await asyncio.sleep(0)
        assert answer.flushed == len("first ")
        assert not flushing.done()
        await place.witness.execute("rollback")
        await flushing
    assert ending.result().content == "first second"


async def test_a_piece_still_on_its_way_at_the_end_is_not_left_behind(
    place: Place, db: Database, mine: UserScope
) -> None:
    """Its connection broke, the server did not see that: it stores the piece after the end came."""
    chat = await mine.chats.create(title="on its way")
    async with mine.messages.stream(chat.id, flush_after=timedelta(milliseconds=10)) as answer:
        await answer.write("one ")
        await answer.flush()
        await place.witness.execute('begin; select from "x_message" for update')
        await answer.write("two")

        async def at_work(number: int) -> None:
            async def are() -> bool:
                await place.witness.execute("select pg_stat_clear_snapshot()")
                return await place.connections("active") >= number

            await eventually(are)

        await at_work(1)  # with the running answer locked, for the message that it refers to
        (wire,) = db._pools.pool._lent
        wire._transport.abort()
        ending = asyncio.ensure_future(answer.finish())
        await at_work(2)
        await place.witness.execute("rollback")
        assert (await ending).content == "one two"
    assert await place.rows("message_chunk") == 0


async def test_following_a_closed_database_leaves_nothing_behind(place: Place) -> None:
    before = asyncio.all_tasks()
    async with place.database() as db:
        await db.users.create(NewUser(id="ada", email="ada@example.com"))
        mine = db.as_user("ada")
        chat = await mine.chats.create(title="closed")
        (message,) = await mine.messages.append(chat.id, NewMessage(role="user", content="x"))
    with pytest.raises(DatabaseClosedError):
        async for _ in mine.messages.follow(message.id):
            pytest.fail("a piece of a closed database")
    await eventually(lambda: asyncio.all_tasks() == before)
    async with db:
        assert [p.text async for p in mine.messages.follow(message.id)] == ["x"]
        await eventually(lambda: db._runner.background.bell.is_listening)
    await eventually(lambda: nobody_is_connected(place))  # the server sees it a moment later
