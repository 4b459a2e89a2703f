"""The PostgreSQL tier on 18, on 15 and behind PgBouncer, with a connection that looks at its rows."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database
from chatkeep.access.catalogue import catalogue_of
from chatkeep.cache.entries import Entry
from chatkeep.cache.keys import make_key
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.cache.postgres_lock import PostgresLock
from chatkeep.cache.postgres_place import PostgresPlace
from chatkeep.cache.postgres_queries import cache_queries
from chatkeep.cache.postgres_tier import PostgresTier
from chatkeep.presets import deepsearch
from chatkeep.records.search_cache import SearchResult
from fixtures.pgbouncer import PgBouncer
from fixtures.servers import Databases, PgServer

SCHEMA = deepsearch.schema(prefix="x_")
QUERIES = cache_queries(catalogue_of(SCHEMA))
KEY = make_key("Who wrote Postgres?", "serper", "en")
OTHER = make_key("Who wrote Redis?", "serper", "en")
SOON = timedelta(milliseconds=200)
NOW = 1_800_000_000.25  # of the tests' clock
OPENED = SearchResult("PostgreSQL", "https://www.postgresql.org/", "The database.", 1)
ENTRY = Entry((OPENED,), b"", NOW, NOW + 60, NOW + 600)
PLACES = [
    "18",
    pytest.param("15", marks=pytest.mark.needs("pg15")),
    pytest.param("18 behind pgbouncer", marks=pytest.mark.needs("pgbouncer")),
]


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Place:
    """An open database, its tier under a clock of the test's, and a connection beside it."""

    db: Database[Any, Any, Any, Any]
    url: str
    raw: asyncpg.Connection
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.tier = tier_of(self.db, self.clock)

    async def rows(self) -> list[asyncpg.Record]:
        return await self.raw.fetch('select * from "x_search_cache" order by id')

    async def count(self) -> int:
        return await self.raw.fetchval('select count(*) from "x_search_cache"')


def place_of(db: Database[Any, Any, Any, Any], **options: Any) -> PostgresPlace:
    asked = {"breaker_failures": 1000, **options}
    given = {name: asked.pop(name) for name in ("timeout", "clock") if name in asked}
    return PostgresPlace(db._runner, SearchCacheOptions(**asked), **given)


def tier_of(
    db: Database[Any, Any, Any, Any], now: Callable[[], float], **options: Any
) -> PostgresTier:
    return PostgresTier(place_of(db, **options), QUERIES, now)


def lock_of(
    db: Database[Any, Any, Any, Any], lifetime: timedelta = timedelta(seconds=30), **options: Any
) -> PostgresLock:
    return PostgresLock(place_of(db, **options), QUERIES, lifetime)


def found(*titles: str, at: float = 0, **changes: Any) -> Entry:
    """An entry that was fetched so many seconds after the tests' clock began."""
    results = tuple(SearchResult(title, f"https://example.com/{title}") for title in titles)
    times = {"fetched_at": NOW + at, "expires_at": NOW + at + 60, "stale_until": NOW + at + 600}
    return replace(ENTRY, results=results, **{**times, **changes})


def failed(at: float = 0, seconds: float = 30) -> Entry:
    ends = NOW + at + seconds
    return Entry((), b"", NOW + at, ends, ends, failure="TimeoutError")


def titles(entry: Entry | None) -> list[str]:
    assert entry is not None
    return [result.title for result in entry.results]


def same_titles(got: Entry | None, put: Entry) -> bool:
    return titles(got) == titles(put)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest_asyncio.fixture(loop_scope="session")
async def anywhere(
    request: pytest.FixtureRequest, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[Place]:
    """Needs a parameter of `PLACES`."""
    way: str = request.param
    server: PgServer = request.getfixturevalue(f"pg{way[:2]}")
    url = reached = await fresh_database(server).holding(SCHEMA)
    options: dict[str, Any] = {}
    if way.endswith("pgbouncer"):
        bouncer: PgBouncer = request.getfixturevalue("pgbouncer")
        reached = bouncer.url(urlsplit(url).path.lstrip("/"))
        options = {"pooler": "pgbouncer"}
    raw = await asyncpg.connect(url)
    async with Database(SCHEMA, reached, **options) as db:
        yield Place(db, url, raw)
    await raw.close()


@pytest_asyncio.fixture(loop_scope="session")
async def place(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[Place]:
    url = await fresh_database(pg18).holding(SCHEMA)
    raw = await asyncpg.connect(url)
    async with Database(SCHEMA, url) as db:
        yield Place(db, url, raw)
    await raw.close()
