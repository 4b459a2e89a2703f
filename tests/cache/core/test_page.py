"""docs/how-to/search-cache.md, run as it stands."""

from datetime import timedelta
from typing import Any

from cache.core.conftest import SCHEMA, World
from chatkeep import Database, SearchCacheOptions, SearchFailedError, SearchResult
from database.test_pages import blocks, run


async def serper(query: str) -> dict[str, Any]:
    page = {"title": "PostgreSQL", "link": "https://www.postgresql.org/", "position": 1}
    return {"searchParameters": {"q": query}, "organic": [page], "credits": 1}


async def test_the_page(world: World):
    names: dict[str, Any] = {
        "Any": Any,
        "Database": Database,
        "SearchCacheOptions": SearchCacheOptions,
        "SearchFailedError": SearchFailedError,
        "SearchResult": SearchResult,
        "db": world.db,
        "schema": SCHEMA,
        "serper": serper,
        "timedelta": timedelta,
        "url": world.url,
    }
    found = blocks("how-to/search-cache.md")
    assert len(found) == 5
    for block in found:
        await run(block, names)
    await world.settled()
