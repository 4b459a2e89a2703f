"""docs/how-to/search-cache.md, run as it stands."""

from datetime import timedelta
from typing import Any

from cache.core.conftest import SCHEMA, World
from chatkeep import Database, NewUser, SearchCacheOptions, SearchFailedError, SearchResult
from database.test_pages import blocks, run


async def serper(query: str) -> dict[str, Any]:
    page = {"title": "PostgreSQL", "link": "https://www.postgresql.org/", "position": 1}
    return {"searchParameters": {"q": query}, "organic": [page], "credits": 1}


async def test_the_page(world: World):
    user = await world.db.users.create(NewUser(email="a@example.com"))
    names: dict[str, Any] = {
        "Any": Any,
        "Database": Database,
        "SearchCacheOptions": SearchCacheOptions,
        "SearchFailedError": SearchFailedError,
        "SearchResult": SearchResult,
        "db": world.db,
        "mine": world.db.as_user(user.id),
        "schema": SCHEMA,
        "serper": serper,
        "timedelta": timedelta,
        "url": world.url,
    }
    found = blocks("how-to/search-cache.md")
    assert len(found) == 7
    for block in found:
        await run(block, names)
    await world.settled()
