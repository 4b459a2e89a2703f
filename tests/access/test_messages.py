"""Messages of a chat: order, pages, content."""

import asyncio

import pytest
from sqlalchemy import bindparam, select, text

from chatkeep import (
    START,
    AlreadyExistsError,
    Chat,
    ChatNotFoundError,
    Database,
    InvalidCursorError,
    InvalidInputError,
    MessageMetadata,
    MessageNotFoundError,
    NewMessage,
    Source,
    StoredDataError,
    TokenUsage,
)
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch


def said(*texts: str) -> list[NewMessage]:
    return [NewMessage(role="user", content=text) for text in texts]


def contents(messages: list) -> list[str]:
    return [message.content for message in messages]


async def test_messages_are_stored_in_the_order_given_in_one_statement(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    with db.statements() as sent:
        stored = await mine.messages.append(chat.id, *said("a", "b", "c"))
    assert sent.names == ["messages.append"]
    assert contents(stored) == ["a", "b", "c"]
    assert stored[0].seq < stored[1].seq < stored[2].seq
    assert {message.user_id for message in stored} == {mine.user_id}


async def test_a_message_comes_back_as_it_was(mine: UserScope, chat: Chat) -> None:
    new = NewMessage(
        role="assistant",
        content='Zürich, 東京, 🐘, "quotes", \\ and\nlines' + "é" * 5000,
        sources=[
            Source(title="T", url="https://example.com/ä", snippet="s", favicon=None),
            Source(title="U", url="https://example.com", snippet="", favicon="https://e.com/f"),
        ],
        metadata=MessageMetadata(
            search_query="q",
            crawled_urls=["https://e.com"],
            model="m",
            tokens=TokenUsage(prompt=1, completion=2, total=3),
            processing_time=12.5,
        ),
    )
    (stored,) = await mine.messages.append(chat.id, new)
    found = await mine.messages.get(new.id)
    assert stored == found
    assert (found.content, found.sources, found.metadata) == (
        new.content,
        new.sources,
        new.metadata,
    )


async def test_an_append_moves_the_chat(mine: UserScope, chat: Chat) -> None:
    await mine.messages.append(chat.id, *said("a"))
    assert (await mine.chats.get(chat.id)).updated_at > chat.updated_at


async def test_all_or_none(mine: UserScope, chat: Chat) -> None:
    (first,) = await mine.messages.append(chat.id, *said("a"))
    with pytest.raises(AlreadyExistsError, match="another message with this id"):
        await mine.messages.append(
            chat.id, *said("b"), NewMessage(id=first.id, role="user", content="c")
        )
    assert await mine.messages.count(chat.id) == 1


@pytest.mark.parametrize("number", [0, 1001])
async def test_too_few_or_too_many_are_refused(mine: UserScope, chat: Chat, number: int) -> None:
    with pytest.raises(InvalidInputError, match=f"not {number}"):
        await mine.messages.append(chat.id, *(said("x") * number))


async def test_a_thousand_at_once(mine: UserScope, chat: Chat) -> None:
    stored = await mine.messages.append(chat.id, *said(*(f"{n}" for n in range(1000))))
    assert contents(stored) == [f"{n}" for n in range(1000)]


async def test_something_that_is_no_message_is_refused(mine: UserScope, chat: Chat) -> None:
    with pytest.raises(InvalidInputError, match="messages takes an input"):
        await mine.messages.append(chat.id, "hello")  # type: ignore[arg-type]


async def test_pages_go_back_from_the_newest(db: Database, mine: UserScope, chat: Chat) -> None:
    await mine.messages.append(chat.id, *said(*(f"{n}" for n in range(7))))
    seen: list[str] = []
    cursor = None
    with db.statements() as sent:
        while True:
            page = await mine.messages.list(chat.id, limit=3, before=cursor)
            seen += contents(page.items)
            cursor = page.next_cursor
            if cursor is None:
                break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert sent.names == ["messages.list_before"] * 3


async def test_pages_go_forward_from_the_start(db: Database, mine: UserScope, chat: Chat) -> None:
    await mine.messages.append(chat.id, *said(*(f"{n}" for n in range(7))))
    seen: list[str] = []
    cursor: str | None = START
    while cursor is not None:
        page = await mine.messages.list(chat.id, limit=3, after=cursor)
        seen += contents(page.items)
        cursor = page.next_cursor
    assert seen == ["0", "1", "2", "3", "4", "5", "6"]


async def test_a_cursor_turns_round(mine: UserScope, chat: Chat) -> None:
    await mine.messages.append(chat.id, *said("a", "b", "c", "d"))
    page = await mine.messages.list(chat.id, limit=2)
    assert contents((await mine.messages.list(chat.id, after=page.next_cursor)).items) == ["d"]


async def test_new_messages_do_not_shift_the_next_page(mine: UserScope, chat: Chat) -> None:
    await mine.messages.append(chat.id, *said("a", "b", "c", "d"))
    page = await mine.messages.list(chat.id, limit=2)
    await mine.messages.append(chat.id, *said("e", "f"))
    after = await mine.messages.list(chat.id, limit=2, before=page.next_cursor)
    assert contents(after.items) == ["b", "a"]


async def test_a_cursor_of_another_chat_is_refused(mine: UserScope, chat: Chat) -> None:
    other = await mine.chats.create(title="other")
    await mine.messages.append(chat.id, *said("a", "b"))
    page = await mine.messages.list(chat.id, limit=1)
    for cursor in (page.next_cursor, "x", ""):
        with pytest.raises(InvalidCursorError):
            await mine.messages.list(other.id, before=cursor)
    with pytest.raises(InvalidInputError, match="not both"):
        await mine.messages.list(chat.id, before=page.next_cursor, after=page.next_cursor)


async def test_an_empty_chat_is_no_missing_chat(mine: UserScope, chat: Chat) -> None:
    assert (await mine.messages.list(chat.id)).items == []
    assert await mine.messages.count(chat.id) == 0
    for call in (
        mine.messages.list("chat_none"),
        mine.messages.count("chat_none"),
        mine.messages.append("chat_none", *said("x")),
    ):
        with pytest.raises(ChatNotFoundError):
            await call


async def test_delete(mine: UserScope, chat: Chat) -> None:
    (message,) = await mine.messages.append(chat.id, *said("a"))
    await mine.messages.delete(message.id)
    assert await mine.messages.find(message.id) is None
    for call in (mine.messages.get(message.id), mine.messages.delete(message.id)):
        with pytest.raises(MessageNotFoundError):
            await call


async def test_trusted_code_reaches_every_users_messages(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    (message,) = await db.messages.append(chat.id, *said("a"))
    assert message.user_id == mine.user_id
    assert (await db.messages.list(chat.id)).items == [message]
    assert (await db.messages.list(chat.id, after=START)).items == [message]
    assert await db.messages.count(chat.id) == 1
    await db.messages.delete(message.id)
    with pytest.raises(ChatNotFoundError):
        await db.messages.list("chat_none")


async def test_a_follower_of_seq_misses_nothing(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema
) -> None:
    """Writers commit late and out of step; a reader that goes on from the last seq sees all."""
    table = schema.messages
    newer = db.prepare(
        select(table.c.seq, table.c.content)
        .where(
            table.c.user_id == mine.user_id,
            table.c.chat_id == chat.id,
            table.c.seq > bindparam("last"),
        )
        .order_by(table.c.seq)
    )
    seen: list[str] = []
    writers = asyncio.Event()

    async def write(writer: int) -> None:
        for n in range(15):
            async with db.transaction() as tx:
                await tx.as_user(mine.user_id).messages.append(chat.id, *said(f"{writer}.{n}"))
                await asyncio.sleep(0.001 * (writer % 3))

    async def follow() -> None:
        last = 0
        while True:
            was_done = writers.is_set()
            rows = await newer.all(last=last)
            seen.extend(content for _, content in rows)
            last = rows[-1][0] if rows else last
            if was_done and not rows:
                return

    follower = asyncio.create_task(follow())
    await asyncio.gather(*(write(writer) for writer in range(6)))
    writers.set()
    await follower
    assert len(seen) == len(set(seen)) == 90


async def test_what_another_program_stored_wrongly_is_named(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    (message,) = await mine.messages.append(chat.id, *said("a"))
    table = db._catalogue.schema.tables["messages"]
    await db.all(
        text(
            f"""update "{table.name}" set sources = '{{"s3cret": 1}}' where id = '{message.id}'
            returning id"""
        ).columns(table.c.id)
    )
    with pytest.raises(StoredDataError, match=r'message", column "sources"') as caught:
        await mine.messages.get(message.id)
    assert "s3cret" not in str(caught.value)
