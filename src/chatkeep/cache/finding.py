"""How a search is answered: memory, the other tiers, another one's fetch, or a fetch."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import timedelta
from time import perf_counter
from typing import Any, NamedTuple

from chatkeep.cache.asking import Fetch, searching
from chatkeep.cache.entries import Entry, Key
from chatkeep.cache.envelope import extra_of, sealed
from chatkeep.cache.flight import AbandonedError, Flight, Flights, LateError
from chatkeep.cache.freshness import Freshness
from chatkeep.cache.locks import Held
from chatkeep.cache.memory import Failure, Failures, Kept, Memory
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.cache.parsing import Found
from chatkeep.cache.places import Opening
from chatkeep.cache.quiet import Quiet
from chatkeep.cache.tiers import KnownFailure, Seen
from chatkeep.engine.background import Background
from chatkeep.errors import SearchFailedError
from chatkeep.records.search_cache import Outcome, Place, SearchResults

_log = logging.getLogger("chatkeep.cache")


class Answer(NamedTuple):
    """What a call gets: results, or an error that it raises."""

    outcome: Outcome
    tier: Place
    results: SearchResults | None = None
    error: Exception | None = None


class Wish(NamedTuple):
    """A search to make, if nobody has it."""

    key: Key
    fetch: Fetch
    ttl: timedelta | None


class Finder:
    """Answers searches, each from the first place that has it.

    Args:
        options: What the application says.
        opening: The tiers below memory.
        background: Of the database.
        clock: Seconds since 1970.
        freshness: The rules on time.
    """

    def __init__(
        self,
        options: SearchCacheOptions,
        opening: Opening,
        background: Background,
        *,
        clock: Callable[[], float],
        freshness: Freshness,
    ) -> None:
        self.memory = Memory(options.memory_bytes)
        self.failures = Failures()
        self._opening = opening
        self._background = background
        self._clock = clock
        self._freshness = freshness
        self._memory_ttl = options.memory_ttl.total_seconds()
        self._patience = options.fetch_timeout.total_seconds()
        self._most = options.max_bytes
        self._is_large_told = False
        self._unrefreshed = Quiet()
        self._flights: Flights[Answer] = Flights()
        self._refreshing: dict[bytes, asyncio.Task[Answer | None]] = {}

    async def find(self, wish: Wish) -> Answer:
        """Give what is kept, stale too, or fetch it."""
        key, is_late = wish.key, False
        while True:
            now = self._clock()
            kept = self.remembered(key, now)
            if kept is not None:
                return self._of_memory(wish, kept, now)
            failure = self.failures.get(key, now)
            if failure is not None and not failure.has_results:
                return _known_failure(failure.name, failure.until - now, "memory")
            flight = self._flights.get(key.hash)
            if flight is None:
                return await self._lead(wish, is_late=is_late)
            try:
                return _for_others(await flight.wait(self._patience))
            except AbandonedError:
                continue
            except LateError:
                is_late = True
                flight.leave()

    async def freshen(self, wish: Wish) -> Answer:
        """Give what is fresh, or fetch it, and wait for that."""
        key = wish.key
        kept = await self.look(key)
        if kept is None or kept.results is None:
            return await self.find(wish)
        if kept.outcome == "hit":
            return kept
        now = self._clock()
        failure = self.failures.get(key, now)
        if failure is not None:
            return _known_failure(failure.name, failure.until - now, "memory")
        search = searching(wish.fetch, key.query)
        return await self._renew(wish, search, kept.results.fetched_at) or kept

    async def look(self, key: Key) -> Answer | None:
        """Give what is kept, stale too, and fetch nothing."""
        now = self._clock()
        kept = self.remembered(key, now)
        if kept is not None:
            return _answer(kept.entry, kept.view.extra, "memory", now)
        seen = await self._opening.get().tiers.look(key)
        if not isinstance(seen, Seen):
            return None
        now = self._clock()
        self._note(key, seen, now)
        return _answer(seen.entry, seen.extra, seen.tier, now)

    def clear(self) -> None:
        """Forget what this process knows."""
        self.memory.clear()
        self.failures.clear()

    def remembered(self, key: Key, now: float) -> Kept | None:
        """Give what memory has, if it is still believed."""
        kept = self.memory.get(key)
        if kept is None:
            return None
        if not kept.kept_at <= now < kept.believed_until:
            self.memory.forget(key)
            return None
        return kept

    def entry_of(self, key: Key, found: Found, ttl: timedelta | None, took: float) -> Entry:
        """Give an entry of results that were fetched now."""
        now = self._clock()
        times = self._freshness.of_results(now, ttl)
        entry = Entry(found.results, found.extra, now, *times, took=took)
        return Entry(
            found.results, found.extra, now, *times, size=len(sealed(key, entry)), took=took
        )

    async def keep(self, key: Key, entry: Entry) -> bool:
        """Keep an entry everywhere; False where memory alone did."""
        places = self._opening.get()
        self._remember(key, entry, extra_of(entry), self._clock())
        return await places.tiers.put(key, entry)

    async def forget(self, key: Key) -> bool:
        """Remove an entry everywhere; what is being fetched just now is not kept."""
        places = self._opening.get()
        flight = self._flights.get(key.hash)
        if flight is not None:
            flight.is_forgotten = True
            flight.leave()
        if (refreshing := self._refreshing.pop(key.hash, None)) is not None:
            refreshing.cancel()
        had = [self.memory.forget(key), self.failures.forget(key)]
        return await places.tiers.forget(key) or any(had)

    def _of_memory(self, wish: Wish, kept: Kept, now: float) -> Answer:
        entry = kept.entry
        if now >= entry.expires_at or self._freshness.is_early(entry, now):
            self._refresh(wish, entry, now)
        return _answer(entry, kept.view.extra, "memory", now)

    async def _lead(self, wish: Wish, *, is_late: bool) -> Answer:
        """Look into the tiers for everybody who asks meanwhile, and have it fetched if need be."""
        key = wish.key
        flight = self._flights.begin(key.hash)
        try:
            places = self._opening.get()
            answer = self._of_tiers(wish, await places.tiers.look(key))
            if answer is None:
                search = searching(wish.fetch, key.query)
                fetching = self._fly(flight, wish, search, is_late=is_late)
                flight.fetches(self._background.work(fetching), self._is_closing)
        except BaseException:
            flight.fail(AbandonedError())
            raise
        if answer is None:
            return await flight.wait()
        flight.land(answer)
        return answer

    def _of_tiers(self, wish: Wish, seen: Seen | KnownFailure | None) -> Answer | None:
        now = self._clock()
        if isinstance(seen, Seen):
            entry = seen.entry
            self._note(wish.key, seen, now)
            if now >= entry.expires_at or self._freshness.is_early(entry, now):
                self._refresh(wish, entry, now)
            return _answer(entry, seen.extra, seen.tier, now)
        if seen is not None:
            if not seen.is_overtaken:
                self._fail(wish.key, seen, now, has_results=False)
            return _known_failure(seen.name, seen.until - now, seen.tier)
        return None

    def _is_closing(self) -> bool:
        return self._background.is_closing

    async def _fly(
        self, flight: Flight[Answer], wish: Wish, search: "_Search", *, is_late: bool
    ) -> None:
        """Bring everybody who waits what another process has by now, or what the search gives."""
        turns = self._opening.get().turns
        turn = await (turns.take_now(wish.key, None) if is_late else turns.take(wish.key))
        answer = self._of_tiers(wish, turn.seen)
        if answer is not None:
            flight.land(answer)
            return
        flight.land(await self._fetched(wish, search, turn.held, flight=flight))

    def _tell_stale(self, error: Exception) -> None:
        """Write a line at most every ten seconds: a service that is away fails all of them."""
        if self._unrefreshed.is_due():
            _log.warning(
                "A search could not be refreshed and goes on with older results: %s (%d so far).",
                type(error).__name__,
                self._unrefreshed.count,
            )

    def _refresh(self, wish: Wish, older: Entry, now: float) -> None:
        """Fetch anew beside the call, once at a time, and not while a failure stands."""
        key_hash = wish.key.hash
        if key_hash in self._refreshing or self.failures.get(wish.key, now) is not None:
            return
        search = searching(wish.fetch, wish.key.query)
        task = self._background.work(self._renew(wish, search, older.fetched_at))
        self._refreshing[key_hash] = task

        def ended(done: asyncio.Task[Answer | None]) -> None:
            if self._refreshing.get(key_hash) is done:
                del self._refreshing[key_hash]
            if not done.cancelled() and (error := done.exception()) is not None:
                _log.error("A search could not be refreshed.", exc_info=error)

        task.add_done_callback(ended)

    async def _renew(self, wish: Wish, search: "_Search", fetched_at: float) -> Answer | None:
        """Fetch anew, unless another process is at it or did so after that time."""
        turn = await self._opening.get().turns.take_now(wish.key, fetched_at)
        if isinstance(turn.seen, Seen):
            now = self._clock()
            self._note(wish.key, turn.seen, now)
            return _answer(turn.seen.entry, turn.seen.extra, turn.seen.tier, now)
        if not turn.is_ours:
            return None
        answer = await self._fetched(wish, search, turn.held, has_older=True)
        if answer.error is not None:
            self._tell_stale(answer.error)
        return answer

    async def _fetched(
        self,
        wish: Wish,
        search: "_Search",
        held: Held | None,
        *,
        flight: Flight[Answer] | None = None,
        has_older: bool = False,
    ) -> Answer:
        """Search, keep what comes beside the call, and let other processes go on after that."""
        places, began = self._opening.get(), perf_counter()
        try:
            found = await search()
            entry = self.entry_of(wish.key, found, wish.ttl, perf_counter() - began)
        except Exception as exc:  # noqa: BLE001 - the caller's own, who gets it
            is_kept = flight is None or not flight.is_forgotten
            entry = self._failed(wish.key, exc, has_results=has_older) if is_kept else None
            answer = Answer("failed", "fetch", None, exc)
        except BaseException:
            places.turns.release(held)
            raise
        else:
            extra = extra_of(entry)
            answer = Answer("miss", "fetch", _view(entry, extra, "miss", "fetch"))
            if self._is_too_large(entry) or (flight is not None and flight.is_forgotten):
                entry = None
            else:
                self._remember(wish.key, entry, extra, self._clock())
        if entry is None:
            places.turns.release(held)
        else:
            places.tiers.put_later(wish.key, entry, None if held is None else held.release)
        return answer

    def _failed(self, key: Key, exc: Exception, *, has_results: bool) -> Entry | None:
        """Note a failure; give the entry that tells other processes, unless they have results."""
        now = self._clock()
        times = self._freshness.of_failure(now)
        name = type(exc).__name__
        self.failures.put(key, Failure(name, times.expires_at, has_results, now))
        if has_results or times.expires_at <= now:
            return None
        entry = Entry((), b"", now, *times, failure=name)
        return Entry((), b"", now, *times, failure=name, size=len(sealed(key, entry)))

    def _fail(self, key: Key, known: KnownFailure, now: float, *, has_results: bool) -> None:
        self.failures.put(key, Failure(known.name, known.until, has_results, now))

    def _note(self, key: Key, seen: Seen, now: float) -> None:
        """Remember what the tiers have, unless somebody wrote something else meanwhile."""
        if seen.is_overtaken:
            return
        self._remember(key, seen.entry, seen.extra, now)
        if seen.failure is not None:
            self._fail(key, seen.failure, now, has_results=True)

    def _remember(self, key: Key, entry: Entry, extra: dict[str, Any], now: float) -> None:
        self.failures.are_results(key, entry.fetched_at)
        if not self.memory.is_on:
            return
        until = min(now + self._memory_ttl, entry.stale_until)
        plain = self._freshness.surely_fresh_until(entry)
        kept = Kept(_view(entry, extra, "hit", "memory"), entry, plain, until, now)
        self.memory.put(key, kept)

    def _is_too_large(self, entry: Entry) -> bool:
        if entry.size <= self._most:
            return False
        if not self._is_large_told:
            self._is_large_told = True
            _log.warning(
                "Results of %d bytes are not kept: more than max_bytes, %d. Told once.",
                entry.size,
                self._most,
            )
        return True


_Search = Callable[[], Coroutine[Any, Any, Found]]


def _view(entry: Entry, extra: dict[str, Any], outcome: Outcome, tier: Place) -> SearchResults:
    return SearchResults(entry.results, outcome, tier, entry.fetched_at, entry.expires_at, extra)


def _answer(entry: Entry, extra: dict[str, Any], tier: Place, now: float) -> Answer:
    outcome: Outcome = "hit" if now < entry.expires_at else "stale"
    return Answer(outcome, tier, _view(entry, extra, outcome, tier))


def _known_failure(name: str, seconds: float, tier: Place) -> Answer:
    return Answer("known_failure", tier, None, SearchFailedError(name, seconds))


def _for_others(answer: Answer) -> Answer:
    """Give what those get who waited for another one's fetch."""
    if answer.outcome == "failed":
        return answer._replace(outcome="known_failure")
    if answer.outcome != "miss" or answer.results is None:
        return answer
    theirs = answer.results
    shared = SearchResults(
        theirs.results, "hit", "fetch", theirs.fetched_at, theirs.expires_at, theirs.extra
    )
    return Answer("hit", "fetch", shared)
