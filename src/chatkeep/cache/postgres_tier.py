"""The tier that lasts: entries in `search_cache`, which every process of the application sees.

It is also what answers while Redis is away. Whatever goes wrong here is a miss, and a line in the
log: a search is never refused because PostgreSQL could not keep what it gave.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor

from chatkeep.cache.documents import written
from chatkeep.cache.entries import Entry, Key, TierName
from chatkeep.cache.postgres_place import FAULTS, PostgresPlace
from chatkeep.cache.postgres_queries import LONG_AGO, CacheQueries

SWEEP_ROWS = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresTier:
    """Entries in the table `search_cache`, one row for each key.

    Times are kept in whole microseconds, cut off. `created_at` is when results were fetched and
    `expires_at` when they stop being fresh, as in the seed; a failed search has expired from its
    beginning, so that the seed's code takes it for nothing.
    """

    name: TierName = "postgres"

    def __init__(
        self,
        place: PostgresPlace,
        queries: CacheQueries,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep what it needs; nothing is sent yet.

        Args:
            place: Where statements run.
            queries: Those of the schema.
            clock: Says which entries are gone, in seconds since 1970.
        """
        self._place = place
        self._queries = queries
        self._clock = clock

    async def get(self, key: Key) -> Entry | None:
        """Give the entry, stale ones too; None where there is none, or nobody answers in time."""
        try:
            entry = await self._place.first(self._queries.get, {"key_hash": key.hash})
        except FAULTS as exc:
            self._place.failed("get", exc)
            return None
        return None if entry is None or entry.stale_until <= self._clock() else entry

    async def put(self, key: Key, entry: Entry) -> bool:
        """Keep an entry.

        False where a newer one is there, where it is a failure and results that are not gone are
        there, and where nobody took it.
        """
        try:
            found = await self._place.first(self._queries.put, _values(key, entry))
        except FAULTS as exc:
            self._place.failed("put", exc)
            return False
        return found is not None

    async def forget(self, key: Key) -> bool:
        """Remove an entry; False where there was none, or nobody answers in time."""
        try:
            return await self._place.first(self._queries.forget, {"key_hash": key.hash}) is not None
        except FAULTS as exc:
            self._place.failed("forget", exc)
            return False

    async def sweep(self, rows: int = SWEEP_ROWS) -> int:
        """Remove what is of no use any more, and say how many rows went.

        That are entries, also those of the seed's code, from `stale_until` on, without one from
        `expires_at` on. Each statement reads at most `rows` rows, waits for nobody and is a
        transaction of its own; between two of them the connection is free for others.

        Raises:
            DatabaseError: One of its kinds. What went until then stays away.
        """
        before = _moment(self._clock())
        after = {"after_expires_at": LONG_AGO, "after_id": 0}
        removed = 0
        while True:
            values = {"before": before, "limit": rows, **after}
            step = await self._queries.sweep.first(self._place.runner, values)
            if step is None:
                return removed
            removed += step.gone
            after = {"after_expires_at": step.expires_at, "after_id": step.id}


def _values(key: Key, entry: Entry) -> dict[str, object]:
    made = _moment(entry.fetched_at)
    is_failure = entry.failure is not None
    return {
        "key_hash": key.hash,
        "query": key.query,
        "provider": key.provider,
        "locale": key.locale,
        "results": written(entry),
        "created_at": made,
        "expires_at": made if is_failure else _moment(entry.expires_at),
        "stale_until": _moment(entry.stale_until),
        "is_failure": is_failure,
    }


def _moment(seconds: float) -> datetime:
    """Give a time, never a later one than it was: nothing may live longer than allowed."""
    # By fractions: the product of two floats may be rounded up.
    return _EPOCH + timedelta(microseconds=floor(Fraction(seconds) * 1_000_000))
