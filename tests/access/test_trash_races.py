"""Appends, deletes, restores and purges of one chat at once: nothing slips in between, none goes twice."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import exists, func, select, text

from chatkeep import (
    Chat,
    ChatNotFoundError,
    ConflictError,
    Database,
    MessageNotFoundError,
    NewMessage,
    NotFoundError,
)
from chatkeep.access.scope import UserScope
from chatkeep.presets import deepsearch

WAITING = select(func.count()).select_from(
    text("pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")
)


BOTH = pytest.mark.parametrize(
    "way", ["18", pytest.param("15", marks=pytest.mark.needs("pg15"))], indirect=True
)


@pytest.fixture
def way(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "18")


def said(content: str = "x") -> NewMessage:
    return NewMessage(role="user", content=content)


async def somebody_waits(db: Database, number: int = 1) -> None:
    async with asyncio.timeout(20):
        while await db.scalar(WAITING) < number:
            await asyncio.sleep(0.01)


@BOTH
async def test_a_message_that_was_appended_first_goes_and_comes_with_its_chat(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    async with db.transaction() as tx:
        (message,) = await tx.as_user(mine.user_id).messages.append(chat.id, said())
        deleting = asyncio.create_task(mine.chats.delete(chat.id))
        await somebody_waits(db)
    await deleting
    assert await mine.messages.find(message.id) is None
    await mine.chats.restore(chat.id)
    assert (await mine.messages.list(chat.id)).items == [message]


async def test_a_message_that_comes_too_late_finds_no_chat(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    async with db.transaction() as tx:
        await tx.as_user(mine.user_id).chats.delete(chat.id)
        appending = asyncio.create_task(mine.messages.append(chat.id, said()))
        await somebody_waits(db)
    with pytest.raises(ChatNotFoundError):
        await appending


@BOTH
async def test_what_was_appended_after_a_message_that_goes_for_good_is_mended(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    first, goes = await mine.messages.append(chat.id, said("first"), said("goes"))
    async with db.transaction() as tx:
        (after,) = await tx.as_user(mine.user_id).messages.append(chat.id, said("after"))
        removing = asyncio.create_task(mine.messages.delete(goes.id, hard=True))
        await somebody_waits(db)
    await removing
    assert (await mine.messages.get(after.id)).parent_id == first.id
    assert (await mine.chats.get(chat.id)).head == after.id


@BOTH
@pytest.mark.parametrize("call", ["move_head", "append", "append two", "edit"])
async def test_what_is_just_going_for_good_is_followed_by_nothing(
    db: Database, mine: UserScope, chat: Chat, call: str
) -> None:
    """Else a branch would end there, and what came before it would be shown no more."""
    first, goes, last = await mine.messages.append(chat.id, *map(said, ("first", "goes", "last")))
    after = NewMessage(role="user", content="after", parent_id=goes.id)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "move_head": lambda: mine.chats.move_head(chat.id, goes.id),
        "append": lambda: mine.messages.append(chat.id, after),
        "append two": lambda: mine.messages.append(chat.id, after, said()),
        "edit": lambda: mine.messages.edit(last.id, said("edited")),
    }
    async with db.transaction() as tx:
        await tx.as_user(mine.user_id).messages.delete(goes.id, hard=True)
        calling = asyncio.ensure_future(calls[call]())
        await somebody_waits(db)
    with pytest.raises(ConflictError if call == "edit" else MessageNotFoundError):
        await calling
    shown = (await mine.messages.list(chat.id, after="start")).items
    assert [message.id for message in shown] == [first.id, last.id]
    assert (await mine.chats.get(chat.id)).revision == chat.revision + 2


@BOTH
async def test_who_waited_for_another_append_comes_after_it(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    """Also with messages to follow, which are looked for once the chat is theirs."""
    first, second = await mine.messages.append(chat.id, said("first"), said("second"))
    async with db.transaction() as tx:
        await tx.as_user(mine.user_id).messages.append(chat.id, said("before"))
        beside = NewMessage(role="user", content="beside", parent_id=first.id)
        calls: list[Awaitable[object]] = [
            mine.messages.append(chat.id, beside),
            mine.messages.append(chat.id, beside.model_copy(update={"id": "msg_two"}), said()),
            mine.messages.edit(second.id, said("edited")),
            mine.chats.move_head(chat.id, first.id),
        ]
        waiting = [asyncio.ensure_future(call) for call in calls]
        await somebody_waits(db, len(waiting))
    await asyncio.gather(*waiting)
    assert (await mine.chats.get(chat.id)).revision == chat.revision + 2 + len(waiting)
    beside_second = await mine.messages.siblings(second.id)
    assert len(beside_second) == 4
    assert {message.parent_id for message in beside_second} == {first.id}


async def test_of_two_deletes_one_finds_it_and_it_is_counted_once(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema
) -> None:
    (message,) = await mine.messages.append(chat.id, said())
    for call, revision in (
        (lambda: mine.messages.delete(message.id), 2),
        (lambda: mine.messages.restore(message.id), 3),
        (lambda: mine.chats.delete(chat.id), 4),
        (lambda: mine.chats.restore(chat.id), 5),
    ):
        async with db.transaction() as tx:
            await tx.all(select(schema.chats.c.id).with_for_update())
            calls = [asyncio.create_task(call()) for _ in range(2)]
            await somebody_waits(db, 2)
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(result, NotFoundError) for result in done) == 1
        assert sum(isinstance(result, Exception) for result in done) == 1
        if revision != 4:
            assert (await mine.chats.get(chat.id)).revision == revision


async def test_a_purge_passes_over_what_somebody_restores(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    (message,) = await mine.messages.append(chat.id, said())
    await mine.chats.delete(chat.id)
    async with db.transaction() as tx:
        await tx.as_user(mine.user_id).chats.restore(chat.id)
        assert await db.chats.purge(older_than=timedelta()) == 0
    await mine.messages.delete(message.id)
    async with db.transaction() as tx:
        await tx.as_user(mine.user_id).messages.restore(message.id)
        assert await db.messages.purge(older_than=timedelta()) == 0
    assert (await mine.messages.list(chat.id)).items == [message]


async def test_what_is_being_purged_cannot_be_restored(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    keeps, goes = await mine.messages.append(chat.id, said("keeps"), said("goes"))
    await mine.messages.delete(goes.id)
    async with db.transaction() as tx:
        assert await tx.messages.purge(older_than=timedelta()) == 1
        restoring = asyncio.create_task(mine.messages.restore(goes.id))
        await somebody_waits(db)
    with pytest.raises(MessageNotFoundError):
        await restoring
    assert (await mine.chats.get(chat.id)).head == keeps.id
    await mine.chats.delete(chat.id)
    async with db.transaction() as tx:
        assert await tx.chats.purge(older_than=timedelta()) == 1
        reviving = asyncio.create_task(mine.chats.restore(chat.id))
        await somebody_waits(db)
    with pytest.raises(ChatNotFoundError):
        await reviving


async def test_an_append_that_waited_follows_nothing_that_went_for_good(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    (only,) = await mine.messages.append(chat.id, said("only"))
    async with db.transaction() as tx:
        await tx.as_user(mine.user_id).messages.delete(only.id, hard=True)
        appending = asyncio.create_task(mine.messages.append(chat.id, said("next")))
        await somebody_waits(db)
    (stored,) = await appending
    assert stored.parent_id is None


async def test_in_a_transaction_with_one_view_what_it_cannot_see_is_a_conflict(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    with pytest.raises(ConflictError):
        async with db.transaction(isolation="repeatable read") as tx:
            await tx.as_user(mine.user_id).chats.get(chat.id)
            await mine.messages.append(chat.id, said())
            await tx.as_user(mine.user_id).chats.delete(chat.id)
    assert await mine.messages.count(chat.id) == 1


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_at_once_chats_stay_whole(
    db: Database, mine: UserScope, schema: deepsearch.Schema, seed: int
) -> None:
    """Eight writers on two chats; what was acknowledged is there, and every link leads somewhere."""
    chats = [(await mine.chats.create(title="T")).id for _ in range(2)]
    ids = [f"msg_{seed}_{n}" for n in range(400)]
    names, stored = count(), set[str]()
    removed: set[str] = set()

    async def write(chance: random.Random) -> None:
        for _ in range(25):
            chat, some = chance.choice(chats), chance.choice([*stored] or ["none"])
            name = ids[next(names)]

            async def append(chat: str = chat, name: str = name) -> None:
                await mine.messages.append(
                    chat, NewMessage(id=name, role="user", content=f"{chat} {name}")
                )
                stored.add(name)

            async def remove(some: str = some) -> None:
                removed.add(some)
                await mine.messages.delete(some, hard=True)

            async def purge() -> None:
                removed.update(stored)  # any of them may be in the trash
                await db.messages.purge(older_than=timedelta(), limit=chance.randint(1, 9))

            steps: list[tuple[int, object]] = [
                (9, append),
                (4, lambda some=some: mine.messages.delete(some)),
                (3, lambda some=some: mine.messages.restore(some)),
                (2, lambda chat=chat: mine.chats.delete(chat)),
                (4, lambda chat=chat: mine.chats.restore(chat)),
                (1, remove),
                (1 if seed else 0, purge),
            ]
            await tried(chance.choices([s for _, s in steps], [w for w, _ in steps])[0]())

    async with asyncio.TaskGroup() as group:
        for n in range(8):
            group.create_task(write(random.Random(seed * 100 + n)))
    messages, chat = schema.messages, schema.chats
    rows = {row[0]: row for row in await db.all(select(messages.c.id, messages.c.parent_id))}
    assert stored - removed <= rows.keys() <= stored
    assert all(parent is None or parent in rows for _, parent in rows.values())
    heads = await db.all(select(chat.c.head))
    assert all(head is None or head in rows for (head,) in heads)
    of_chat = (messages.c.user_id == chat.c.user_id) & (messages.c.chat_id == chat.c.id)
    stray = select(chat.c.id).where(
        exists().where(of_chat, messages.c.deleted_at.is_(None)), chat.c.deleted_at.is_not(None)
    )
    assert await db.all(stray) == []
    for name in chats:
        await tried(mine.chats.restore(name))
        tree = (await mine.chats.tree(name)).items
        seqs = {message.id: message.seq for message in tree}
        assert all(seqs.get(m.parent_id or "", 0) < m.seq for m in tree)


async def tried(call: Awaitable[object]) -> None:
    try:
        await call
    except NotFoundError:
        return
    except ConflictError as error:
        if error.__cause__ is not None:  # a deadlock
            raise
        # The chat went, and came back before it was asked for why nothing was stored.
