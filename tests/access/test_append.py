"""Appends that are made again, at once, or for a state of the chat that is gone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from chatkeep import (
    AlreadyExistsError,
    Chat,
    ChatkeepError,
    ChatNotFoundError,
    Database,
    InvalidInputError,
    NewMessage,
    NewUser,
    RevisionConflictError,
    User,
)
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.proxy import FaultProxy
from fixtures.servers import PgServer

WAITING = select(func.count()).select_from(
    text("pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")
)


def said(*texts: str, label: str | None = None) -> list[NewMessage]:
    """Messages; with a label they have ids of the caller's own."""
    return [
        NewMessage(role="user", content=text)
        if label is None
        else NewMessage(id=f"msg_{label}_{number}", role="user", content=text)
        for number, text in enumerate(texts)
    ]


async def test_a_revision_that_is_gone_is_refused(mine: UserScope, chat: Chat) -> None:
    await mine.messages.append(chat.id, *said("a"), expected_revision=chat.revision)
    for new in (said("b"), said("b", "c"), said("b", label="x")):
        with pytest.raises(RevisionConflictError):
            await mine.messages.append(chat.id, *new, expected_revision=chat.revision)
    assert await mine.messages.count(chat.id) == 1
    assert (await mine.chats.get(chat.id)).revision == chat.revision + 1
    with pytest.raises(ChatNotFoundError):
        await mine.messages.append("none", *said("a"), expected_revision=0)
    wrong: Any
    for wrong in ("1", 1.5, True):
        with pytest.raises(InvalidInputError):
            await mine.messages.append(chat.id, *said("a"), expected_revision=wrong)


async def test_of_writers_for_one_revision_one_wins(mine: UserScope, chat: Chat) -> None:
    """Each reads the revision and writes for it: no two of them write for the same one."""
    written: list[int] = []

    async def write(writer: int) -> None:
        for turn in range(5):
            while True:
                revision = (await mine.chats.get(chat.id)).revision
                new = said(*"ab"[: 1 + turn % 2])
                try:
                    await mine.messages.append(chat.id, *new, expected_revision=revision)
                except RevisionConflictError:
                    continue
                written.append(revision)
                break

    await asyncio.gather(*(write(writer) for writer in range(6)))
    assert sorted(written) == list(range(chat.revision, chat.revision + 30))
    assert await mine.messages.count(chat.id) == 6 * (1 + 2 + 1 + 2 + 1)


@pytest.mark.parametrize("texts", ["a", "abc"])
async def test_a_retry_adds_nothing_and_gives_what_is_stored(
    db: Database, mine: UserScope, chat: Chat, texts: str
) -> None:
    new = said(*texts, label="retry")
    stored = await mine.messages.append(chat.id, *new, expected_revision=chat.revision)
    (later,) = await mine.messages.append(chat.id, *said("later"))
    before = await mine.chats.get(chat.id, messages=10)
    for expected in (None, chat.revision):
        again = await mine.messages.append(chat.id, *new, expected_revision=expected)
        assert again == stored
        async with db.transaction() as tx:
            scoped = tx.as_user(mine.user_id).messages
            assert await scoped.append(chat.id, *new, expected_revision=expected) == stored
            assert await scoped.get(later.id) == later  # the transaction goes on
    assert await mine.chats.get(chat.id, messages=10) == before


async def test_parts_are_compared_as_they_are_stored(mine: UserScope, chat: Chat) -> None:
    """A tuple as a list, a number as a number, and True is no 1."""
    new = NewMessage(id="msg_parts", role="user", content="a", parts={"a": (1, [(2,)], 1e20)})
    stored = await mine.messages.append(chat.id, new)
    assert stored[0].parts == {"a": [1, [[2]], 10**20]}
    assert await mine.messages.append(chat.id, new) == stored
    for parts in ({"a": (True, [(2,)], 1e20)}, {"a": (1, [()], 1e20)}, {"b": 1}, {"a": {}}):
        with pytest.raises(AlreadyExistsError):
            await mine.messages.append(chat.id, new.model_copy(update={"parts": parts}))


async def test_another_message_under_the_same_id_is_refused(
    db: Database, mine: UserScope, stranger: User, chat: Chat
) -> None:
    await mine.messages.append(chat.id, *said("a", "b", label="taken"))
    other = await mine.chats.create(title="Other")
    theirs = db.as_user(stranger.id)
    their_chat = await theirs.chats.create(title="Theirs")
    taken = said("a", "b", label="taken")
    for scope, where, new in (
        (mine, chat, said("other", label="taken")),
        (mine, chat, said("a", "other", label="taken")),
        (mine, chat, [*taken, *said("new", label="more")]),
        (mine, chat, [taken[0].model_copy(update={"role": "assistant"})]),
        (mine, chat, [taken[0].model_copy(update={"parts": {"a": 1}})]),
        (mine, other, taken),
        (theirs, their_chat, taken),
    ):
        with pytest.raises(AlreadyExistsError):
            await scope.messages.append(where.id, *new)
    assert await mine.messages.count(chat.id) == 2
    assert await mine.messages.count(other.id) == 0
    assert await theirs.messages.count(their_chat.id) == 0


async def test_retries_at_once_store_a_message_once(mine: UserScope, chat: Chat) -> None:
    """Who comes second is given what is stored, and no error: it is no other message."""
    for turn in range(10):
        new = said("a", "b", label=f"once{turn}")
        answers = await asyncio.gather(*(mine.messages.append(chat.id, *new) for _ in range(4)))
        stored = answers[0]
        assert answers == [stored] * 4
        assert await mine.messages.append(chat.id, *new) == stored
        assert await mine.messages.count(chat.id) == 2 * (turn + 1)
    assert (await mine.chats.get(chat.id)).revision == chat.revision + 10


@pytest.mark.parametrize(
    "way", ["18", pytest.param("15", marks=pytest.mark.needs("pg15"))], indirect=True
)
async def test_a_retry_that_waited_for_the_first_call_is_given_what_that_stored(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    new = said("a", label="waited")
    async with db.transaction() as tx:
        stored = await tx.as_user(mine.user_id).messages.append(chat.id, *new)
        again = asyncio.create_task(mine.messages.append(chat.id, *new))
        other = asyncio.create_task(mine.messages.append(chat.id, *said("other", label="waited")))
        async with asyncio.timeout(20):
            while await db.scalar(WAITING) < 2:
                await asyncio.sleep(0.01)
    assert await again == stored
    with pytest.raises(AlreadyExistsError):
        await other
    assert (await mine.chats.get(chat.id)).revision == chat.revision + 1


async def test_a_lost_answer_is_asked_for_again(
    pg18: PgServer, database_url: str, schema: deepsearch.Schema
) -> None:
    """The server stored the message, and the connection broke before it could say so."""
    await create_tables(schema, database_url)
    proxy = FaultProxy(Path(pg18.socket_dir) / ".s.PGSQL.5432", seed=5)
    await proxy.start()
    name = database_url.split("@/")[1].split("?", maxsplit=1)[0]
    try:
        async with Database(schema, proxy.url(name), max_connections=1) as db:
            mine = db.as_user((await db.users.create(NewUser(email="a@example.com"))).id)
            chat = await mine.chats.create(title="T")
            await mine.messages.append(chat.id, *said("warm"))
            for turn in range(5):
                new = said("a", label=f"lost{turn}")
                revision = (await mine.chats.get(chat.id)).revision
                proxy.faults, proxy.directions = {"drop": 1.0}, ("to_client",)
                with pytest.raises(ChatkeepError):
                    await mine.messages.append(chat.id, *new, expected_revision=revision)
                proxy.faults = {}
                again = await mine.messages.append(chat.id, *new, expected_revision=revision)
                assert [message.id for message in again] == [new[0].id]
                after = await mine.chats.get(chat.id)
                assert (after.revision, after.head) == (revision + 1, new[0].id)
            assert await mine.messages.count(chat.id) == 6
    finally:
        await proxy.stop()
