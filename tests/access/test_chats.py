"""Chats of a user."""

import pytest

from chatkeep import (
    AlreadyExistsError,
    Chat,
    ChatChanges,
    ChatNotFoundError,
    Database,
    InvalidCursorError,
    InvalidInputError,
    NewChat,
    NewMessage,
    ReferencedRowError,
    User,
)
from chatkeep.access.scope import UserScope


async def test_a_chat_comes_back_as_stored(db: Database, mine: UserScope) -> None:
    with db.statements() as sent:
        chat = await mine.chats.create(title="Postgres")
    assert sent.count == 1
    assert chat.id.startswith("chat_")
    assert await mine.chats.get(chat.id) == chat
    assert await mine.chats.find(chat.id) == chat


async def test_the_seeds_own_ids_are_as_good(mine: UserScope) -> None:
    chat = await mine.chats.create(
        NewChat(id="chat_0b4a4a10-1c0c-4c6f-8f7e-1a2b3c4d5e6f", title="x")
    )
    assert (await mine.chats.get(chat.id)).title == "x"
    with pytest.raises(AlreadyExistsError, match="chats: a row with this id"):
        await mine.chats.create(NewChat(id=chat.id, title="y"))


async def test_a_chat_and_its_first_message_are_one_statement(
    db: Database, mine: UserScope
) -> None:
    first = NewMessage(role="system", content="Hello!")
    with db.statements() as sent:
        chat = await mine.chats.create(title="x", first_message=first)
    assert sent.count == 1
    stored = await mine.chats.get(chat.id, messages=10)
    assert [(message.id, message.content) for message in stored.messages] == [(first.id, "Hello!")]


async def test_a_first_message_that_fails_leaves_no_chat(mine: UserScope) -> None:
    first = NewMessage(role="system", content="Hello!")
    await mine.chats.create(title="x", first_message=first)
    with pytest.raises(AlreadyExistsError, match="messages"):
        await mine.chats.create(title="y", first_message=first)
    assert await mine.chats.count() == 1


async def test_a_chat_needs_its_user(db: Database) -> None:
    with pytest.raises(ReferencedRowError):
        await db.as_user("nobody").chats.create(title="x")


async def test_a_chat_with_messages_is_one_statement_oldest_first(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    await mine.messages.append(
        chat.id, *(NewMessage(role="user", content=f"{n}") for n in range(5))
    )
    with db.statements() as sent:
        found = await mine.chats.get(chat.id, messages=3)
    assert sent.names == ["chats.get_with_messages"]
    assert [message.content for message in found.messages] == ["0", "1", "2"]
    assert found.messages == (await db.chats.get(chat.id, messages=3)).messages


async def test_an_empty_chat_has_an_empty_list(mine: UserScope, chat: Chat) -> None:
    assert (await mine.chats.get(chat.id, messages=3)).messages == []


async def test_the_list_is_by_last_activity(mine: UserScope) -> None:
    chats = [await mine.chats.create(title=f"{n}") for n in range(3)]
    await mine.messages.append(chats[0].id, NewMessage(role="user", content="again"))
    await mine.chats.update(chats[1].id, title="renamed")
    assert [chat.title for chat in (await mine.chats.list()).items] == ["renamed", "0", "2"]


async def test_pages_show_each_chat_once_also_with_equal_times(
    db: Database, mine: UserScope, user: User
) -> None:
    async with db.transaction() as tx:
        for n in range(11):
            await tx.as_user(user.id).chats.create(title=f"{n}")
    seen: list[str] = []
    cursor = None
    with db.statements() as sent:
        while True:
            page = await mine.chats.list(limit=4, after=cursor)
            seen += [chat.id for chat in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert sent.names == ["chats.list", "chats.list_after", "chats.list_after"]
    assert len(seen) == len(set(seen)) == 11


async def test_a_full_last_page_says_that_it_is_the_last(mine: UserScope) -> None:
    for n in range(4):
        await mine.chats.create(title=f"{n}")
    page = await mine.chats.list(limit=2)
    assert (await mine.chats.list(limit=2, after=page.next_cursor)).next_cursor is None


async def test_a_cursor_of_somebody_else_is_refused(
    db: Database, mine: UserScope, stranger: User
) -> None:
    for n in range(2):
        await mine.chats.create(title=f"{n}")
    page = await mine.chats.list(limit=1)
    with pytest.raises(InvalidCursorError):
        await db.as_user(stranger.id).chats.list(after=page.next_cursor)
    with pytest.raises(InvalidCursorError):
        await mine.chats.list(after="nonsense")


@pytest.mark.parametrize("limit", [0, 1001])
async def test_a_limit_out_of_bounds_is_refused(
    db: Database, mine: UserScope, chat: Chat, limit: int
) -> None:
    with db.statements() as sent:
        with pytest.raises(InvalidInputError, match="1 to 1000"):
            await mine.chats.list(limit=limit)
        with pytest.raises(InvalidInputError, match="1 to 1000"):
            await mine.chats.get(chat.id, messages=limit)
        with pytest.raises(InvalidInputError, match="1 to 1000"):
            await mine.messages.list(chat.id, limit=limit)
    assert sent.count == 0


async def test_changes_and_their_short_form(mine: UserScope, chat: Chat) -> None:
    assert (await mine.chats.update(chat.id, ChatChanges(title="one"))).title == "one"
    assert (await mine.chats.update(chat.id, title="two")).title == "two"
    assert (await mine.chats.update(chat.id)).title == "two"
    with pytest.raises(InvalidInputError, match="title"):
        await mine.chats.update(chat.id, title="x" * 501)


async def test_a_deleted_chat_takes_its_messages(mine: UserScope, chat: Chat) -> None:
    (message,) = await mine.messages.append(chat.id, NewMessage(role="user", content="x"))
    await mine.chats.delete(chat.id)
    assert await mine.messages.find(message.id) is None
    assert await mine.chats.count() == 0
    with pytest.raises(ChatNotFoundError):
        await mine.chats.delete(chat.id)


async def test_trusted_code_reaches_every_users_chats(
    db: Database, user: User, stranger: User
) -> None:
    first = await db.chats.create(user.id, title="a")
    second = await db.chats.create(stranger.id, title="b")
    assert [chat.id for chat in (await db.chats.list()).items] == [second.id, first.id]
    assert (await db.chats.update(first.id, title="c")).title == "c"
    assert await db.chats.count() == 2
    await db.chats.delete(second.id)
    assert await db.as_user(stranger.id).chats.count() == 0


@pytest.mark.parametrize("user_id", ["", None, 7])
async def test_a_scope_needs_an_id(db: Database, user_id: object) -> None:
    with pytest.raises(InvalidInputError, match="user_id must"):
        db.as_user(user_id)  # type: ignore[arg-type]


async def test_an_input_and_a_title_are_one_too_many(mine: UserScope) -> None:
    assert (await mine.chats.create()).title == "New Chat"
    assert (await mine.chats.create(NewChat(title="Given"))).title == "Given"
    with pytest.raises(InvalidInputError, match="not both"):
        await mine.chats.create(NewChat(title="Given"), title="Given too")


async def test_a_fork_leaves_out_what_is_still_being_written(mine: UserScope, chat: Chat) -> None:
    await mine.messages.append(chat.id, NewMessage(role="user", content="question"))
    async with mine.messages.stream(chat.id) as answer:
        await answer.write("so far")
        await answer.flush()
        for at in (None, answer.id):
            fork = await mine.chats.fork(chat.id, at=at)
            copies = (await mine.messages.list(fork.id)).items
            assert [(copy.content, copy.status) for copy in copies] == [("question", "complete")]
            assert fork.head == copies[0].id
