"""A database for statistics of searches, on each PostgreSQL, and a connection beside it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import pytest_asyncio

from chatkeep import Database
from chatkeep.access.catalogue import catalogue_of
from chatkeep.cache.entries import Key
from chatkeep.cache.event_queries import event_queries
from chatkeep.cache.events import Events
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

SCHEMA = deepsearch.schema(prefix="x_")

_EVENT = """
insert into x_search_event (created_at, key_hash, query, provider, locale, outcome, tier, calls,
    no_results, latency_us, latency_max_us, user_group)
values ($1, $2, $3, $4, 'en', $5, $6, $7, $8, $9, $10, $11)
"""


@dataclass
class World:
    """An open database, its URL, and a connection that sees and makes rows."""

    db: Database
    url: str
    sql: asyncpg.Connection

    def events(self, **options: Any) -> Events:
        return events_of(self.db, **options)

    async def event(self, at: datetime, query: str | None = "q", **more: Any) -> None:
        """Store an event as a process would have at that time."""
        given = {
            "provider": "serper", "outcome": "hit", "tier": "postgres", "calls": 1,
            "no_results": 0, "latency_us": 10, "latency_max_us": 10, "user_group": "", **more,
        }  # fmt: skip
        await self.sql.execute(_EVENT, at, (query or "").encode(), query, *given.values())

    async def all(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        rows = await self.sql.fetch(f"select {columns} from x_{table} order by 1, 2, 3")
        return [tuple(row) for row in rows]

    async def sums(self) -> tuple[int, ...]:
        """Everything that was counted, in events and days together."""
        row = await self.sql.fetchrow(
            "select sum(calls)::bigint, sum(no_results)::bigint, sum(latency_us)::bigint,"
            " max(latency_max_us) from (select calls, no_results, latency_us, latency_max_us"
            " from x_search_event union all select calls, no_results, latency_us, latency_max_us"
            " from x_search_day) as every"
        )
        return tuple(row)


def events_of(db: Database, **options: Any) -> Events:
    queries = event_queries(catalogue_of(SCHEMA))
    return Events(db._runner, queries, SearchCacheOptions(**options))


def key(query: str, provider: str = "serper", locale: str = "en") -> Key:
    return Key(f"{provider} {locale} {query}".encode(), query, provider, locale)


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    pg: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[World]:
    url = await fresh_database(pg).holding(SCHEMA)
    sql = await asyncpg.connect(url)
    async with Database(SCHEMA, url) as db:
        yield World(db, url, sql)
    await sql.close()
