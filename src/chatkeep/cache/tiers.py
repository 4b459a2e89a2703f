"""The tiers below memory as one place: asked in order, written all at once, and never in the way."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, NamedTuple, TypeVar

from chatkeep.cache.entries import Entry, Key, Tier, TierName
from chatkeep.cache.envelope import UnreadableEntryError, extra_of
from chatkeep.cache.frozen import EMPTY
from chatkeep.cache.quiet import Quiet
from chatkeep.engine.background import Background

T = TypeVar("T")

_Writing = Callable[[], Awaitable[bool]]
_Then = Callable[[], Coroutine[Any, Any, None]]

_MOST_WRITES = 1_000  # under way at once: further ones are left out, while those who ask go on

_log = logging.getLogger("chatkeep.cache")


class Seen(NamedTuple):
    """What the tiers have of a search.

    Attributes:
        entry: The newest results.
        extra: What was beside them.
        tier: Who had them.
        is_fresh: Whether they are.
        failure: A later failure, which still stands.
        is_overtaken: Somebody wrote meanwhile: this may be given, but not kept.
    """

    entry: Entry
    extra: dict[str, Any]
    tier: TierName
    is_fresh: bool
    failure: "KnownFailure | None" = None
    is_overtaken: bool = False


class KnownFailure(NamedTuple):
    """That a search failed; as `Seen`, it may be overtaken."""

    name: str
    until: float
    tier: TierName
    is_overtaken: bool = False


class _Look:
    """A look under way, for who writes meanwhile to say so."""

    __slots__ = ("is_overtaken",)

    def __init__(self, *, is_overtaken: bool) -> None:
        self.is_overtaken = is_overtaken


class Tiers:
    """Redis and PostgreSQL, the fastest first. What goes wrong there is told in the log alone.

    Args:
        tiers: In the order in which they are asked.
        background: Where writes go on that nobody waits for.
        clock: Seconds since 1970.
    """

    def __init__(
        self, tiers: Sequence[Tier], background: Background, clock: Callable[[], float]
    ) -> None:
        self._tiers = tuple(tiers)
        self._background = background
        self._clock = clock
        self._writing: dict[bytes, asyncio.Task[Any]] = {}
        self._looks: dict[bytes, list[_Look]] = {}
        self._broken: set[TierName] = set()
        self._left_out = Quiet()

    async def look(self, key: Key) -> Seen | KnownFailure | None:
        """Find the newest results, or a failure that still stands. Faster tiers get them, too.

        But not where the key is written or removed before this ends: what was read is older.
        """
        look = _Look(is_overtaken=key.hash in self._writing)
        looks = self._looks.setdefault(key.hash, [])
        looks.append(look)
        try:
            found = await self._look(key, look)
        finally:
            looks.remove(look)
            if not looks:
                del self._looks[key.hash]
        if found is not None and look.is_overtaken:
            return found._replace(is_overtaken=True)
        return found

    async def _look(self, key: Key, look: _Look) -> Seen | KnownFailure | None:
        seen: Seen | None = None
        failure: KnownFailure | None = None
        without: list[Tier] = []
        for tier in self._tiers:
            entry = await self._asked(tier, tier.get(key), None)
            now = self._clock()
            if entry is None or entry.stale_until <= now:
                without.append(tier)
            elif entry.failure is not None:
                if entry.expires_at > now:
                    failure = failure or KnownFailure(entry.failure, entry.expires_at, tier.name)
            elif seen is None or entry.fetched_at > seen.entry.fetched_at:
                extra = self._extra(tier, entry)
                if extra is None:
                    without.append(tier)
                    continue
                behind = without if seen is None else [*without, self._named(seen.tier)]
                seen = Seen(entry, extra, tier.name, entry.expires_at > now)
                if behind and not look.is_overtaken:
                    self._write(key, lambda to=behind, it=entry: self._put_into(to, key, it))
                    without = []
                if seen.is_fresh:
                    break
        if seen is not None and failure is not None:
            return seen._replace(failure=failure)
        return seen or failure

    async def put(self, key: Key, entry: Entry) -> bool:
        """Keep an entry in all of them; False where none took it."""
        self._overtake(key)
        return await asyncio.shield(
            self._ordered(key, lambda: self._put_into(self._tiers, key, entry))
        )

    def put_later(self, key: Key, entry: Entry, then: _Then | None = None) -> None:
        """Keep an entry in all of them beside the call, and do something after that."""
        self._overtake(key)
        self._write(key, lambda: self._put_into(self._tiers, key, entry), then)

    async def forget(self, key: Key) -> bool:
        """Remove an entry from all of them; False where none had it."""
        self._overtake(key)
        return await asyncio.shield(self._ordered(key, lambda: self._forget(key)))

    def _overtake(self, key: Key) -> None:
        for look in self._looks.get(key.hash, ()):
            look.is_overtaken = True

    def _extra(self, tier: Tier, entry: Entry) -> dict[str, Any] | None:
        try:
            return extra_of(entry) if entry.extra else EMPTY
        except UnreadableEntryError as exc:
            _log.warning("An entry of the search cache in %s was left out: %s.", tier.name, exc)
            return None

    def _named(self, name: TierName) -> Tier:
        return next(tier for tier in self._tiers if tier.name == name)

    async def _put_into(self, tiers: Sequence[Tier], key: Key, entry: Entry) -> bool:
        kept = [await self._asked(tier, tier.put(key, entry), instead=False) for tier in tiers]
        return any(kept)

    async def _forget(self, key: Key) -> bool:
        had = [await self._asked(tier, tier.forget(key), instead=False) for tier in self._tiers]
        return any(had)

    def _write(self, key: Key, writing: _Writing, then: _Then | None = None) -> None:
        if len(self._writing) < _MOST_WRITES:
            self._ordered(key, writing, then)
            return
        self._tell_left_out()
        if then is not None:
            self._background.save(then())

    def _tell_left_out(self) -> None:
        """Write a line at most every ten seconds: there may be thousands in one."""
        if self._left_out.is_due():
            _log.warning(
                "%d writes of the search cache wait; left out so far: %d.",
                _MOST_WRITES,
                self._left_out.count,
            )

    def _ordered(
        self, key: Key, writing: _Writing, then: _Then | None = None
    ) -> "asyncio.Task[bool]":
        """Write after what is being written of the same key: the later call has the last word."""
        before = self._writing.get(key.hash)
        task = self._background.save(_after(before, writing, then))
        self._writing[key.hash] = task
        task.add_done_callback(lambda done: self._written(key, done))
        return task

    def _written(self, key: Key, task: "asyncio.Task[bool]") -> None:
        if self._writing.get(key.hash) is task:
            del self._writing[key.hash]

    async def _asked(self, tier: Tier, call: Coroutine[Any, Any, T], instead: T) -> T:
        """Give a tier's answer. A tier raises nothing; this holds though one has a mistake."""
        try:
            answer = await call
        except Exception:  # noqa: BLE001 - told below: a search does not fail because of its cache
            if tier.name not in self._broken:
                self._broken.add(tier.name)
                _log.warning("The search cache goes on without %s.", tier.name, exc_info=True)
            return instead
        self._broken.discard(tier.name)
        return answer


async def _after(before: "asyncio.Task[Any] | None", writing: _Writing, then: _Then | None) -> bool:
    try:
        if before is not None:
            await asyncio.wait([before])
        return await writing()
    finally:
        if then is not None:
            await then()
