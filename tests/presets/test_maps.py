"""The hardened maps tables and the way to them."""

import asyncpg
import pytest

from chatkeep.presets import maps
from fixtures.servers import PgServer

SCHEMA = maps.schema(seed_writers=True)
EXPAND, BACKFILL, CONTRACT = SCHEMA.stages


async def test_a_null_verification_of_old_code_becomes_false(pg: PgServer, opened):
    db = await opened(pg, SCHEMA.metadata, SCHEMA.extras)
    await db.execute("INSERT INTO users (id, email, email_verified) VALUES ('u', 'a@b', NULL)")
    assert await db.fetchval("SELECT email_verified FROM users") is False


async def test_emails_are_unique_without_letter_case(pg: PgServer, opened):
    db = await opened(pg, SCHEMA.metadata)
    await db.execute("INSERT INTO users (id, email) VALUES ('u', 'a@b')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute("INSERT INTO users (id, email) VALUES ('v', 'A@b')")


async def test_backfill_fills_what_was_empty(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata)
    await db.execute("INSERT INTO users (id, email, email_verified) VALUES ('u', 'a@b', NULL)")
    await db.execute(
        "INSERT INTO sessions (id, user_id, expires_at, created_at)"
        " VALUES ('s', 'u', '2024-02-01', '2024-01-01')"
    )
    await db.execute("SET timezone = 'America/New_York'")
    for statement in BACKFILL.statements:
        await db.execute(statement)
    assert await db.fetchval("SELECT email_verified FROM users") is False
    moved = await db.fetchval("SELECT updated_at FROM sessions")
    assert moved.isoformat() == "2024-01-01T00:00:00+00:00"


async def test_backfill_stops_at_duplicate_emails(pg: PgServer, opened):
    db = await opened(pg, EXPAND.metadata)
    await db.execute("INSERT INTO users (id, email) VALUES ('u', 'a@b'), ('v', 'A@b')")
    with pytest.raises(asyncpg.RaiseError, match="u, v"):
        await db.execute(BACKFILL.statements[0])


async def test_times_are_told_to_be_utc_when_their_type_changes():
    final, before = SCHEMA.metadata.tables, EXPAND.metadata.tables
    for table, column in (("users", "created_at"), ("sessions", "expires_at")):
        assert not before[table].c[column].type.timezone
        assert final[table].c[column].type.timezone
        assert final[table].c[column].info["using"] == f"\"{column}\" AT TIME ZONE 'UTC'"
