"""Chats whose writers know nothing of branches: order, what is shown, and what deletes leave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chatkeep import Database, NewMessage, NewUser
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

WITH_SEED = deepsearch.schema(seed_writers=True)
T = '"ai-app-template_{}"'.format


@pytest.fixture
async def db(pg: PgServer, opened) -> asyncpg.Connection:
    connection = await opened(pg, WITH_SEED.metadata, WITH_SEED.extras)
    await connection.execute(
        f"INSERT INTO {T('user')} (id, email) VALUES ('u1', 'a@example.com');"
        f" INSERT INTO {T('chat')} (id, user_id, title) VALUES ('c1', 'u1', 'T'), ('c2', 'u1', 'T')"
    )
    return connection


async def say(db: asyncpg.Connection, *messages: str, chat: str = "c1", end: str = "") -> None:
    """Insert as the seed does: all in one statement, without user, parent and number."""
    await db.execute(
        f"INSERT INTO {T('message')} (id, chat_id, role, content)"
        f" SELECT id, $1, 'user', 'x' FROM unnest($2::text[]) AS id {end}",
        chat,
        list(messages),
    )


async def chain(db: asyncpg.Connection, chat: str = "c1") -> list[tuple[str, str | None]]:
    rows = await db.fetch(
        f"SELECT id, parent_id FROM {T('message')} WHERE chat_id = $1 ORDER BY seq", chat
    )
    return [(row["id"], row["parent_id"]) for row in rows]


async def head(db: asyncpg.Connection, chat: str = "c1") -> str | None:
    return await db.fetchval(f"SELECT head FROM {T('chat')} WHERE id = $1", chat)


async def test_messages_of_the_seed_become_a_chain_and_move_the_head(db: asyncpg.Connection):
    await say(db, "a", "b", "c")
    await say(db, "d")
    await say(db, "other", chat="c2")
    assert await chain(db) == [("a", None), ("b", "a"), ("c", "b"), ("d", "c")]
    assert (await head(db), await head(db, "c2")) == ("d", "other")
    assert await db.fetchval(f"SELECT revision FROM {T('chat')} WHERE id = 'c1'") == 4


async def test_a_message_that_is_there_already_changes_nothing(db: asyncpg.Connection):
    await say(db, "a", "b", end="ON CONFLICT DO NOTHING")
    await say(db, "a", end="ON CONFLICT DO NOTHING")
    assert await head(db) == "b"
    await say(db, "a", "b", "c", "c", end="ON CONFLICT DO NOTHING")
    assert await chain(db) == [("a", None), ("b", "a"), ("c", "b")]
    with pytest.raises(asyncpg.UniqueViolationError):
        await say(db, "b")
    assert await head(db) == "c"


async def test_a_head_that_is_gone_does_not_stop_the_chain(db: asyncpg.Connection):
    """As after a conflict of two chats about one id, or a restore of a part."""
    await say(db, "a", "b")
    await db.execute(f"UPDATE {T('chat')} SET head = 'gone' WHERE id = 'c1'")
    await say(db, "c")
    assert await chain(db) == [("a", None), ("b", "a"), ("c", "b")]
    assert await head(db) == "c"


async def test_writers_at_once_follow_one_another_in_the_order_of_their_commits(
    pg: PgServer, db: asyncpg.Connection
):
    name = await db.fetchval("SELECT current_database()")
    async with contextlib.AsyncExitStack() as stack:
        others = [await stack.enter_async_context(another(pg, name)) for _ in range(8)]

        async def write(number: int, other: asyncpg.Connection) -> None:
            for turn in range(10):
                await say(other, f"{number}-{turn}-a", f"{number}-{turn}-b")

        await asyncio.gather(*(write(number, other) for number, other in enumerate(others)))
    found = await chain(db)
    assert len(found) == 160
    assert [parent for _, parent in found] == [None, *(message for message, _ in found[:-1])]
    assert await head(db) == found[-1][0]


@contextlib.asynccontextmanager
async def another(pg: PgServer, name: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(pg.url(name))
    yield connection
    await connection.close()


async def test_a_message_with_a_parent_keeps_it(db: asyncpg.Connection):
    await say(db, "a", "b")
    await db.execute(
        f"INSERT INTO {T('message')} (id, chat_id, role, content, parent_id)"
        " VALUES ('beside', 'c1', 'user', 'x', 'a')"
    )
    assert (await chain(db))[-1] == ("beside", "a")
    assert await db.fetchval(f"SELECT user_id FROM {T('message')} WHERE id = 'beside'") == "u1"


async def test_a_message_for_a_chat_in_the_trash_is_in_the_trash_with_it(db: asyncpg.Connection):
    await say(db, "a")
    gone = await db.fetchval(
        f"UPDATE {T('chat')} SET deleted_at = now() WHERE id = 'c1' RETURNING deleted_at"
    )
    await say(db, "b")
    assert await db.fetchval(f"SELECT deleted_at FROM {T('message')} WHERE id = 'b'") == gone


async def test_what_followed_a_deleted_message_follows_the_one_before(db: asyncpg.Connection):
    await say(db, "a", "b", "c", "d", "e")
    await db.execute(f"DELETE FROM {T('message')} WHERE id IN ('b', 'c')")
    assert await chain(db) == [("a", None), ("d", "a"), ("e", "d")]
    await db.execute(f"DELETE FROM {T('message')} WHERE id = 'a'")
    assert await chain(db) == [("d", None), ("e", "d")]
    await db.execute(f"DELETE FROM {T('message')} WHERE id = 'e'")
    assert await head(db) == "d"
    await db.execute(f"DELETE FROM {T('message')}")
    assert await head(db) is None
    await say(db, "f")
    assert (await chain(db), await head(db)) == ([("f", None)], "f")


async def test_a_chat_whose_branch_is_gone_shows_its_last_message(db: asyncpg.Connection):
    await say(db, "a", "b")
    await db.execute(
        f"INSERT INTO {T('message')} (id, chat_id, user_id, role, content)"
        " VALUES ('root', 'c1', 'u1', 'user', 'x');"
        f" UPDATE {T('message')} SET parent_id = NULL WHERE id = 'root';"
        f" UPDATE {T('chat')} SET is_branched = true WHERE id = 'c1'"
    )
    await db.execute(f"DELETE FROM {T('message')} WHERE id = 'root'")
    assert await head(db) == "b"


async def test_deletes_beside_appends_leave_no_message_behind_one_that_is_gone(
    pg: PgServer, db: asyncpg.Connection
):
    name = await db.fetchval("SELECT current_database()")
    async with another(pg, name) as other:

        async def append() -> None:
            for turn in range(60):
                await say(db, f"m{turn}")

        async def delete() -> None:
            for _ in range(60):
                await other.execute(
                    f"DELETE FROM {T('message')} WHERE id = (SELECT head FROM {T('chat')}"
                    " WHERE id = 'c1')"
                )

        await asyncio.gather(append(), delete())
    found = await chain(db)
    assert [parent for _, parent in found] == [None, *(message for message, _ in found[:-1])][
        : len(found)
    ]
    assert await head(db) == (found[-1][0] if found else None)


async def rows_read(db: asyncpg.Connection, statement: str) -> int:
    """Run a statement; give how many rows of messages it and its triggers looked at."""
    count = (
        "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        f" WHERE relid = '{T('message')}'::regclass"
    )
    async with db.transaction():
        before = await db.fetchval(count)
        await db.execute(statement)
        return await db.fetchval(count) - before


async def test_the_work_of_a_delete_grows_with_the_messages_and_not_their_square(
    db: asyncpg.Connection,
):
    for chat, count in (("c1", 250), ("c2", 2000)):
        await say(db, *(f"{chat}-{number}" for number in range(count)), chat=chat)
    await db.execute(f"VACUUM ANALYZE {T('message')}")
    rows = f"DELETE FROM {T('message')} WHERE chat_id = '{{}}' AND id NOT LIKE '%-0'"
    small, big = [await rows_read(db, rows.format(chat)) for chat in ("c1", "c2")]
    assert big < 16 * small
    assert await chain(db, "c2") == [("c2-0", None)]
    assert await head(db, "c2") == "c2-0"
    await say(db, *(f"more-{number}" for number in range(2000)), chat="c2")
    assert await rows_read(db, f"DELETE FROM {T('chat')} WHERE id = 'c2'") < 4 * 4000


async def test_a_message_looks_at_few_others(db: asyncpg.Connection):
    """The first one of a chat too, which has no head to go by."""
    await say(db, *(f"m{number}" for number in range(1000)))
    await db.execute(
        f"SET session_replication_role = replica; INSERT INTO {T('message')}"
        " (id, chat_id, user_id, role, content)"
        " SELECT 'n' || n, 'x' || n % 900, 'u1', 'user', 'x' FROM generate_series(1, 9000) AS n;"
        f" SET session_replication_role = origin; ANALYZE {T('message')}"
    )
    insert = f"INSERT INTO {T('message')} (id, chat_id, role, content) VALUES"
    assert await rows_read(db, f"{insert} ('first', 'c2', 'user', 'x')") < 20
    assert await rows_read(db, f"{insert} ('next', 'c1', 'user', 'x')") < 20


async def test_our_own_messages_are_what_they_say(pg: PgServer, fresh_database):
    """The trigger leaves a root that is meant, and batches, alone."""
    url = await fresh_database(pg)
    await create_tables(WITH_SEED, url)
    async with Database(WITH_SEED, url) as ours:
        user = await ours.users.create(NewUser(email="a@example.com"))
        mine = ours.as_user(user.id)

        def message(**more: object) -> NewMessage:
            return NewMessage.model_validate({"role": "user", "content": "x", **more})

        chat = await mine.chats.create(title="T", first_message=message())
        (first,) = (await mine.chats.get(chat.id, messages=10)).messages
        assert (first.parent_id, chat.head, chat.revision) == (None, first.id, 1)
        two = await mine.messages.append(chat.id, message(), message())
        assert [m.parent_id for m in two] == [first.id, two[0].id]
        (root,) = await mine.messages.append(chat.id, message(parent_id=None))
        assert root.parent_id is None
        batch = await mine.messages.append(
            chat.id, message(parent_id=None), message(), message(parent_id=None), message()
        )
        assert [m.parent_id for m in batch] == [None, batch[0].id, None, batch[2].id]
        moved = await mine.chats.get(chat.id)
        assert (moved.head, moved.revision) == (batch[3].id, 4)

        empty = await mine.chats.create(title="T")
        three = await mine.messages.append(empty.id, message(), message(), message())
        assert [m.parent_id for m in three] == [None, three[0].id, three[1].id]
        copy = await mine.chats.fork(empty.id, at=three[1].id)
        copied = (await mine.chats.get(copy.id, messages=10)).messages
        assert [m.parent_id for m in copied] == [None, copied[0].id]
        assert (copy.head, copy.revision) == (copied[1].id, 1)
