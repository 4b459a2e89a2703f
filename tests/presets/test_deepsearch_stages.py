"""From the seed's rows to the hardened rules: what stops, what is filled, what stays."""

import asyncio
import json

import asyncpg
import pytest

from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

SEED = deepsearch.schema(edition="seed")
SCHEMA = deepsearch.schema()
CHECK, EXPAND, BACKFILL, CONTRACT = SCHEMA.stages
T = '"ai-app-template_{}"'.format


async def add_user(db: asyncpg.Connection, user: str = "u1", email: str = "a@example.com") -> None:
    await db.execute(f"INSERT INTO {T('user')} (id, email) VALUES ($1, $2)", user, email)


async def add_chat(db: asyncpg.Connection, chat: str = "c1", user: str = "u1") -> None:
    await db.execute(
        f"INSERT INTO {T('chat')} (id, user_id, title) VALUES ($1, $2, 'T')", chat, user
    )


async def add_message(
    db: asyncpg.Connection, message: str, *, chat: str = "c1", role: str = "user", **more: object
) -> None:
    await db.execute(
        f"INSERT INTO {T('message')} (id, chat_id, role, content, metadata, created_at)"
        " VALUES ($1, $2, $3, 'x', $4::text::json, coalesce($5::text::timestamptz, now()))",
        message,
        chat,
        role,
        more.get("metadata"),
        more.get("at"),
    )


async def run(db: asyncpg.Connection, statements: tuple[str, ...]) -> None:
    async with db.transaction():
        for statement in statements:
            await db.execute(statement)


async def test_stages_come_in_the_order_check_expand_backfill_contract():
    assert [stage.name for stage in SCHEMA.stages] == ["check", "expand", "backfill", "contract"]
    assert CONTRACT.metadata is SCHEMA.metadata
    assert CONTRACT.extras == SCHEMA.extras


async def test_check_names_the_messages_that_jsonb_refuses(pg: PgServer, opened):
    db = await opened(pg, SEED.metadata)
    await add_user(db)
    await add_chat(db)
    good = json.dumps({"model": "back\\slash u0000"})
    await add_message(db, "fine", metadata=good.replace("back", "\\\\"))
    await add_message(db, "bad", metadata='{"model": "SECRET\\u0000"}')
    await add_message(db, "lone", metadata='{"model": "\\ud800"}')
    with pytest.raises(asyncpg.RaiseError, match=r"2 rows .* bad, lone") as caught:
        await run(db, CHECK.statements)
    assert "SECRET" not in str(caught.value)


async def test_check_lets_ordinary_rows_pass(pg: PgServer, opened):
    db = await opened(pg, SEED.metadata)
    await add_user(db)
    await add_chat(db)
    await add_message(db, "m", metadata='{"model": "\\\\u0000 is text"}')
    await run(db, CHECK.statements)


async def test_old_code_writes_to_the_transition_and_its_rows_get_their_user(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata, EXPAND.extras)
    await add_user(db)
    await add_chat(db)
    await add_message(db, "m1")
    row = await db.fetchrow(f"SELECT user_id, seq FROM {T('message')}")
    assert tuple(row) == ("u1", 1)


async def test_backfill_orders_by_time_then_by_place(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata)
    await add_user(db)
    await add_chat(db)
    await add_message(db, "third", at="2025-01-03T00:00:00Z")
    await add_message(db, "batch a", at="2025-01-02T00:00:00Z")
    await add_message(db, "batch b", at="2025-01-02T00:00:00Z")
    await add_message(db, "first", at="2025-01-01T00:00:00Z")
    before = await db.fetch(f"SELECT id, created_at, content FROM {T('message')} ORDER BY id")
    await run(db, BACKFILL.statements)
    rows = await db.fetch(f"SELECT id, user_id, seq FROM {T('message')} ORDER BY seq")
    assert [row["id"] for row in rows] == ["first", "batch a", "batch b", "third"]
    assert {row["user_id"] for row in rows} == {"u1"}
    assert before == await db.fetch(
        f"SELECT id, created_at, content FROM {T('message')} ORDER BY id"
    )
    await add_message(db, "later")
    assert await db.fetchval(f"SELECT max(seq) FROM {T('message')}") == await db.fetchval(
        f"SELECT seq FROM {T('message')} WHERE id = 'later'"
    )


BACKFILLS = pytest.mark.parametrize(
    "statements", [BACKFILL.statements, BACKFILL.safe_statements], ids=["at once", "in batches"]
)


async def assert_chain(db: asyncpg.Connection, chat: str, *expected: str) -> None:
    """The chat's messages in the order of `seq`, each after the one before, the last one shown."""
    rows = await db.fetch(
        f"SELECT id, parent_id FROM {T('message')} WHERE chat_id = $1 ORDER BY seq", chat
    )
    assert [row["id"] for row in rows] == list(expected)
    assert [row["parent_id"] for row in rows] == [None, *expected[:-1]][: len(expected)]
    head = await db.fetchval(f"SELECT head FROM {T('chat')} WHERE id = $1", chat)
    assert head == (expected[-1] if expected else None)


@BACKFILLS
async def test_backfill_makes_each_chat_a_chain(pg: PgServer, opened, statements: tuple[str, ...]):
    db = await opened(pg, EXPAND.metadata)
    await add_user(db)
    for chat in ("c1", "c2", "empty"):
        await add_chat(db, chat)
    for day, message, chat in ((3, "third", "c1"), (1, "other", "c2"), (2, "batch a", "c1")):
        await add_message(db, message, chat=chat, at=f"2025-01-0{day}T00:00:00Z")
    await add_message(db, "batch b", at="2025-01-02T00:00:00Z")
    await add_message(db, "first", at="2025-01-01T00:00:00Z")
    await run(db, statements)
    await assert_chain(db, "c1", "first", "batch a", "batch b", "third")
    await assert_chain(db, "c2", "other")
    await assert_chain(db, "empty")
    old = f"SELECT count(*) FROM {T('message')} WHERE updated_at <> created_at"
    assert await db.fetchval(old) == 0
    assert await db.fetchval(f"SELECT bool_or(is_branched) FROM {T('chat')}") is False


@BACKFILLS
async def test_old_code_writes_and_deletes_between_the_statements(
    pg: PgServer, opened, statements: tuple[str, ...]
):
    db = await opened(pg, EXPAND.metadata)
    await add_user(db)
    await add_chat(db)
    await add_chat(db, "late")
    for number in range(60):
        await add_message(db, f"old {number}", at=f"2025-01-01T00:{number:02}:00Z")
    for extra in EXPAND.extras:
        await db.execute(extra.create)
    await add_message(db, "new")
    left = [f"old {number}" for number in range(60)] + ["new"]
    for number, statement in enumerate(statements):
        await db.execute(statement)
        for chat in ("c1", "late"):
            await add_message(db, f"{chat} {number}", chat=chat)
        left.append(f"c1 {number}")
        for gone in (left[0], left[number + 5], left[-2]):
            await db.execute(f"DELETE FROM {T('message')} WHERE id = $1", gone)
            left.remove(gone)
    await assert_chain(db, "c1", *left)
    await assert_chain(db, "late", *(f"late {number}" for number in range(len(statements))))
    nobody = f"SELECT count(*) FROM {T('message')} WHERE user_id IS NULL"
    assert await db.fetchval(nobody) == 0


@BACKFILLS
async def test_a_head_is_not_moved_back_from_a_message_that_comes_at_that_moment(
    pg: PgServer, opened, statements: tuple[str, ...]
):
    db = await opened(pg, EXPAND.metadata, EXPAND.extras)
    await add_user(db)
    await add_chat(db)
    await db.execute(f"ALTER TABLE {T('message')} DISABLE TRIGGER USER")
    await add_message(db, "a")
    await add_message(db, "b")
    await db.execute(f"ALTER TABLE {T('message')} ENABLE TRIGGER USER")
    (heads,) = [place for place, text in enumerate(statements) if 'SET "head"' in text]
    for statement in statements[:heads]:
        await db.execute(statement)
    name = await db.fetchval("SELECT current_database()")
    other = await asyncpg.connect(pg.url(name))
    transaction = other.transaction()
    await transaction.start()
    await add_message(other, "c")
    waiting = asyncio.create_task(db.execute(statements[heads]))
    watch = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1"
    while not await other.fetchval(watch, name):
        await other.execute("SELECT pg_stat_clear_snapshot()")
    await transaction.commit()
    await waiting
    await other.close()
    await assert_chain(db, "c1", "a", "b", "c")


async def test_backfill_stops_at_duplicate_emails_without_showing_them(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata)
    await add_user(db, "u1", "secret@example.com")
    await add_user(db, "u2", "Secret@Example.com")
    await add_user(db, "u3", "other@example.com")
    with pytest.raises(asyncpg.RaiseError, match=r"1 e-mails .* u1, u2") as caught:
        await run(db, BACKFILL.statements)
    assert "secret" not in f"{caught.value} {caught.value.detail}".lower()


async def test_backfill_stops_at_roles_that_the_check_would_refuse(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata)
    await add_user(db)
    await add_chat(db)
    for number in range(7):
        await add_message(db, f"m{number}", role="robot")
    with pytest.raises(asyncpg.RaiseError, match=r"7 messages .* m0, m1, m2, m3, m4\n"):
        await run(db, BACKFILL.statements)


async def test_backfill_stops_at_token_counts_that_the_check_would_refuse(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata)
    await add_user(db)
    await add_chat(db)
    await add_message(db, "m1", metadata='{"tokens": {"prompt": -1}}')
    with pytest.raises(asyncpg.RaiseError, match=r"1 messages .* m1"):
        await run(db, BACKFILL.statements)


async def test_backfill_dates_users_by_what_shows_that_they_were_there(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata)
    await add_user(db)
    await db.execute(
        f"UPDATE {T('user')} SET email_verified = '2024-05-01T00:00:00Z', created_at = now()"
    )
    await add_chat(db)
    await run(db, BACKFILL.statements)
    assert await db.fetchval(f"SELECT created_at = email_verified FROM {T('user')}")


async def test_backfill_of_an_empty_database_does_nothing(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata)
    await run(db, BACKFILL.statements)
    assert await db.fetchval(f"SELECT count(*) FROM {T('message')}") == 0
