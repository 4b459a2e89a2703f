"""Reading an answer while it is written, from any place, by anybody who may."""

import asyncio
from datetime import timedelta

import pytest

from access.test_stream import SHORT, silence
from chatkeep import (
    Chat,
    Database,
    InvalidInputError,
    MessageNotFoundError,
    NewMessage,
    User,
)
from chatkeep.access.answers import Answer
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch
from chatkeep.records.answers import AnswerPiece

WORDS = ["Zürich ", "🐘", "👩‍👩‍👧 ", "東京\n", "x" * 300, " end"]
WHOLE = "".join(WORDS)


async def read(mine: UserScope, message_id: str, offset: int = 0) -> list[AnswerPiece]:
    async with asyncio.timeout(30):
        return [piece async for piece in mine.messages.follow(message_id, offset)]


def whole(pieces: list[AnswerPiece], offset: int = 0) -> str:
    """The text; each piece begins where the one before ended, and only the last one is the last."""
    for piece in pieces:
        assert piece.offset == offset
        offset = piece.end
    assert [piece.is_last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    return "".join(piece.text for piece in pieces)


async def test_readers_get_the_text_as_it_comes_and_the_status_at_last(
    mine: UserScope, chat: Chat
) -> None:
    async with mine.messages.stream(chat.id, flush_after=SHORT) as answer:
        readers = [asyncio.create_task(read(mine, answer.id)) for _ in range(3)]
        came = asyncio.create_task(first_piece(mine, answer.id))
        for word in WORDS:
            await answer.write(word)
            await answer.flush()
        assert WHOLE.startswith((await came).text)
    for pieces in await asyncio.gather(*readers):
        assert whole(pieces) == WHOLE
        assert pieces[-1].status == "complete"


async def first_piece(mine: UserScope, message_id: str) -> AnswerPiece:
    async for piece in mine.messages.follow(message_id):
        return piece
    raise AssertionError


OFFSETS = (0, 1, 7, 8, 9, 13, 17, 200, len(WHOLE), len(WHOLE) + 5)


async def test_a_reader_goes_on_from_any_character(mine: UserScope, chat: Chat) -> None:
    async with mine.messages.stream(chat.id) as answer:
        for word in WORDS[:-1]:
            await answer.write(word)
            await answer.flush()
        readers = [asyncio.create_task(read(mine, answer.id, offset)) for offset in OFFSETS]
        for offset in OFFSETS[:-2]:
            piece = await anext(mine.messages.follow(answer.id, offset))
            assert (piece.offset, piece.text) == (offset, WHOLE[offset:-4])
        await answer.write(WORDS[-1])
    for offset, reader in zip(OFFSETS, readers, strict=True):
        for pieces in (await reader, await read(mine, answer.id, offset)):
            assert whole(pieces, offset) == WHOLE[offset:]


async def test_an_ended_answer_is_one_piece(db: Database, mine: UserScope, chat: Chat) -> None:
    (message,) = await mine.messages.append(chat.id, NewMessage(role="user", content="🐘 b"))
    with db.statements() as sent:
        (piece,) = await read(mine, message.id, 1)
    assert (piece.offset, piece.text, piece.status, piece.end) == (1, " b", "complete", 3)
    assert sent.names == ["messages.see_answer"]
    assert (await read(db, message.id))[0].text == "🐘 b"  # trusted code


async def test_a_slow_reader_gets_all_at_once_and_keeps_nobody_waiting(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    async with mine.messages.stream(chat.id, flush_after=SHORT) as answer:
        await answer.write("first")
        await answer.flush()
        slow = mine.messages.follow(answer.id)
        assert (await anext(slow)).text == "first"
        for number in range(20):
            await answer.write(f"<{number}>")
            await answer.flush()
        with db.statements() as sent:
            piece = await anext(slow)
        assert piece.text == "".join(f"<{number}>" for number in range(20))
        assert [name for name in sent.names if "tell" not in name] == ["messages.see_answer"]
    assert [piece.status async for piece in slow] == ["complete"]


async def test_nobody_follows_what_is_not_theirs(
    db: Database, mine: UserScope, chat: Chat, stranger: User
) -> None:
    async with mine.messages.stream(chat.id) as answer:
        await answer.write("private")
        await answer.flush()
        for scope, message_id in ((db.as_user(stranger.id), answer.id), (mine, "nope")):
            with pytest.raises(MessageNotFoundError):
                await read(scope, message_id)
    for offset in (-1, 2**31, "0", True):
        with pytest.raises(InvalidInputError):
            await read(mine, answer.id, offset)


async def test_a_reader_of_a_deleted_answer_is_told(mine: UserScope, chat: Chat) -> None:
    answer = await mine.messages.stream(chat.id, flush_after=SHORT).__aenter__()
    await answer.write("x")
    await answer.flush()
    reader = mine.messages.follow(answer.id)
    assert (await anext(reader)).text == "x"
    await mine.messages.delete(answer.id)
    with pytest.raises(MessageNotFoundError):
        await anext(reader)
    await answer.finish()


async def test_a_reader_ends_the_answer_of_a_dead_writer(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema
) -> None:
    dead = await mine.messages.stream(chat.id).__aenter__()
    await dead.write("so far")
    await dead.flush()
    await silence(db, schema, 61)
    pieces = await read(mine, dead.id)
    assert (whole(pieces), pieces[-1].status) == ("so far", "interrupted")
    assert (await mine.messages.get(dead.id)).status == "interrupted"


async def test_an_answer_in_the_background_survives_its_caller(mine: UserScope, chat: Chat) -> None:
    goes_on = asyncio.Event()

    async def producer(answer: Answer) -> None:
        await answer.write("paid ")
        await goes_on.wait()
        await answer.write("for")

    answers: list[Answer] = []

    async def handler() -> None:
        answers.append(await mine.messages.run_answer(chat.id, producer))
        async for _ in mine.messages.follow(answers[0].id):
            pass

    request = asyncio.create_task(handler())
    while not answers:
        await asyncio.sleep(0)
    request.cancel()
    await asyncio.wait([request])
    goes_on.set()
    done = await answers[0].wait()
    assert (done.content, done.status) == ("paid for", "complete")
    assert await mine.messages.get(done.id) == done


async def test_an_error_in_the_background_is_stored_and_logged(
    mine: UserScope, chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    async def producer(answer: Answer) -> None:
        await answer.write("so far")
        raise ZeroDivisionError

    answer = await mine.messages.run_answer(chat.id, producer)
    with pytest.raises(ZeroDivisionError):
        await answer.wait()
    stored = await mine.messages.get(answer.id)
    assert (stored.content, stored.status) == ("so far", "error")
    assert "An answer in the background ended with ZeroDivisionError." in caplog.text
    with pytest.raises(ZeroDivisionError):
        await (await mine.messages.run_answer(chat.id, producer, beside=answer.id)).wait()


async def test_a_window_bounds_how_long_a_text_waits(mine: UserScope, chat: Chat) -> None:
    async with mine.messages.stream(chat.id, flush_after=timedelta(milliseconds=50)) as answer:
        for _ in range(5):
            await answer.write("x")
            async with asyncio.timeout(20):
                while answer.flushed < answer.written:
                    await asyncio.sleep(0.005)
