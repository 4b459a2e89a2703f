"""Answers that are written piece by piece: what is stored, who may write, what ends them."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from chatkeep import (
    Chat,
    ChatNotFoundError,
    ConfigError,
    Database,
    InvalidInputError,
    MessageMetadata,
    MessageNotFoundError,
    NewMessage,
    Source,
    TokenUsage,
    User,
)
from chatkeep.access.answers import Answer
from chatkeep.access.scope import UserScope
from chatkeep.errors import AlreadyExistsError, AnswerRunningError, AnswerTakenOverError
from chatkeep.inputs.deepsearch import NewUsage
from chatkeep.presets import deepsearch

SHORT = timedelta(milliseconds=10)
TOKENS = ["Zürich", " 東京", " 🐘", " 👩‍👩‍👧", ' "q" \\', "\n", "", " end"]


async def left(db: Database, schema: deepsearch.Schema) -> tuple[int, int]:
    """How many running rows and pieces there are."""
    running = await db.all(select(schema.running_answers.c.chat_id))
    return len(running), len(await db.all(select(schema.message_chunks.c.position)))


async def test_exactly_what_was_written_is_stored(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema
) -> None:
    async with mine.messages.stream(chat.id, flush_after=SHORT) as answer:
        for number in range(50):
            await answer.write(TOKENS[number % len(TOKENS)])
            if number % 7 == 0:
                await answer.flush()
                assert answer.flushed == answer.written
    whole = "".join(TOKENS[number % len(TOKENS)] for number in range(50))
    stored = await mine.messages.get(answer.id)
    assert (stored.content, stored.status, stored.role) == (whole, "complete", "assistant")
    assert stored == answer.message
    assert answer.written == len(whole)
    assert await left(db, schema) == (0, 0)


async def test_the_message_is_there_from_the_beginning(mine: UserScope, chat: Chat) -> None:
    (asked,) = await mine.messages.append(chat.id, NewMessage(role="user", content="?"))
    before = await mine.chats.get(chat.id)
    async with mine.messages.stream(chat.id, id="msg_own", role="tool") as answer:
        began = await mine.chats.get(chat.id)
        assert began.head == answer.id == "msg_own"
        assert began.updated_at > before.updated_at
        await answer.write("x")
        await answer.flush()
        page = await mine.messages.list(chat.id)
        shown = [(m.role, m.content, m.status, m.parent_id) for m in page.items]
        assert shown[0] == ("tool", "", "streaming", asked.id)
    after = await mine.chats.get(chat.id)
    assert after.revision == began.revision + 1 == before.revision + 2
    assert after.updated_at > began.updated_at


async def test_a_token_costs_no_statement(db: Database, mine: UserScope, chat: Chat) -> None:
    with db.statements() as sent:
        async with mine.messages.stream(chat.id, flush_after=timedelta(seconds=20)) as answer:
            await answer.write("the first is sent at once")
            await answer.flush()
            for _ in range(1000):
                await answer.write("token ")
    told = "messages.tell_answers"  # beside the writer, several in one
    steps = [name for name in sent.names if name != told]
    assert steps == ["messages.start_answer", "messages.flush_answer", "messages.close_answer"]
    assert sent.names.count(told) <= 2
    assert not sent.control


async def test_a_chat_has_one_answer_at_a_time(mine: UserScope, chat: Chat) -> None:
    async with mine.messages.stream(chat.id) as answer:
        for _ in range(2):
            with pytest.raises(AnswerRunningError) as refused:
                async with mine.messages.stream(chat.id):
                    raise AssertionError
            assert refused.value.message_id == answer.id
        await answer.write("goes on")
    assert (await mine.messages.get(answer.id)).content == "goes on"
    assert await mine.messages.count(chat.id) == 1
    async with mine.messages.stream(chat.id) as other:
        await other.write("next")


async def test_of_many_that_begin_at_once_one_does(mine: UserScope, chat: Chat) -> None:
    async def begins() -> Answer | None:
        answer = mine.messages.stream(chat.id)
        try:
            await answer.begin()
        except AnswerRunningError:
            return None
        return answer

    answers = await asyncio.gather(*(begins() for _ in range(12)))
    (one,) = [answer for answer in answers if answer is not None]
    await one.finish()
    assert await mine.messages.count(chat.id) == 1


async def test_taking_over_ends_the_old_answer_with_what_was_flushed(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema
) -> None:
    with pytest.raises(AnswerTakenOverError):
        async with mine.messages.stream(chat.id, flush_after=timedelta(seconds=20)) as old:
            await old.write("flushed")
            await old.flush()
            await old.write(" and not")
            async with mine.messages.stream(chat.id, on_running="take_over") as new:
                await new.write("new")
            assert old.flushed == 7
    stored = await mine.messages.get(old.id)
    assert (stored.content, stored.status) == ("flushed", "interrupted")
    stored = await mine.messages.get(new.id)
    assert (stored.content, stored.status, stored.parent_id) == ("new", "complete", old.id)
    assert await left(db, schema) == (0, 0)


async def test_the_old_writer_hears_of_it_when_it_flushes(mine: UserScope, chat: Chat) -> None:
    with pytest.raises(AnswerTakenOverError):
        async with mine.messages.stream(chat.id, flush_after=SHORT) as old:
            async with mine.messages.stream(chat.id, on_running="take_over"):
                pass
            await old.write("x")
            await old.flush()


async def test_many_that_take_over_leave_one_answer_and_whole_texts(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema
) -> None:
    flushed: dict[str, int] = {}

    async def writes() -> None:
        answer = mine.messages.stream(chat.id, on_running="take_over", flush_after=SHORT)
        try:
            async with answer:
                for _ in range(20):
                    await answer.write("abc")
                    await answer.flush()
                    flushed[answer.id] = answer.flushed
        except (AnswerTakenOverError, AnswerRunningError):
            pass

    await asyncio.gather(*(writes() for _ in range(6)))
    assert flushed
    page = await mine.messages.list(chat.id)
    for message in page.items:
        assert message.status in {"complete", "interrupted"}
        assert message.content == "abc" * (len(message.content) // 3)
        assert len(message.content) >= flushed.get(message.id, 0)
    assert await left(db, schema) == (0, 0)


async def test_an_error_keeps_the_text_and_says_so(mine: UserScope, chat: Chat) -> None:
    with pytest.raises(ZeroDivisionError):
        async with mine.messages.stream(chat.id) as answer:
            await answer.write("so far")
            answer.attach(usage=NewUsage(model="m", prompt_tokens=5))
            raise ZeroDivisionError
    stored = await mine.messages.get(answer.id)
    assert (stored.content, stored.status) == ("so far", "error")
    used = await mine.usage.find(answer.id)
    assert used is not None
    assert (used.model, used.total_tokens) == ("m", 5)


async def test_what_is_known_at_the_end_is_stored_with_it(mine: UserScope, chat: Chat) -> None:
    sources = [Source(title="T", url="https://example.com/", snippet="s")]
    metadata = MessageMetadata(model="m", tokens=TokenUsage(prompt=1, completion=2, total=3))
    async with mine.messages.stream(chat.id) as answer:
        await answer.write("text")
        answer.attach(parts={"type": "text", "n": [1, "🐘"]})
        with pytest.raises(InvalidInputError):
            answer.attach(sources=[Source(title="T", url="javascript:x", snippet="s")])
        done = await answer.finish(
            sources=sources, metadata=metadata, usage=NewUsage(completion_tokens=9, cost="0.25")
        )
        with pytest.raises(ConfigError, match="has ended"):
            await answer.write("more")
    stored = await mine.messages.get(answer.id)
    assert stored == done
    assert (stored.sources, stored.metadata, stored.parts) == (
        sources,
        metadata,
        {"type": "text", "n": [1, "🐘"]},
    )
    used = await mine.usage.find(answer.id)
    assert used is not None
    assert (used.completion_tokens, used.total_tokens, used.chat_id) == (9, 9, chat.id)


async def test_an_answer_stands_beside_an_old_one(mine: UserScope, chat: Chat) -> None:
    asked, old = await mine.messages.append(
        chat.id,
        NewMessage(role="user", content="?"),
        NewMessage(role="assistant", content="old"),
    )
    async with mine.messages.stream(chat.id, beside=old.id) as answer:
        await answer.write("new")
    siblings = await mine.messages.siblings(old.id)
    assert [(m.content, m.parent_id) for m in siblings] == [("old", asked.id), ("new", asked.id)]
    shown = await mine.messages.list(chat.id, after="start")
    assert [m.content for m in shown.items] == ["?", "new"]
    async with mine.messages.stream(chat.id, parent_id=old.id) as answer:
        await answer.write("after the old one")
    shown = await mine.messages.list(chat.id, after="start")
    assert [m.content for m in shown.items] == ["?", "old", "after the old one"]
    async with mine.messages.stream(chat.id, parent_id=None) as answer:
        pass
    assert (await mine.messages.get(answer.id)).parent_id is None


async def test_what_cannot_begin_says_why(
    mine: UserScope, chat: Chat, db: Database, stranger: User
) -> None:
    other = await mine.chats.create(title="Other")
    (there,) = await mine.messages.append(other.id, NewMessage(role="user", content="x"))
    with pytest.raises(MessageNotFoundError):
        await mine.messages.stream(chat.id, beside=there.id).begin()
    with pytest.raises(MessageNotFoundError):
        await mine.messages.stream(chat.id, parent_id=there.id).begin()
    with pytest.raises(AlreadyExistsError):
        await mine.messages.stream(chat.id, id=there.id).begin()
    for scope in (mine, db.as_user(stranger.id)):
        with pytest.raises(ChatNotFoundError):
            await scope.messages.stream(chat.id if scope is not mine else "nope").begin()
    async with mine.messages.stream(chat.id) as answer:
        with pytest.raises(ConfigError, match="begun already"):
            await answer.begin()


WRONG = [
    {"flush_after": timedelta()},
    {"flush_after": timedelta(minutes=5)},
    {"flush_after": 0.25},
    {"on_running": "wait"},
    {"role": "robot"},
    {"id": ""},
    {"beside": "a", "parent_id": "b"},
    {"nonsense": 1},
]


def test_options_are_checked_at_once(mine: UserScope, chat: Chat) -> None:
    for options in WRONG:
        with pytest.raises(InvalidInputError):
            mine.messages.stream(chat.id, **options)


async def test_text_that_cannot_be_stored_is_refused_and_the_rest_kept(
    mine: UserScope, chat: Chat
) -> None:
    async with mine.messages.stream(chat.id) as answer:
        await answer.write("a" * 99_999)
        for wrong in ("\0", "\ud83d", b"b", "bb"):
            with pytest.raises(InvalidInputError):
                await answer.write(wrong)
        await answer.write("é")
    assert (await mine.messages.get(answer.id)).content == "a" * 99_999 + "é"


async def test_outside_of_its_block_nothing_can_be_written(mine: UserScope, chat: Chat) -> None:
    answer = mine.messages.stream(chat.id)
    for call in (answer.write("x"), answer.flush(), answer.finish(), answer.wait()):
        with pytest.raises(ConfigError):
            await call
    async with answer:
        pass
    with pytest.raises(ConfigError):
        await answer.write("x")


async def test_a_transaction_streams_nothing(db: Database, mine: UserScope, chat: Chat) -> None:
    async with db.transaction() as tx:
        inside = tx.as_user(mine.user_id).messages
        with pytest.raises(ConfigError, match="outside of transactions"):
            await inside.stream(chat.id).begin()
        with pytest.raises(ConfigError, match="outside of transactions"):
            async for _ in inside.follow("msg"):
                raise AssertionError


async def test_stop_ends_an_answer_from_elsewhere(
    db: Database, mine: UserScope, chat: Chat, stranger: User
) -> None:
    assert await mine.messages.stop_answer(chat.id) is None
    with pytest.raises(AnswerTakenOverError):
        async with mine.messages.stream(chat.id) as answer:
            await answer.write("so far")
            await answer.flush()
            with pytest.raises(ChatNotFoundError):
                await db.as_user(stranger.id).messages.stop_answer(chat.id)
            stopped = await mine.messages.stop_answer(chat.id)
    assert stopped is not None
    assert (stopped.id, stopped.content, stopped.status) == (answer.id, "so far", "interrupted")
    with pytest.raises(ChatNotFoundError):
        await mine.messages.stop_answer("nope")


@pytest.mark.parametrize("hard", [True, False])
async def test_an_answer_that_is_deleted_while_it_is_written(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema, hard: bool
) -> None:
    answer = await mine.messages.stream(chat.id).__aenter__()
    await answer.write("x")
    await answer.flush()
    await mine.messages.delete(answer.id, hard=hard)
    if hard:
        with pytest.raises(AnswerTakenOverError):
            await answer.finish()
    else:
        await answer.finish()
        assert (await mine.messages.restore(answer.id)).content == "x"
    assert await left(db, schema) == (0, 0)


async def silence(db: Database, schema: deepsearch.Schema, seconds: int) -> None:
    """Let every running answer's last sign be so long ago."""
    running = schema.running_answers
    earlier = running.c.updated_at - text(f"interval '{seconds} seconds'")
    await db.execute(update(running).values(updated_at=earlier))


async def test_the_sweep_ends_answers_of_dead_writers_alone(
    db: Database, mine: UserScope, schema: deepsearch.Schema
) -> None:
    answers = []
    for number in range(3):
        chat = await mine.chats.create(title=f"{number}")
        answer = await mine.messages.stream(chat.id).__aenter__()
        for piece in ("one ", "two 🐘 ", f"{number}"):
            await answer.write(piece)
            await answer.flush()
        answers.append(answer)
    assert await db.messages.sweep_interrupted() == 0
    await silence(db, schema, 61)
    await answers[2].write("alive")
    await answers[2].flush()
    assert await db.messages.sweep_interrupted() == 2
    assert await db.messages.sweep_interrupted() == 0
    for number, answer in enumerate(answers[:2]):
        stored = await mine.messages.get(answer.id)
        assert (stored.content, stored.status) == (f"one two 🐘 {number}", "interrupted")
        with pytest.raises(AnswerTakenOverError):
            await answer.finish()
    assert (await answers[2].finish()).content == "one two 🐘 2alive"
    assert await left(db, schema) == (0, 0)
    for wrong in (timedelta(seconds=-1), 60):
        with pytest.raises(InvalidInputError):
            await db.messages.sweep_interrupted(older_than=wrong)


async def test_a_dead_writer_does_not_block_its_chat(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema
) -> None:
    dead = await mine.messages.stream(chat.id).__aenter__()
    await dead.write("so far")
    await dead.flush()
    await silence(db, schema, 61)
    async with mine.messages.stream(chat.id) as answer:
        await answer.write("again")
    stored = await mine.messages.get(dead.id)
    assert (stored.content, stored.status) == ("so far", "interrupted")
    with pytest.raises(AnswerTakenOverError):
        await dead.finish()
