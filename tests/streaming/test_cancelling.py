"""A writer that is cancelled, wherever it stands: its chat is free, and its text a whole beginning."""

import asyncio
from datetime import timedelta

from chatkeep import Database, NewUser
from chatkeep.access.answers import Answer
from chatkeep.access.scope import UserScope
from fixtures.proxy import eventually
from streaming.conftest import FULL, Place

WORDS = ["one ", "🐘 ", "two ", "end"]
WHOLE = "".join(WORDS)
FINENESS = 200 if FULL else 15


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
    assert await place.connections() == 0
