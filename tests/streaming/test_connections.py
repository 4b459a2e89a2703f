"""What an answer costs: connections, statements, rows."""

import asyncio
from datetime import timedelta

from chatkeep import Database, NewUser
from chatkeep.access.scope import UserScope
from fixtures.proxy import eventually
from streaming.conftest import Place

TOKEN = "token "


async def test_between_flushes_no_connection_is_held(place: Place) -> None:
    """Twenty answers and their readers share one connection, and others use it meanwhile."""
    async with place.database(max_connections=1, acquire_timeout=timedelta(seconds=20)) as narrow:
        await narrow.users.create(NewUser(id="ada", email="ada@example.com"))
        mine = narrow.as_user("ada")
        texts: list[str] = []

        async def writes(number: int) -> str:
            chat = await mine.chats.create(title=f"{number}")
            async with mine.messages.stream(chat.id) as answer:
                for _ in range(40):
                    await answer.write(TOKEN)
                    await asyncio.sleep(0.01)
                    await mine.chats.get(chat.id)
            return answer.id

        async def reads(message_id: str) -> None:
            texts.append("".join([p.text async for p in mine.messages.follow(message_id)]))

        ids = await asyncio.gather(*(writes(number) for number in range(20)))
        await asyncio.gather(*(reads(message_id) for message_id in ids))
        assert texts == [TOKEN * 40] * 20
        chat = await mine.chats.create(title="idle")
        async with mine.messages.stream(chat.id) as answer:
            await answer.write(TOKEN)
            await answer.flush()
            async with asyncio.timeout(20):  # the only one is free
                assert (await mine.chats.get(chat.id)).head == answer.id
            # The other one listens: the readers' one for the whole Database.
            assert await place.connections() == await place.connections("idle") == 2


async def test_a_long_answer_costs_statements_by_time_not_by_token(
    place: Place, db: Database, mine: UserScope
) -> None:
    chat = await mine.chats.create(title="long")
    with db.statements() as sent:
        async with mine.messages.stream(chat.id) as answer:
            for number in range(10_000):
                await answer.write(TOKEN)
                if number % 500 == 0:
                    await asyncio.sleep(0.05)  # a second in all: four windows, and the first one
        chunks = sent.names.count("messages.flush_answer")
    assert (await mine.messages.get(answer.id)).content == TOKEN * 10_000
    # Fewer on a slow machine, and never one that was not due: by time, or since 16,384 waited.
    assert 2 <= chunks <= 60
    steps = [name for name in sent.names if name != "messages.tell_answers"]
    assert (steps[0], steps[-1]) == ("messages.start_answer", "messages.close_answer")
    assert len(steps) == chunks + 2
    assert sent.count - len(steps) <= chunks + 1


async def test_who_writes_faster_than_the_database_takes_waits(
    place: Place, db: Database, mine: UserScope
) -> None:
    chat = await mine.chats.create(title="fast")
    await place.witness.execute("begin")
    answer = await mine.messages.stream(chat.id).__aenter__()
    await place.witness.execute('select from "x_running_answer" for update')
    kept = 0

    async def writes() -> None:
        nonlocal kept
        for _ in range(90):
            await answer.write("x" * 1000)
            kept = answer.written

    writing = asyncio.create_task(writes())

    async def waits() -> bool:
        return answer.written >= 17_000

    await eventually(waits)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not writing.done()
    assert (answer.written, answer.flushed) == (17_000, 0)
    await place.witness.execute("rollback")
    await writing
    assert kept == 90_000
    assert (await answer.finish()).content == "x" * 90_000


async def test_a_writer_with_nothing_to_say_gives_a_sign_of_life(
    place: Place, db: Database, mine: UserScope, monkeypatch
) -> None:
    monkeypatch.setattr("chatkeep.access.answer_flushing.HEARTBEAT", 0.05)
    chat = await mine.chats.create(title="quiet")
    async with mine.messages.stream(chat.id):
        signs = set()

        async def three() -> bool:
            signs.add(await place.witness.fetchval('select updated_at from "x_running_answer"'))
            return len(signs) >= 3

        await eventually(three)
        assert await place.rows("message_chunk") == 0
