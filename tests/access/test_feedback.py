"""What users think of answers: one opinion for each, changed in one statement, gone with its message."""

import asyncio
from typing import Any

import pytest

from chatkeep import (
    END,
    Chat,
    ChatNotFoundError,
    Database,
    FeedbackNotFoundError,
    InvalidCursorError,
    InvalidInputError,
    Message,
    MessageNotFoundError,
    NewMessage,
    User,
)
from chatkeep.access.scope import UserScope


async def answer(mine: UserScope, chat: Chat) -> Message:
    (message,) = await mine.messages.append(chat.id, NewMessage(role="assistant", content="a"))
    return message


async def test_an_opinion_is_given_changed_and_taken_back(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    message = await answer(mine, chat)
    with db.statements() as sent:
        first = await mine.feedback.give(message.id, vote=1)
        second = await mine.feedback.give(message.id, comment="Ünklar 🐘")
        third = await mine.feedback.give(message.id, vote=-1)
        fourth = await mine.feedback.give(message.id, vote=None, comment="still")
    assert sent.names == ["message_feedback.give"] * 4
    assert [(f.vote, f.comment) for f in (first, second, third, fourth)] == [
        (1, None),
        (1, "Ünklar 🐘"),
        (-1, "Ünklar 🐘"),
        (None, "still"),
    ]
    assert first.created_at == fourth.created_at
    assert first.updated_at < fourth.updated_at
    assert await mine.feedback.get(message.id) == await db.feedback.get(message.id) == fourth
    await mine.feedback.remove(message.id)
    assert await mine.feedback.find(message.id) is None
    for call in (mine.feedback.get(message.id), mine.feedback.remove(message.id)):
        with pytest.raises(FeedbackNotFoundError):
            await call


async def test_of_many_at_once_one_row_is_left(mine: UserScope, chat: Chat) -> None:
    message = await answer(mine, chat)
    votes: list[Any] = [1, -1] * 4
    await asyncio.gather(*(mine.feedback.give(message.id, vote=vote) for vote in votes))
    (stored,) = (await mine.feedback.list(chat.id)).items
    assert stored.vote in votes


@pytest.mark.parametrize(
    "given", [{}, {"vote": 0}, {"vote": 2}, {"vote": "1"}, {"comment": "x" * 10_001}, {"stars": 5}]
)
async def test_what_is_no_opinion_is_refused(
    db: Database, mine: UserScope, chat: Chat, given: dict[str, Any]
) -> None:
    message = await answer(mine, chat)
    with db.statements() as sent, pytest.raises(InvalidInputError):
        await mine.feedback.give(message.id, **given)
    assert sent.names == []


async def test_a_message_that_is_not_there_has_no_feedback(
    db: Database, mine: UserScope, chat: Chat, stranger: User
) -> None:
    message = await answer(mine, chat)
    await mine.feedback.give(message.id, vote=1)
    theirs = db.as_user(stranger.id).feedback
    for feedback, message_id in (
        (theirs, message.id),
        (mine.feedback, "msg_none"),
        (db.feedback, "msg_none"),
    ):
        with pytest.raises(MessageNotFoundError):
            await feedback.give(message_id, vote=-1)
        with pytest.raises(FeedbackNotFoundError):
            await feedback.get(message_id)
        with pytest.raises(FeedbackNotFoundError):
            await feedback.remove(message_id)
    with pytest.raises(ChatNotFoundError):
        await theirs.list(chat.id)
    assert (await mine.feedback.get(message.id)).vote == 1


async def test_it_goes_into_the_trash_and_comes_back_with_its_message(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    message = await answer(mine, chat)
    stored = await mine.feedback.give(message.id, vote=1, comment="good")
    await mine.messages.delete(message.id)
    assert await mine.feedback.find(message.id) is None
    assert (await mine.feedback.list(chat.id)).items == []
    assert (await db.feedback.list(chat.id)).items == []
    with pytest.raises(MessageNotFoundError):
        await mine.feedback.give(message.id, vote=-1)
    with pytest.raises(FeedbackNotFoundError):
        await mine.feedback.remove(message.id)
    await mine.messages.restore(message.id)
    assert await mine.feedback.get(message.id) == stored
    await mine.chats.delete(chat.id)
    assert await mine.feedback.find(message.id) is None
    with pytest.raises(ChatNotFoundError):
        await mine.feedback.list(chat.id)
    await mine.chats.restore(chat.id)
    assert (await mine.feedback.list(chat.id)).items == [stored]
    await mine.messages.delete(message.id, hard=True)
    assert (await mine.feedback.list(chat.id)).items == []


async def test_a_list_is_of_one_chat_and_has_pages(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    other = await mine.chats.create(title="other")
    await mine.feedback.give((await answer(mine, other)).id, vote=1)
    wanted = [
        await mine.feedback.give((await answer(mine, chat)).id, comment=f"{n}") for n in range(5)
    ]
    wanted.reverse()
    for feedback in (mine.feedback, db.feedback):
        page = await feedback.list(chat.id, limit=2)
        second = await feedback.list(chat.id, limit=2, after=page.next_cursor)
        last = await feedback.list(chat.id, limit=2, after=second.next_cursor)
        assert page.items + second.items + last.items == wanted
        assert last.next_cursor is None
        assert (await feedback.list(chat.id, limit=2, before=END)).items == wanted[3:]
    with pytest.raises(InvalidCursorError):
        await mine.feedback.list(other.id, after=page.next_cursor)


async def test_no_feedback_is_no_missing_chat(mine: UserScope, chat: Chat) -> None:
    assert (await mine.feedback.list(chat.id)).items == []
    with pytest.raises(ChatNotFoundError):
        await mine.feedback.list("chat_none")
