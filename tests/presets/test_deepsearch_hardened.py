"""Rules of the hardened DeepSearch tables, and the triggers for code written for the seed."""

import asyncpg
import pytest

from chatkeep.presets import deepsearch
from chatkeep.schema.ddl import create_statements
from fixtures.servers import PgServer

SCHEMA = deepsearch.schema()
WITH_SEED = deepsearch.schema(seed_writers=True)
T = '"ai-app-template_{}"'.format


async def seed_rows(db: asyncpg.Connection) -> None:
    await db.execute(f"INSERT INTO {T('user')} (id, email) VALUES ('u1', 'a@example.com')")
    await db.execute(
        f"INSERT INTO {T('chat')} (id, user_id, title, updated_at)"
        " VALUES ('c1', 'u1', 'T', '2024-01-01T00:00:00Z')"
    )


def insert_message(values: str, columns: str = "id, chat_id, user_id, role, content") -> str:
    return f"INSERT INTO {T('message')} ({columns}) VALUES {values}"


async def test_emails_are_unique_without_letter_case(pg: PgServer, opened):
    db = await opened(pg, SCHEMA.metadata, SCHEMA.extras)
    await seed_rows(db)
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute(f"INSERT INTO {T('user')} (id, email) VALUES ('u2', 'A@Example.com')")


async def test_nobody_is_born_verified(pg: PgServer, opened):
    db = await opened(pg, SCHEMA.metadata, SCHEMA.extras)
    await seed_rows(db)
    assert await db.fetchval(f"SELECT email_verified FROM {T('user')}") is None


async def test_a_message_belongs_to_the_user_of_its_chat(pg: PgServer, opened):
    db = await opened(pg, SCHEMA.metadata, SCHEMA.extras)
    await seed_rows(db)
    await db.execute(f"INSERT INTO {T('user')} (id, email) VALUES ('u2', 'b@example.com')")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await db.execute(insert_message("('m', 'c1', 'u2', 'user', 'x')"))


@pytest.mark.parametrize(
    "metadata",
    [
        '{"tokens": {"prompt": -1, "completion": 1, "total": 1}}',
        '{"tokens": {"prompt": "1"}}',
        '{"tokens": {"total": null}}',
        '{"tokens": {"total": [1]}}',
    ],
)
async def test_token_counts_that_are_no_counts_are_refused(pg: PgServer, opened, metadata: str):
    db = await opened(pg, SCHEMA.metadata, SCHEMA.extras)
    await seed_rows(db)
    with pytest.raises(asyncpg.CheckViolationError) as caught:
        await db.execute(
            insert_message(
                f"('m', 'c1', 'u1', 'user', 'x', '{metadata}')",
                "id, chat_id, user_id, role, content, metadata",
            )
        )
    assert caught.value.constraint_name == "ai-app-template_message_tokens_check"


@pytest.mark.parametrize(
    "metadata",
    ["null", "[]", "42", '{"tokens": 7}', '{"tokens": {}}', '{"tokens": {"prompt": 0}}', '"x"'],
)
async def test_other_metadata_raises_no_error(pg: PgServer, opened, metadata: str):
    db = await opened(pg, SCHEMA.metadata, SCHEMA.extras)
    await seed_rows(db)
    await db.execute(
        insert_message(
            f"('m', 'c1', 'u1', 'user', 'x', '{metadata}')",
            "id, chat_id, user_id, role, content, metadata",
        )
    )


async def test_a_user_takes_everything_along(pg: PgServer, opened):
    db = await opened(pg, SCHEMA.metadata, SCHEMA.extras)
    await seed_rows(db)
    await db.execute(insert_message("('m', 'c1', 'u1', 'user', 'x')"))
    await db.execute(
        f"INSERT INTO {T('session')} (session_token, user_id, expires) VALUES ('s', 'u1', now())"
    )
    await db.execute(f"DELETE FROM {T('user')}")
    assert await db.fetchval(f"SELECT count(*) FROM {T('message')}") == 0


async def test_two_prefixes_live_in_one_database(pg: PgServer, opened):
    long = "a-prefix-that-is-as-long-as-the-longest-name"
    db = await opened(pg, WITH_SEED.metadata, WITH_SEED.extras)
    for prefix in ("x_", long):
        other = deepsearch.schema(prefix=prefix, seed_writers=True)
        await db.execute(";\n".join(create_statements(other.metadata, other.extras)))
    names = await db.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    )
    prefixes = ("ai-app-template_", "x_", long)
    assert all(row["relname"].startswith(prefixes) for row in names)
    assert sum(row["relname"].startswith(long) for row in names) == len(names) / 3


async def test_a_prefix_that_leaves_no_room_is_refused():
    with pytest.raises(ValueError, match="shorter prefix"):
        deepsearch.schema(prefix="p" * 60)


async def test_code_of_the_seed_needs_no_user_id(pg: PgServer, opened):
    db = await opened(pg, WITH_SEED.metadata, WITH_SEED.extras)
    await seed_rows(db)
    await db.execute(insert_message("('m', 'c1', 'user', 'x')", "id, chat_id, role, content"))
    assert await db.fetchval(f"SELECT user_id FROM {T('message')}") == "u1"


async def test_a_chat_that_is_not_there_is_still_a_foreign_key_error(pg: PgServer, opened):
    db = await opened(pg, WITH_SEED.metadata, WITH_SEED.extras)
    with pytest.raises(asyncpg.ForeignKeyViolationError) as caught:
        await db.execute(insert_message("('m', 'none', 'user', 'x')", "id, chat_id, role, content"))
    assert caught.value.constraint_name == "ai-app-template_message_user_id_chat_id_fk"


async def test_a_message_moves_its_chat(pg: PgServer, opened):
    db = await opened(pg, WITH_SEED.metadata, WITH_SEED.extras)
    await seed_rows(db)
    await db.execute(
        insert_message(
            "('m1', 'c1', 'user', 'x', '2024-03-01T00:00:00Z'),"
            " ('m2', 'c1', 'user', 'x', '2024-02-01T00:00:00Z')",
            "id, chat_id, role, content, created_at",
        )
    )
    moved = await db.fetchval(f"SELECT updated_at FROM {T('chat')}")
    assert moved.isoformat() == "2024-03-01T00:00:00+00:00"


async def test_an_update_moves_updated_at_unless_the_writer_did(pg: PgServer, opened):
    db = await opened(pg, WITH_SEED.metadata, WITH_SEED.extras)
    await seed_rows(db)
    set_it = f"UPDATE {T('chat')} SET title = 'b', updated_at = '2024-05-05T00:00:00Z' RETURNING updated_at"
    assert (await db.fetchval(set_it)).year == 2024
    left = f"UPDATE {T('chat')} SET title = 'c' RETURNING updated_at = CURRENT_TIMESTAMP"
    assert await db.fetchval(left)


async def test_triggers_do_not_follow_the_callers_search_path(pg: PgServer, opened):
    db = await opened(pg, WITH_SEED.metadata, WITH_SEED.extras)
    await seed_rows(db)
    await db.execute(f"CREATE SCHEMA trap; CREATE TABLE trap.{T('chat')} (id text, user_id text)")
    await db.execute(f"INSERT INTO trap.{T('chat')} VALUES ('c1', 'stranger')")
    await db.execute("SET search_path = trap, public")
    await db.execute(insert_message("('m', 'c1', 'user', 'x')", "id, chat_id, role, content"))
    assert await db.fetchval(f"SELECT user_id FROM {T('message')}") == "u1"


async def test_extras_can_be_made_twice_and_dropped(pg: PgServer, opened):
    db = await opened(pg, WITH_SEED.metadata, WITH_SEED.extras)
    for extra in WITH_SEED.extras:
        await db.execute(extra.create)
    await db.execute(f"DROP INDEX {T('message_search_idx')}")  # which needs one of them
    for extra in reversed(WITH_SEED.extras):
        await db.execute(extra.drop)
    assert await db.fetchval("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == 0
