"""Row-level security binds the studio's reading of conversations as it binds the application."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import asyncpg

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer
from security.places import OWNER, owned_database
from security.worlds import PRIVATE, make_world


async def test_conversations_are_read_under_row_level_security(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], open_studio: Callable[..., Any]
):
    schema = deepsearch.schema(prefix="x_", security="rls", app_role="x_app")
    url = await owned_database(pg18, fresh_database(pg18))
    await create_tables(schema, url)
    admin = await asyncpg.connect(url.replace(f"//{OWNER}@", "//postgres@"))
    async with Database(schema, url) as db:
        mine = await make_world(db, admin, "mine")
        await make_world(db, admin, "other", "own")
    await admin.close()
    site = await open_studio(url, schema=schema)
    async with aclosing(await site.client()) as client:

        async def get(path: str) -> dict[str, Any]:
            answer = await client.get(f"/api/{path}")
            assert answer.status_code == 200, answer.text
            document: dict[str, Any] = answer.json()
            return document

        people = await get("people?order=email")
        person = await get(f"people/{mine.user}")
        chats = await get(f"people/{mine.user}/chats")
        chat = await get(f"chats/{mine.chat}")
        page = await get(f"chats/{mine.chat}/messages")
        found = await get(f"search?user={mine.user}&q={PRIVATE}")
        none = await get(f"search?user={mine.user}&q=own")
    assert [each["email"] for each in people["items"]] == ["mine@example.com", "other@example.com"]
    assert len(person["usage"]["models"]) == 1
    assert mine.chat in {each["id"] for each in chats["items"]}
    assert chat["messages"] >= len(page["items"]) == 2
    assert mine.message in {each["messageId"] for each in found["items"]}
    assert none["items"] == []
