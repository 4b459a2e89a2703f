"""Entries in Redis or Valkey: `namespace:v1:<hash>`, each with the time at which it is gone."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from chatkeep.cache.breaker import Breaker
from chatkeep.cache.entries import Entry, Key, TierName
from chatkeep.cache.envelope import UnreadableEntryError, opened, sealed
from chatkeep.cache.redis_errors import RedisAwayError, RedisRefusedError

if TYPE_CHECKING:
    from chatkeep.cache.redis_link import Link

_log = logging.getLogger("chatkeep.cache")

_OWED_AT_MOST: Final = 10_000
_REPORT_EVERY: Final = 60.0  # seconds


class RedisTier:
    """Keeps entries in Redis. Where Redis is away or refuses, it has nothing and takes nothing.

    A write that Redis refuses, full or read-only as it may be, says nothing about reads: it has a
    breaker of its own. What could not be written over or removed there is owed: this process does
    not believe Redis about such a key until a write or a removal of it has gone through.

    Args:
        link: To the server.
        namespace: Begins each key.
        writes: Opens where Redis refuses to keep anything.
        clock: Seconds since 1970.
    """

    name: TierName = "redis"

    def __init__(
        self,
        link: "Link",
        namespace: str,
        *,
        writes: Breaker,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._link = link
        self._prefix = f"{namespace}:v1:"
        self._writes = writes
        self._clock = clock
        self._owed: dict[str, None] = {}
        self._unreadable = 0
        self._is_unforgotten_told = False
        self._reported_at = float("-inf")

    async def get(self, key: Key) -> Entry | None:
        """Give the entry, stale ones too; None where there is none that can be read."""
        name = self._prefix + key.hash.hex()
        if name in self._owed:
            return None
        try:
            data = await self._link.ask("GET", name)
        except RedisAwayError:
            return None
        except RedisRefusedError as exc:
            if exc.code == "WRONGTYPE":
                self._link.breaker.worked()
                self._report("something else is at its key")
            else:
                self._link.breaker.failed(exc.code)
            return None
        if data is None:
            return None
        try:
            return opened(key, data)
        except UnreadableEntryError as exc:
            self._report(str(exc))
            return None

    async def put(self, key: Key, entry: Entry) -> bool:
        """Keep an entry until it is gone; it takes the place of whatever is at its key."""
        name = self._prefix + key.hash.hex()
        left = int((entry.stale_until - self._clock()) * 1000)
        if left <= 0:
            return False
        data = sealed(key, entry)
        if self._writes.lets_through():
            try:
                kept = await self._link.ask("SET", name, data, "PX", left) == b"OK"
            except RedisAwayError:
                kept = False
            except RedisRefusedError as exc:
                self._refused(exc)
                kept = False
            else:
                self._writes.worked()
            if kept:
                self._owed.pop(name, None)
                return True
        self._owe(name)
        return False

    async def forget(self, key: Key) -> bool:
        """Remove an entry; False where there was none, or Redis did not remove it.

        The latter is told in the log, once until a removal goes through again.
        """
        name = self._prefix + key.hash.hex()
        try:
            removed = await self._link.ask("DEL", name)
        except RedisAwayError:
            self._not_removed(name)
            return False
        except RedisRefusedError as exc:
            self._refused(exc)
            self._not_removed(name)
            return False
        self._is_unforgotten_told = False
        self._owed.pop(name, None)
        return bool(removed)

    def _not_removed(self, name: str) -> None:
        self._owe(name)
        if not self._is_unforgotten_told:
            self._is_unforgotten_told = True
            _log.warning(
                "Redis did not remove what was to be forgotten: it may give it to other processes "
                "when it is back. Forget it again then."
            )

    def _refused(self, exc: RedisRefusedError) -> None:
        self._link.breaker.worked()  # it answers, and what it holds can be read
        self._writes.failed(exc.code)

    def _owe(self, name: str) -> None:
        self._owed.pop(name, None)
        self._owed[name] = None
        if len(self._owed) > _OWED_AT_MOST:
            del self._owed[next(iter(self._owed))]

    def _report(self, why: str) -> None:
        self._unreadable += 1
        now = self._clock()
        if now - self._reported_at >= _REPORT_EVERY:
            self._reported_at = now
            _log.warning(
                "an entry in Redis cannot be read and counts as none: %s (%d so far)",
                why,
                self._unreadable,
            )
