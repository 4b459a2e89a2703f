"""What the table of the search cache holds, and what expires next."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import Integer, Interval, bindparam, func, literal_column, select

from chatkeep.access.catalogue import Catalogue, catalogue_of
from chatkeep.engine.query import Query
from chatkeep.errors import ConfigError
from chatkeep.insight.reading import query_of, read
from chatkeep.records.base import Record
from chatkeep.schema.schema import Schema

COUNTED = 10_000
"""So many entries of each kind are counted, and no more."""
_AnySchema: TypeAlias = Schema[Any, Any, Any, Any]


class Expiring(Record, rename="camel"):
    """Entries that end within a time.

    Attributes:
        within: `expired`, `hour`, `day` or `later`; each without those before it.
        entries: How many, at most `COUNTED`.
    """

    within: str
    entries: int


class ExpiringSearch(Record, rename="camel"):
    """An entry that ends soon. `stale_until` is how long it may still be given; None where never."""

    query: str
    provider: str | None
    locale: str | None
    created_at: datetime
    expires_at: datetime
    stale_until: datetime | None


class ExpiringQueries:
    """The statements of one schema."""

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        """Find the table.

        Raises:
            ConfigError: The schema has no search cache.
        """
        if "search_cache" not in catalogue.schema.tables:
            raise ConfigError(
                "The schema has no table `search_cache`.",
                hint="`chatkeep.presets.deepsearch` has it, in the hardened edition.",
            )
        self._entry = catalogue.schema.tables["search_cache"]

    @cached_property
    def within(self) -> Query[int]:
        """Count the entries that end between two times, no more than `limit`: of an index alone."""
        ends, now = self._entry.c["expires_at"], func.now()
        after = now + bindparam("after", type_=Interval())
        before = now + bindparam("before", type_=Interval())
        some = (
            select(literal_column("1").label("one"))
            .select_from(self._entry)
            .where(ends > after, ends <= before)
            .limit(bindparam("limit", type_=Integer()))
            .subquery("some")
        )
        return query_of("expiring.within", select(func.count()).select_from(some), int)

    @cached_property
    def next(self) -> Query[ExpiringSearch]:
        """The entries that end next, by the index on their end."""
        entry = self._entry.c
        names = ("query", "provider", "locale", "created_at", "expires_at", "stale_until")
        clause = (
            select(*(entry[name] for name in names))
            .where(entry["expires_at"] > func.now())
            .order_by(entry["expires_at"])
            .limit(bindparam("limit", type_=Integer()))
        )
        return query_of("expiring.next", clause, ExpiringSearch)


def expiring_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> ExpiringQueries:
    """Give the statements of a schema: they are compiled once, for all databases."""
    return catalogue.kept(ExpiringQueries)


_HOUR, _DAY, _EVER = timedelta(hours=1), timedelta(days=1), timedelta(days=36_500)
_SPANS = {
    "expired": (-_EVER, timedelta()),
    "hour": (timedelta(), _HOUR),
    "day": (_HOUR, _DAY),
    "later": (_DAY, _EVER),
}


async def read_expiring(connection: asyncpg.Connection, schema: _AnySchema) -> list[Expiring]:
    """Count what has expired and waits for a sweep, and what expires within an hour, a day, later.

    Raises:
        ConfigError: The schema has no search cache.
    """
    query = expiring_queries(catalogue_of(schema)).within
    found: list[Expiring] = []
    for name, (after, before) in _SPANS.items():
        values = {"after": after, "before": before, "limit": COUNTED}
        found += [Expiring(name, n) for n in await read(connection, query, values)]
    return found


async def read_next(
    connection: asyncpg.Connection, schema: _AnySchema, limit: int = 10
) -> list[ExpiringSearch]:
    """Give the entries that end next.

    Raises:
        ConfigError: The schema has no search cache.
    """
    query = expiring_queries(catalogue_of(schema)).next
    return await read(connection, query, {"limit": limit})
