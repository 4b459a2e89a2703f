"""Caches on a real PostgreSQL under a clock of the test's; two on one database are two processes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest_asyncio

from chatkeep import Database, SearchCacheOptions
from chatkeep.cache.assembly import search_cache_of
from chatkeep.cache.cache import SearchCache
from chatkeep.cache.freshness import Freshness
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

SCHEMA = deepsearch.schema()
NOW = 1_800_000_000.0


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Chance:
    """What `random.random` gives next."""

    value: float = 0.0

    def __call__(self) -> float:
        return self.value


@dataclass
class Search:
    """A search that counts its calls, and waits or fails when told to."""

    calls: list[str] = field(default_factory=list)
    error: Exception | None = None
    gate: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0

    async def __call__(self, query: str) -> list[dict[str, Any]]:
        self.calls.append(query)
        self.begun.set()
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if self.error is not None:
            raise self.error
        return [{"title": f"{query} {len(self.calls)}", "link": "https://example.com/"}]


@dataclass
class World:
    db: Database[Any, Any, Any, Any]
    url: str
    raw: asyncpg.Connection
    clock: Clock = field(default_factory=Clock)
    chance: Chance = field(default_factory=Chance)

    def process(self, **options: Any) -> SearchCache:
        """The cache of one more process."""
        said = SearchCacheOptions(**{"jitter": 0.0, "record": False, **options})
        return search_cache_of(
            self.db._pools,
            self.db._catalogue,
            said,
            clock=self.clock,
            freshness=Freshness(said, self.chance),
        )

    async def settled(self) -> None:
        """Wait for everything beside the calls."""
        background = self.db._pools.background
        while tasks := background._work | background._saving:
            await asyncio.wait(tasks)


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], monkeypatch: Any
) -> AsyncIterator[World]:
    monkeypatch.delenv("REDIS_URL", raising=False)
    url = await fresh_database(pg18).holding(SCHEMA)
    raw = await asyncpg.connect(url)
    async with Database(SCHEMA, url) as db:
        yield World(db, url, raw)
    await raw.close()
