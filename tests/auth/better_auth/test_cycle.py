"""The real Better Auth signs up, verifies, rotates, signs out and deletes on our tables."""

from datetime import UTC, datetime

import asyncpg
import pytest

from auth.better_auth.conftest import with_each_server
from chatkeep import Database
from chatkeep.auth.better_auth_config import ADAPTERS
from chatkeep.presets import maps
from fixtures.servers import PgServer

pytestmark = pytest.mark.needs("node")


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


@with_each_server("adapter", ADAPTERS)
async def test_the_whole_life_of_a_sign_in(
    adapter: str, pg: PgServer, fresh_database, node_script, written
):
    """By both adapters; what the library wrote, `Database` reads."""
    schema = maps.schema(prefix="ai-app_" if adapter == "pg" else "x_")
    url = await fresh_database(pg).holding(schema)
    files = await written(schema, adapter)
    begin = files.given(phase="begin", sessions=schema.sessions.name)
    said = node_script("better_auth", "cycle.mjs", url, given=begin)
    assert said["replayed"] == said["oldPassword"] == "refused"
    assert said["verified"] is said["extended"] is said["rotated"] is True
    assert said["accounts"] == ["credential", "github"]
    assert (said["sessions"], said["found"]) == (1, 2)
    async with Database(schema, url) as db:
        await _reads_what_was_written(db, schema, said)
        after = node_script(
            "better_auth", "cycle.mjs", url, given=files.given(phase="end", before=said)
        )
        assert after == {"still": "ada@example.com", "after": None, "gone": "refused"}
        assert await db.users.find_by_email("ada@example.com") is None
        assert await db.sessions.find(said["session"]["token"]) is None
    connection = await asyncpg.connect(url)
    for model in ("users", "sessions", "accounts"):
        table = schema.tables[model].name
        assert await connection.fetchval(f'SELECT count(*) FROM "{table}"') == 0, table
    await connection.close()


async def _reads_what_was_written(db: Database, schema: maps.Schema, said) -> None:
    theirs, session = said["user"], said["session"]
    user = await db.users.find_by_email("ADA@example.com")
    assert user is not None
    assert (user.id, user.email, user.name) == (theirs["id"], "ada@example.com", "Ada Lovelace")
    assert user.image == "https://example.com/a.png"
    assert user.email_verified is True
    # Better Auth counts milliseconds, as JavaScript does.
    assert user.created_at == when(theirs["createdAt"])
    assert user.updated_at == when(theirs["updatedAt"])
    found = await db.sessions.find(session["token"])
    assert found is not None
    assert (found.id, found.user_id, found.token) == (session["id"], user.id, session["token"])
    assert (found.ip_address, found.user_agent) == ("203.0.113.7", "the second browser")
    for ours, word in (("expires_at", "expiresAt"), ("created_at", "createdAt")):
        assert getattr(found, ours) == when(session[word]), word
    assert [each.id for each in (await db.sessions.list(user.id)).items] == [found.id]
    table = schema.accounts
    (account,) = await db.all(table.select().where(table.c.provider_id == "github"))
    assert (account.account_id, account.user_id, account.scope) == ("42", user.id, "read:user")
    assert account.access_token == "an access token"
    assert account.access_token_expires_at == datetime(2031, 2, 3, 4, 5, 6, 789000, UTC)
    (mine,) = await db.all(table.select().where(table.c.provider_id == "credential"))
    assert mine.password
    assert mine.account_id == user.id
    (left,) = await db.all(schema.verifications.select())
    assert (left.identifier, left.value) == ("left over", "v")
    assert left.expires_at == datetime(2031, 1, 1, tzinfo=UTC)
