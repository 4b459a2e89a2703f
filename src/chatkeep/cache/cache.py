"""`db.search_cache`: what was searched before, from the fastest place that has it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from time import perf_counter
from typing import Protocol, Unpack

from chatkeep.cache.asking import (
    NOTHING_SAID,
    Asked,
    Fetch,
    Given,
    SearchAsking,
    SearchKeeping,
    SearchOf,
    asked,
    check_names,
    checked_ttl,
    searching,
)
from chatkeep.cache.entries import Key
from chatkeep.cache.finding import Answer, Finder, Wish
from chatkeep.cache.freshness import Freshness
from chatkeep.cache.keys import Keys
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.cache.parsing import parsed
from chatkeep.cache.places import Opening
from chatkeep.engine.background import Background
from chatkeep.errors import InvalidInputError, SearchFailedError
from chatkeep.records.search_cache import (
    FailedSearch,
    Outcome,
    Place,
    SearchResults,
    WarmedSearches,
)
from chatkeep.records.search_stats import SearchStats

_OF = frozenset({"provider", "locale", "options"})
_KEEPING = _OF | {"ttl"}
_ASKING = _KEEPING | {"user_group", "user_id"}
_MOST_AT_ONCE = 100


class Counting(Protocol):
    """What is told of each answered search."""

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
        """Count one."""
        ...

    async def stats(
        self,
        *,
        since: datetime | None = None,
        provider: str | None = None,
        user_group: str | None = None,
        top: int = 10,
    ) -> SearchStats:
        """Say what was counted."""
        ...


class SearchCache:
    """What was searched before, from the fastest place that has it.

    results = await db.search_cache.get_or_fetch("postgresql 18", search)

    A search is the same one when query (letter case, white space and forms of the same letter
    aside), provider, locale and options are. What comes back is shared by its callers and cannot be
    changed. Whatever happens to Redis or PostgreSQL, no call fails because of it.
    """

    def __init__(
        self,
        options: SearchCacheOptions,
        opening: Opening,
        background: Background,
        events: Counting,
        *,
        clock: Callable[[], float] = time.time,
        freshness: Freshness | None = None,
    ) -> None:
        """Keep what it needs; see `assembly.search_cache_of`."""
        self._keys = Keys()
        self._opening = opening
        self._events = events
        self._clock = clock
        self._most = options.max_bytes
        self._finder = Finder(
            options,
            opening,
            background,
            clock=clock,
            freshness=freshness or Freshness(options),
        )
        self._memory = self._finder.memory
        opening.on_close(self._finder.clear)

    async def get_or_fetch(
        self, query: str, fetch: Fetch, **about: Unpack[SearchAsking]
    ) -> SearchResults:
        """Give the results of a search; `fetch` is called only where nobody has them.

        Results that are no longer fresh are given for `stale_for`, while one caller fetches beside.
        Of many callers at once one fetches, also across processes; the others get what it gets.
        A search that failed is not tried again for `failure_ttl`.

        Args:
            query: Of any length.
            fetch: An async function of no argument, or of the query. It gives a list of
                `SearchResult` or of mappings with `title` and `link`, a mapping that has such a
                list as `organic` (Serper's JSON), or `SearchResults`. Fields that a
                `SearchResult` does not have are in its `extra`.
            about: `provider`, `locale` and `options` (JSON) are part of what is searched; `ttl`
                says how long these results are fresh; `user_group` and `user_id` are counted.

        Raises:
            InvalidInputError: An argument is none that can be, or `fetch` gave something else.
            SearchFailedError: The search failed lately, and nothing older is kept.
            DatabaseClosedError: The database is not open, or was closed meanwhile.
            Exception: Whatever `fetch` raised, to each caller who waited for it.
        """
        began = perf_counter()
        if about:
            check_names(about, _ASKING, "get_or_fetch")
            key, said = self._key(query, about), asked(about)
        else:
            key, said = self._keys.of(query), NOTHING_SAID
        kept = self._memory.get(key)
        if kept is not None and kept.kept_at <= self._clock() < kept.plain_until:
            view = kept.view
            self._events.saw(
                key,
                "hit",
                "memory",
                perf_counter() - began,
                len(view.results),
                said.user_group,
                said.user_id,
            )
            return view
        answer = await self._finder.find(Wish(key, fetch, said.ttl))
        return self._told(key, answer, began, said)

    async def get(self, query: str, **about: Unpack[SearchOf]) -> SearchResults | None:
        """Give what is kept of a search, stale too; None where nothing is. Nothing is fetched.

        Raises:
            InvalidInputError: An argument is none that can be.
            DatabaseClosedError: The database is not open.
        """
        began = perf_counter()
        check_names(about, _OF, "get")
        key = self._key(query, about)
        answer = await self._finder.look(key)
        return None if answer is None else self._told(key, answer, began, NOTHING_SAID)

    async def put(self, query: str, results: Given, **about: Unpack[SearchKeeping]) -> bool:
        """Keep results in the place of what was kept.

        Returns:
            Whether Redis or PostgreSQL took them; the process itself keeps them in any case.

        Raises:
            InvalidInputError: They are no results, or larger than `max_bytes`; an argument is none
                that can be.
            DatabaseClosedError: The database is not open.
        """
        check_names(about, _KEEPING, "put")
        key, ttl = self._key(query, about), checked_ttl(about.get("ttl"))
        entry = self._finder.entry_of(key, parsed(results), ttl, 0.0)
        if entry.size > self._most:
            raise InvalidInputError(
                f"The results have {entry.size} bytes, and at most {self._most} are kept.",
                hint="`max_bytes` of SearchCacheOptions says how many.",
                field="results",
            )
        return await self._finder.keep(key, entry)

    async def forget(self, query: str, **about: Unpack[SearchOf]) -> bool:
        """Remove what is kept of a search, a failure too; other processes' memory has it longer.

        Those believe their own copy for `memory_ttl`. What is being fetched just now is given to
        its callers and not kept. Where Redis does not answer, it keeps its own and may give it to
        other processes later: the log warns (`chatkeep.cache`), once until a removal goes through.

        Returns:
            Whether there was something in the places that answered.

        Raises:
            InvalidInputError: An argument is none that can be.
            DatabaseClosedError: The database is not open.
        """
        check_names(about, _OF, "forget")
        return await self._finder.forget(self._key(query, about))

    async def warm(
        self,
        queries: Iterable[str],
        fetch: Fetch,
        *,
        at_once: int = 4,
        **about: Unpack[SearchKeeping],
    ) -> WarmedSearches:
        """Fetch beforehand what is not kept, or no longer fresh; searches that fail are reported.

        Args:
            queries: The same one twice is searched once.
            fetch: As of `get_or_fetch`; of the query, as there are several.
            at_once: So many are searched at the same time, 1 to 100.
            about: As of `get_or_fetch`.

        Raises:
            InvalidInputError: An argument is none that can be; nothing was fetched then.
            DatabaseClosedError: The database is not open.
        """
        check_names(about, _KEEPING, "warm")
        _check_at_once(at_once)
        _check_queries(queries)
        ttl = checked_ttl(about.get("ttl"))
        keys = dict[bytes, Key]()
        for query in queries:
            key = self._key(query, about)
            keys.setdefault(key.hash, key)
        searching(fetch, "")
        self._opening.get()
        wishes = iter([Wish(key, fetch, ttl) for key in keys.values()])
        fetched, failed = 0, list[FailedSearch]()

        async def work() -> None:
            nonlocal fetched
            for wish in wishes:
                answer = await self._finder.freshen(wish)
                if answer.error is not None:
                    failed.append(FailedSearch(wish.key.query, _failure(answer.error)))
                elif answer.tier == "fetch":
                    fetched += 1

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(at_once, len(keys))):
                    group.create_task(work())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return WarmedSearches(len(keys), fetched, tuple(failed))

    async def sweep(self) -> int:
        """Remove from PostgreSQL what is of no use any more; give the number of rows.

        In batches that wait for nobody; `chatkeep sweep` does it as well. Redis removes by itself.

        Raises:
            DatabaseError: One of its kinds. What went until then stays away.
        """
        return await self._opening.get().sweep()

    async def stats(
        self,
        *,
        since: datetime | None = None,
        provider: str | None = None,
        user_group: str | None = None,
        top: int = 10,
    ) -> SearchStats:
        """Say how searches were answered, and which are popular, by day and by group of users.

        What all processes stored, and what this one has just counted.

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
        return await self._events.stats(
            since=since, provider=provider, user_group=user_group, top=top
        )

    def _key(self, query: str, about: SearchOf) -> Key:
        return self._keys.of(
            query, about.get("provider", "serper"), about.get("locale", "en"), about.get("options")
        )

    def _told(self, key: Key, answer: Answer, began: float, said: Asked) -> SearchResults:
        """Count an answer, and give its results or raise its error."""
        results = answer.results
        self._events.saw(
            key,
            answer.outcome,
            answer.tier,
            perf_counter() - began,
            0 if results is None else len(results.results),
            said.user_group,
            said.user_id,
        )
        if results is None:
            raise answer.error or SearchFailedError("an unknown error", 0.0)
        return results


def _check_queries(given: object) -> None:
    if isinstance(given, str) or not isinstance(given, Iterable):
        kind = "one" if isinstance(given, str) else f"a {type(given).__name__}"
        raise InvalidInputError(f"queries must be several texts, not {kind}.", field="queries")


def _check_at_once(given: object) -> None:
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= _MOST_AT_ONCE:
        raise InvalidInputError(f"at_once must be 1 to {_MOST_AT_ONCE}.", field="at_once")


def _failure(error: Exception) -> str:
    return error.failure if isinstance(error, SearchFailedError) else type(error).__name__
