"""What happened to searches: counted in the process, stored every few seconds in one statement.

A call costs a look into a dictionary. What is counted is bounded, whatever is asked: beyond
`MAX_COUNTERS` different searches since the last flush, further ones count without saying which.
Nothing of this ever fails or delays a request; counts that could not be stored wait for the next
flush.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from chatkeep.cache.entries import Key
from chatkeep.cache.event_queries import EventQueries
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.cache.stats import check_stats, search_stats
from chatkeep.engine.run import PoolRunner
from chatkeep.errors import ChatkeepError
from chatkeep.records.search_cache import Outcome, Place
from chatkeep.records.search_stats import SearchStats

MAX_COUNTERS = 10_000
"""Different searches that wait to be stored at most."""
FLUSH_AT = 1000
"""So many are stored at once, sooner than `flush_after`."""
LONGEST_QUERY = 1000
"""Characters of a query that are stored."""
LONGEST_NAME = 100
"""Characters of a provider, locale or group: they stand in an index, whose rows are bounded."""

_UNNAMED = Key(b"", "", "", "")
_WITHOUT = frozenset({"failed", "known_failure"})  # nothing was looked for there, so nothing found
_CLOSING = timedelta(seconds=5)  # that `Database.close` waits for a server that does not answer

_log = logging.getLogger("chatkeep.cache")

_Which = tuple[bytes, Outcome, Place, str, str | None]


class _Counter:
    """Calls of one kind since the last flush."""

    __slots__ = ("calls", "key", "latency_max_us", "latency_us", "no_results")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.calls = self.no_results = self.latency_us = self.latency_max_us = 0

    def add(self, other: "_Counter") -> None:
        """Count what another one counted."""
        self.calls += other.calls
        self.no_results += other.no_results
        self.latency_us += other.latency_us
        self.latency_max_us = max(self.latency_max_us, other.latency_max_us)


class Events:
    """Counts how searches were answered, and stores it beside the calls."""

    def __init__(
        self, runner: PoolRunner, queries: EventQueries, options: SearchCacheOptions
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._is_on = options.record
        self._has_queries = options.record_queries
        self._has_users = options.record_users
        self._seconds = options.flush_after.total_seconds()
        self._counters: dict[_Which, _Counter] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[bool] | None = None
        self._is_failing = False

    def saw(  # noqa: PLR0913, PLR0917 - called for each search: an object would cost as much again
        self,
        key: Key,
        outcome: Outcome,
        tier: Place,
        latency_seconds: float,
        results: int,
        user_group: str | None = None,
        user_id: str | None = None,
    ) -> None:
        """Count one answered search. Nothing is sent, nothing waits, nothing is raised.

        Args:
            key: Which search.
            outcome: How it was answered.
            tier: Which place had it.
            latency_seconds: From the call to its answer.
            results: How many there were.
            user_group: A group of the application's that asked, such as `free`.
            user_id: Who asked; not kept unless `record_users`.
        """
        if not self._is_on:
            return
        who = user_id if self._has_users else None
        which = (key.hash, outcome, tier, user_group or "", who)
        counter = self._counters.get(which)
        if counter is None:
            counter = self._first(which, key)
        microseconds = int(latency_seconds * 1_000_000)
        counter.calls += 1
        counter.latency_us += microseconds
        counter.latency_max_us = max(counter.latency_max_us, microseconds)
        if not results and outcome not in _WITHOUT:
            counter.no_results += 1

    async def flush(self) -> bool:
        """Store what was counted; False where that failed, and the counts wait for the next time."""
        while self._flushing is not None and not self._flushing.done():
            await asyncio.wait([self._flushing])
        self._flushing = self._runner.background.save(self._store())
        return await asyncio.shield(self._flushing)

    async def stats(
        self,
        *,
        since: datetime | None = None,
        provider: str | None = None,
        user_group: str | None = None,
        top: int = 10,
    ) -> SearchStats:
        """Say how searches were answered, those included that this process has just counted.

        Args:
            since: From the beginning of this time's day in UTC; None for all that is stored.
            provider: Only its searches.
            user_group: Only those of this group; "" for those without one.
            top: So many searches and groups in each ranking, 1 to 100.

        Raises:
            InvalidInputError: `top` is out of bounds, `since` is no time or has no zone, or a text
                cannot be one.
            DatabaseError: One of its kinds.
        """
        asked = check_stats(since, provider, user_group, top)
        await self.flush()
        return await search_stats(self._runner, self._queries, asked)

    def _first(self, which: _Which, key: Key) -> _Counter:
        """Give the counter of what was not counted since the last flush."""
        counters = self._counters
        if len(counters) >= MAX_COUNTERS:
            which, key = (b"", which[1], which[2], "", None), _UNNAMED
            if which in counters:
                return counters[which]
        counter = counters[which] = _Counter(key)
        if self._timer is None:
            self._set_timer()
        if len(counters) >= FLUSH_AT and not self._is_failing:
            self._begin()
        return counter

    def _set_timer(self) -> None:
        if not self._runner.pool.is_open:
            return  # what is counted after the end waits for the next opening
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._ring)
        self._runner.background.keep_open(self._end)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._runner.background.ended(self._end)

    def _ring(self) -> None:
        self._timer = None
        self._begin()

    def _begin(self) -> None:
        """Store what was counted, beside the calls."""
        if self._flushing is None or self._flushing.done():
            self._flushing = self._runner.background.save(self._store())

    def _end(self) -> None:
        """Store what was counted as the database is closed; what cannot be stored then is lost."""
        self._runner.background.save(self._store_last())

    async def _store_last(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING.total_seconds()):
                await self._store()
        self._clear_timer()
        if self._counters:
            lost = sum(counter.calls for counter in self._counters.values())
            self._counters = {}
            _log.warning("The database was closed before %d searches could be counted.", lost)

    async def _store(self) -> bool:
        """Store what was counted, and what comes meanwhile as long as that is much."""
        is_stored = await self._store_once()
        while is_stored and len(self._counters) >= FLUSH_AT:
            is_stored = await self._store_once()
        return is_stored

    async def _store_once(self) -> bool:
        self._clear_timer()
        taken, self._counters = self._counters, {}
        left = list(taken.items())
        try:
            while left:
                await self._queries.store.all(self._runner, self._columns(left[:FLUSH_AT]))
                del left[:FLUSH_AT]
            self._is_failing = False
        except Exception as exc:  # noqa: BLE001 - told below; no request has anything to do with it
            self._told(exc)
        finally:  # also where it was cancelled
            for which, counter in left:
                self._counter(which, counter.key).add(counter)
            if self._counters and self._timer is None:
                self._set_timer()  # a timer that rang meanwhile found this at work
        return not left

    def _counter(self, which: _Which, key: Key) -> _Counter:
        return self._counters.get(which) or self._first(which, key)

    def _told(self, exc: Exception) -> None:
        """Say once that counts cannot be stored, until they can again."""
        if not self._is_failing:
            # Of ours the text repeats no value; of others it may.
            why = exc if isinstance(exc, ChatkeepError) else type(exc).__name__
            _log.warning("Counts of searches could not be stored, and wait: %s", why)
        self._is_failing = True

    def _columns(self, part: Sequence[tuple[_Which, _Counter]]) -> dict[str, object]:
        keys = [counter.key for _, counter in part]
        texts = [_cut(key.query, LONGEST_QUERY) if self._has_queries else None for key in keys]
        return {
            "key_hash": [key.hash for key in keys],
            "query": texts,
            "provider": [_cut(key.provider, LONGEST_NAME) for key in keys],
            "locale": [_cut(key.locale, LONGEST_NAME) for key in keys],
            "outcome": [which[1] for which, _ in part],
            "tier": [which[2] for which, _ in part],
            "calls": [counter.calls for _, counter in part],
            "no_results": [counter.no_results for _, counter in part],
            "latency_us": [counter.latency_us for _, counter in part],
            "latency_max_us": [counter.latency_max_us for _, counter in part],
            "user_group": [_cut(which[3], LONGEST_NAME) for which, _ in part],
            "user_id": [None if which[4] is None else _cut(which[4], 255) for which, _ in part],
        }


def _cut(text: str, length: int) -> str:
    """Give a text as PostgreSQL can store it: one that it refuses would hold up all others."""
    cut = text[:length]
    if cut.isascii() and "\0" not in cut:
        return cut
    return cut.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
