"""A chat as a tree: all branches in one order, the real trees in and out, pages."""

from typing import Any

import pytest

from chatkeep import (
    START,
    Chat,
    ChatNotFoundError,
    Database,
    InvalidCursorError,
    InvalidInputError,
    Message,
    NewChat,
    NewMessage,
)
from chatkeep.access.scope import UserScope
from chatkeep.demo.trees import conversation, tree_of, trees


def said(text: str, **given: Any) -> NewMessage:
    return NewMessage(role="user", content=text, **given)


async def whole(mine: UserScope, chat_id: str, limit: int = 1000) -> list[Message]:
    found: list[Message] = []
    cursor: str | None = START
    while cursor is not None:
        page = await mine.chats.tree(chat_id, limit, after=cursor)
        found += page.items
        cursor = page.next_cursor
    return found


async def test_all_100_trees_come_out_as_they_went_in(
    way: str, mine: UserScope, db: Database
) -> None:
    step = 1 if way == "18" else 10
    number = 0
    for tree in list(trees())[::step]:
        given = conversation(tree)
        chat = await mine.chats.create(NewChat(id=given.chat_id, title=given.title))
        with db.statements() as sent:
            stored = await mine.messages.append(chat.id, *given.messages)
        assert len(sent.names) == 1
        number += len(stored)
        with db.statements() as sent:
            page = await mine.chats.tree(chat.id)
        assert sent.names == ["messages.tree"]
        assert page.next_cursor is None
        assert tree_of(page.items) == tree
        await mine.chats.move_head(chat.id, given.shown)
        shown = (await mine.messages.list(chat.id, after=START)).items
        assert [message.id for message in shown] == first_replies(tree)
    assert number == 1167 or step > 1


def first_replies(tree: dict[str, Any]) -> list[str]:
    found, level = [], [tree["prompt"]]
    while level:
        found.append(f"msg_{level[0]['message_id']}")
        level = level[0]["replies"]
    return found


async def test_an_import_that_is_made_again_adds_nothing(mine: UserScope, chat: Chat) -> None:
    messages = conversation(list(trees())[7]).messages
    first = await mine.messages.append(chat.id, *messages)
    assert await mine.messages.append(chat.id, *messages) == first
    assert await mine.messages.count(chat.id) == len(messages)


async def test_a_tree_of_a_thousand_goes_in_with_one_call(mine: UserScope, chat: Chat) -> None:
    messages = [said("root", id="msg_0")]
    messages += [
        said(f"{n}", id=f"msg_{n}", parent_id=f"msg_{(n - 1) // 3}") for n in range(1, 1000)
    ]
    await mine.messages.append(chat.id, *messages)
    stored = (await mine.chats.tree(chat.id)).items
    assert [(m.id, m.parent_id) for m in stored] == [(m.id, m.parent_id) for m in messages]
    branch = (await mine.messages.list(chat.id, after=START)).items
    assert [message.id for message in branch] == path_to(999)


def path_to(number: int) -> list[str]:
    path = [number]
    while path[0]:
        path.insert(0, (path[0] - 1) // 3)
    return [f"msg_{n}" for n in path]


async def test_what_is_followed_comes_first_and_replies_in_their_order(
    mine: UserScope, chat: Chat
) -> None:
    (first,) = await mine.messages.append(chat.id, said("question"))
    (answer,) = await mine.messages.append(chat.id, said("answer"))
    await mine.messages.edit(answer.id, said("another"))
    await mine.messages.edit(first.id, said("put otherwise"))
    await mine.messages.append(chat.id, said("late", parent_id=answer.id))
    stored = await whole(mine, chat.id)
    by_id = {message.id: message.content for message in stored}
    assert [(m.content, by_id.get(m.parent_id or "")) for m in stored] == [
        ("question", None),
        ("answer", "question"),
        ("another", "question"),
        ("put otherwise", None),
        ("late", "answer"),
    ]


@pytest.mark.parametrize("limit", [1, 3, 4])
async def test_pages_of_a_tree_leave_nothing_out(mine: UserScope, chat: Chat, limit: int) -> None:
    await mine.messages.append(chat.id, *conversation(list(trees())[7]).messages)
    assert await whole(mine, chat.id, limit) == await whole(mine, chat.id)


async def test_what_is_in_the_trash_is_no_part_of_the_tree(mine: UserScope, chat: Chat) -> None:
    first, second, third = await mine.messages.append(chat.id, said("1"), said("2"), said("3"))
    await mine.messages.delete(second.id)
    stored = (await mine.chats.tree(chat.id)).items
    assert [(m.id, m.parent_id) for m in stored] == [(first.id, None), (third.id, second.id)]
    await mine.chats.delete(chat.id)
    with pytest.raises(ChatNotFoundError):
        await mine.chats.tree(chat.id)


async def test_an_empty_chat_has_an_empty_tree_and_none_has_none(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    assert (await mine.chats.tree(chat.id)).items == []
    assert (await db.chats.tree(chat.id)).items == []
    for chats in (mine.chats, db.chats):
        with pytest.raises(ChatNotFoundError):
            await chats.tree("chat_none")
    with pytest.raises(InvalidInputError):
        await mine.chats.tree(chat.id, 0)


async def test_a_cursor_of_another_tree_is_refused(mine: UserScope, chat: Chat) -> None:
    other = await mine.chats.create(title="other")
    await mine.messages.append(chat.id, said("1"), said("2"))
    page = await mine.chats.tree(chat.id, 1)
    with pytest.raises(InvalidCursorError):
        await mine.chats.tree(other.id, after=page.next_cursor)
    listed = await mine.messages.list(chat.id, 1)
    with pytest.raises(InvalidCursorError):
        await mine.chats.tree(chat.id, after=listed.next_cursor)


async def test_trusted_code_reads_every_users_tree(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    stored = await mine.messages.append(chat.id, said("1"), said("2"))
    assert (await db.chats.tree(chat.id)).items == stored
