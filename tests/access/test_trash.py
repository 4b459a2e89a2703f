"""Delete, restore, trash and purge: what comes back, in which order, and what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Boolean, Column, Named, select, text, update

from chatkeep import (
    END,
    START,
    AlreadyExistsError,
    Chat,
    ChatNotFoundError,
    Database,
    InvalidCursorError,
    InvalidInputError,
    Message,
    MessageNotFoundError,
    NewChat,
    NewMessage,
    NewUser,
    TrashedChat,
    User,
)
from chatkeep.access.scope import UserScope
from chatkeep.access.trashed import live, trashed_record
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from chatkeep.records.deepsearch import TrashedMessage
from fixtures.servers import Databases, PgServer

EVERY_WAY = pytest.mark.parametrize(
    "way",
    [
        "18",
        pytest.param("15", marks=pytest.mark.needs("pg15")),
        pytest.param("18 behind pgbouncer", marks=pytest.mark.needs("pgbouncer")),
    ],
    indirect=True,
)


@pytest.fixture
def way(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "18")


def said(*contents: str) -> list[NewMessage]:
    return [NewMessage(role="user", content=content) for content in contents]


async def shown(mine: UserScope, chat: Chat) -> list[str]:
    page = await mine.messages.list(chat.id, after=START)
    return [message.content for message in page.items]


def contents(messages: list[Any]) -> list[str]:
    return [message.content for message in messages]


@EVERY_WAY
async def test_a_chat_comes_back_with_exactly_the_messages_that_went_with_it(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    a, b, _ = await mine.messages.append(chat.id, *said("a", "b", "c"))
    await mine.messages.delete(b.id)
    before = await mine.chats.get(chat.id, messages=10)
    with db.statements() as sent:
        await mine.chats.delete(chat.id)
    assert sent.names == ["chats.delete", "messages.delete_with_chat"]
    with pytest.raises(MessageNotFoundError):
        await mine.messages.restore(a.id)
    with pytest.raises(MessageNotFoundError):
        await mine.messages.restore(b.id)
    with db.statements() as sent:
        back = await mine.chats.restore(chat.id)
    assert sent.names == ["chats.hold", "chats.restore"]
    assert back == await mine.chats.get(chat.id)
    after = await mine.chats.get(chat.id, messages=10)
    assert msgspec.structs.replace(after, revision=before.revision) == before
    assert after.revision == before.revision + 2
    assert contents((await mine.messages.trash()).items) == ["b"]
    with db.statements() as sent:
        assert await mine.messages.restore(b.id) == b
        await mine.messages.delete(b.id)
    assert sent.names == ["messages.restore", "messages.delete"]


@EVERY_WAY
async def test_in_a_transaction_a_delete_is_of_it(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    (message,) = await mine.messages.append(chat.id, *said("a"))
    with pytest.raises(KeyError):
        async with db.transaction() as tx:
            inside = tx.as_user(mine.user_id)
            await inside.messages.delete(message.id)
            await inside.chats.delete(chat.id)
            assert await inside.chats.count() == 0
            await inside.chats.restore(chat.id)
            assert await inside.messages.count(chat.id) == 0
            await inside.messages.delete(message.id, hard=True)
            await inside.chats.delete(chat.id, hard=True)
            raise KeyError
    assert await shown(mine, chat) == ["a"]
    assert (await mine.chats.get(chat.id)).revision == 1


async def test_the_trash_is_paged_from_the_latest_deletion(
    mine: UserScope, db: Database, schema: deepsearch.Schema
) -> None:
    chats = [await mine.chats.create(NewChat(id=f"chat_{n}", title=str(n))) for n in range(7)]
    for chat in chats:
        await mine.chats.delete(chat.id)
    table = schema.chats
    same = datetime(2026, 1, 1, tzinfo=UTC)  # of one moment: the id decides
    tied = update(table).where(table.c.id.in_(["chat_2", "chat_3", "chat_4"]))
    await db.execute(tied.values(deleted_at=same))
    wanted = ["6", "5", "1", "0", "4", "3", "2"]
    for trash in (mine.chats.trash, db.chats.trash):
        for turn, order in (({"after": START}, wanted), ({"before": END}, wanted[::-1])):
            found: list[str] = []
            given: dict[str, Any] = turn
            while True:
                page = await trash(limit=3, **given)
                titles = [chat.title for chat in page.items]
                found += titles if "after" in turn else titles[::-1]
                cursor = page.next_cursor if "after" in turn else page.previous_cursor
                if cursor is None:
                    break
                given = dict.fromkeys(turn, cursor)
            assert found == order
    first = (await mine.chats.trash(limit=1)).items[0]
    assert isinstance(first, TrashedChat)
    assert b'"deletedAt"' in first.to_json()


async def test_a_cursor_of_another_list_is_refused(
    db: Database, mine: UserScope, chat: Chat, stranger: User
) -> None:
    for message in await mine.messages.append(chat.id, *said("a", "b")):
        await mine.messages.delete(message.id)
    cursor = (await mine.messages.trash(limit=1)).next_cursor
    assert cursor is not None
    for call in (
        mine.chats.trash(after=cursor),
        mine.chats.list(after=cursor),
        db.as_user(stranger.id).messages.trash(after=cursor),
        db.messages.trash(before=cursor),
    ):
        with pytest.raises(InvalidCursorError):
            await call
    for bad in (mine.chats.trash(0), mine.messages.trash(1, after=cursor, before=cursor)):
        with pytest.raises(InvalidInputError):
            await bad


async def test_what_is_deleted_twice_is_not_found_but_can_go_for_good(
    db: Database, mine: UserScope, chat: Chat
) -> None:
    (message,) = await mine.messages.append(chat.id, *said("a"))
    await mine.messages.delete(message.id)
    with pytest.raises(MessageNotFoundError):
        await mine.messages.delete(message.id)
    await mine.messages.delete(message.id, hard=True)
    for gone in (mine.messages.delete(message.id, hard=True), mine.messages.restore(message.id)):
        with pytest.raises(MessageNotFoundError):
            await gone
    await mine.chats.delete(chat.id)
    with pytest.raises(ChatNotFoundError):
        await mine.chats.delete(chat.id)
    with db.statements() as sent:
        await mine.chats.delete(chat.id, hard=True)
    assert sent.names == ["chats.delete_hard"]
    for gone in (mine.chats.delete(chat.id, hard=True), mine.chats.restore(chat.id)):
        with pytest.raises(ChatNotFoundError):
            await gone


async def test_nobody_reaches_a_strangers_trash(
    db: Database, mine: UserScope, chat: Chat, stranger: User
) -> None:
    one, two = await mine.messages.append(chat.id, *said("a", "b"))
    await mine.messages.delete(one.id)
    theirs = db.as_user(stranger.id)
    for call in (
        theirs.messages.restore(one.id),
        theirs.messages.delete(one.id, hard=True),
        theirs.messages.delete(two.id, hard=True),
    ):
        with pytest.raises(MessageNotFoundError):
            await call
    await mine.chats.delete(chat.id)
    for call in (theirs.chats.restore(chat.id), theirs.chats.delete(chat.id, hard=True)):
        with pytest.raises(ChatNotFoundError):
            await call
    assert (await theirs.chats.trash()).items == (await theirs.messages.trash()).items == []
    await db.chats.restore(chat.id)
    await db.messages.restore(one.id)
    assert await shown(mine, chat) == ["a", "b"]


async def test_an_id_in_the_trash_is_taken(mine: UserScope, chat: Chat) -> None:
    new = NewMessage(id="msg_own", role="user", content="a")
    await mine.messages.append(chat.id, new)
    await mine.messages.delete(new.id)
    for again in (new, NewMessage(id="msg_own", role="user", content="other")):
        with pytest.raises(AlreadyExistsError, match="It is in the trash: restore it"):
            await mine.messages.append(chat.id, *said("before"), again)
    await mine.chats.delete(chat.id)
    with pytest.raises(AlreadyExistsError, match="exists already or is in the trash") as caught:
        await mine.chats.create(NewChat(id=chat.id, title="T"))
    assert (caught.value.table, caught.value.fields) == ("chats", ("id",))
    await mine.chats.restore(chat.id)
    await mine.messages.restore(new.id)
    assert (await mine.messages.append(chat.id, new))[0].content == "a"  # a retry


async def test_what_stands_beside_or_after_a_message_in_the_trash(
    mine: UserScope, chat: Chat
) -> None:
    a, b, c = await mine.messages.append(chat.id, *said("a", "b", "c"))
    await mine.messages.delete(b.id)
    beside = await mine.messages.edit(c.id, said("c2")[0])
    assert beside.parent_id == b.id
    assert contents(await mine.messages.siblings(c.id)) == ["c", "c2"]
    assert await shown(mine, chat) == ["a", "c2"]
    await mine.messages.delete(beside.id)  # the head
    fork = await mine.chats.fork(chat.id)
    assert await shown(mine, fork) == ["a"]
    (d,) = await mine.messages.append(chat.id, *said("d"))
    assert (await mine.chats.get(chat.id)).head == d.id
    assert await shown(mine, chat) == ["a", "d"]
    for one in (b, beside):
        await mine.messages.restore(one.id)
    assert await shown(mine, chat) == ["a", "b", "c2", "d"]
    assert (await mine.messages.get(d.id)).parent_id == beside.id
    await mine.messages.delete(a.id, hard=True)
    assert (await mine.messages.get(b.id)).parent_id is None


async def test_an_answer_that_is_being_written_goes_on_in_the_trash(
    mine: UserScope, chat: Chat
) -> None:
    await mine.messages.append(chat.id, *said("question"))
    async with mine.messages.stream(chat.id) as answer:
        await answer.write("paid ")
        await mine.messages.delete(answer.id)
        await mine.chats.delete(chat.id)
        await answer.flush()
        await answer.write("for")
    await mine.chats.restore(chat.id)
    back = await mine.messages.restore(answer.id)
    assert (back.content, back.status) == ("paid for", "complete")


@EVERY_WAY
async def test_a_purge_walks_up_through_all_that_go(
    db: Database, mine: UserScope, chat: Chat, schema: deepsearch.Schema
) -> None:
    stored = await mine.messages.append(chat.id, *said(*"abcdefgh"))
    for n in (2, 3, 4, 6, 7):
        await mine.messages.delete(stored[n].id)
    assert await db.messages.purge(older_than=timedelta(days=1)) == 0
    old = update(schema.messages).where(schema.messages.c.deleted_at.is_not(None))
    await db.execute(
        old.values(deleted_at=text("deleted_at - interval '1 day'")).where(
            schema.messages.c.id != stored[6].id
        )
    )
    with db.statements() as sent:
        assert await db.messages.purge(older_than=timedelta(days=1)) == 4
    assert sent.names == ["messages.purge_pick", "messages.purge"]
    assert (await mine.messages.get(stored[5].id)).parent_id == stored[1].id
    assert (await mine.chats.get(chat.id)).head == stored[6].id
    assert await db.messages.purge(older_than=timedelta(), limit=1) == 1
    assert await db.messages.purge(older_than=timedelta(), limit=1) == 0
    whole = await mine.chats.get(chat.id)
    assert (whole.head, whole.revision) == (stored[5].id, 1 + 5 + 2)
    assert await shown(mine, chat) == ["a", "b", "f"]


async def test_a_purge_goes_in_batches_and_leaves_to_a_chat_what_is_its(
    db: Database, mine: UserScope
) -> None:
    for n in range(5):
        made = await mine.chats.create(title=str(n), first_message=said("a")[0])
        (alone,) = await mine.messages.append(made.id, *said("b"))
        await mine.messages.delete(alone.id)
        await mine.chats.delete(made.id)
    assert await db.messages.purge(older_than=timedelta(), limit=3) == 3
    assert await db.messages.purge(older_than=timedelta(), limit=3) == 2
    assert await db.messages.purge(older_than=timedelta(), limit=3) == 0
    assert await shown(mine, await mine.chats.restore(made.id)) == ["a"]
    assert await db.chats.purge(older_than=timedelta(), limit=3) == 3
    assert await db.chats.purge(older_than=timedelta(), limit=3) == 1
    assert await db.chats.purge(older_than=timedelta(), limit=3) == 0
    assert await mine.chats.count() == 1


@pytest.mark.parametrize("window", [timedelta(seconds=-1), 7, None, "1 day"])
async def test_a_purge_needs_a_window(db: Database, window: Any) -> None:
    with db.statements() as sent:
        for purge in (db.chats.purge, db.messages.purge):
            with pytest.raises(InvalidInputError, match="older_than"):
                await purge(older_than=window)
            with pytest.raises(InvalidInputError, match="limit"):
                await purge(older_than=timedelta(), limit=0)
    assert sent.names == []


class StarredColumns(deepsearch.ChatColumns):
    is_starred: Named[bool] = Column(Boolean, nullable=False, server_default=text("true"))


class StarredChat(Chat):
    is_starred: bool = False


class StarredSchema(deepsearch.Schema):
    chats = deepsearch.Schema.chats.extend(StarredColumns, record=StarredChat)


async def test_an_extended_chat_is_whole_in_the_trash(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    schema = StarredSchema(prefix="starred_")
    url = await fresh_database(pg18)()
    await create_tables(schema, url)
    async with Database(schema, url) as db:
        user = await db.users.create(NewUser(email="a@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="T")
        await mine.chats.delete(chat.id)
        (gone,) = (await mine.chats.trash()).items
        assert isinstance(gone, StarredChat)
        assert gone.is_starred
        assert gone.deleted_at is not None
        assert b'"deletedAt"' in gone.to_json()


def test_the_presets_records_stand_for_themselves() -> None:
    assert trashed_record(Chat, TrashedChat) is TrashedChat
    assert trashed_record(Message, TrashedMessage) is TrashedMessage


async def test_a_scope_under_row_level_security_deletes_in_one_transaction(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    schema = deepsearch.schema(prefix="rls_", security="rls", app_role="trash_app")
    url = await fresh_database(pg18)()
    await create_tables(schema, url)
    async with Database(schema, url) as db:
        user = await db.users.create(NewUser(email="a@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="T", first_message=said("a")[0])
        await mine.messages.append(chat.id, *said("b"))
        with db.statements() as sent:
            await mine.chats.delete(chat.id)
        assert [name for name in sent.names if "." in name] == [
            "chats.delete",
            "messages.delete_with_chat",
        ]
        live_ones = select(schema.messages.c.id).where(live(schema.messages))
        assert await db.all(live_ones) == []
        await mine.chats.restore(chat.id)
        (message,) = await mine.messages.append(chat.id, *said("c"))
        await mine.messages.delete(message.id, hard=True)
        assert await shown(mine, chat) == ["a", "b"]
        async with db.transaction() as tx:
            await tx.as_user(user.id).chats.delete(chat.id)
        await mine.chats.restore(chat.id)
        await mine.chats.delete(chat.id, hard=True)
        assert await db.all(select(schema.messages.c.id)) == []
