"""That one process of many fetches: locks in Redis, which end by themselves when their holder dies."""

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING, Final

from chatkeep.cache.breaker import Breaker
from chatkeep.cache.entries import Key
from chatkeep.cache.locks import LockPlaceAwayError
from chatkeep.cache.redis_errors import RedisAwayError, RedisRefusedError
from chatkeep.engine.background import Background

if TYPE_CHECKING:
    from chatkeep.cache.redis_link import Link

_log = logging.getLogger("chatkeep.cache")

# Compared and changed in one step: a lock that ended meanwhile may be somebody else's by now.
_EXTEND: Final = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then "
    "return redis.call('PEXPIRE', KEYS[1], ARGV[2]) else return 0 end"
)
_RELEASE: Final = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then "
    "return redis.call('DEL', KEYS[1]) else return 0 end"
)


class RedisLocks:
    """Locks at `namespace:lock:v1:<hash>`, each with a random value that its holder alone knows.

    Args:
        link: To the server.
        namespace: Begins each key.
        writes: Open where Redis refuses to keep anything; shared with the tier.
        hold: Seconds after which a lock ends unless it is extended, which happens three times in
            that time for as long as it is held.
        background: Where a lock is let go of whose asker was cancelled.
    """

    def __init__(
        self,
        link: "Link",
        namespace: str,
        *,
        writes: Breaker,
        hold: float = 6.0,
        background: Background | None = None,
    ) -> None:
        self._link = link
        self._writes = writes
        self._prefix = f"{namespace}:lock:v1:"
        self._hold = hold
        self._background = background

    async def try_hold(self, key: Key) -> "HeldInRedis | None":
        """Hold the key's lock, or None at once where another holds it.

        Raises:
            LockPlaceAwayError: Redis is away, or does not keep anything.
        """
        if not self._writes.lets_through():
            raise LockPlaceAwayError
        name, value = self._prefix + key.hash.hex(), secrets.token_bytes(16)
        milliseconds = int(self._hold * 1000)
        try:
            answer = await self._link.ask("SET", name, value, "NX", "PX", milliseconds)
        except RedisAwayError as exc:
            raise LockPlaceAwayError from exc
        except RedisRefusedError as exc:
            self._link.breaker.worked()
            self._writes.failed(exc.code)
            raise LockPlaceAwayError from exc
        except asyncio.CancelledError:
            if self._background is not None:  # it may be held by now, and the next ones would wait
                self._background.save(_let_go(self._link, name, value))
            raise
        self._writes.worked()
        return HeldInRedis(self._link, name, value, self._hold) if answer == b"OK" else None


class HeldInRedis:
    """A lock that is held, and extended until it is released."""

    def __init__(self, link: "Link", name: str, value: bytes, hold: float) -> None:
        self._link = link
        self._name = name
        self._value = value
        self._hold = hold
        self._extending = asyncio.create_task(self._extend(), name="chatkeep: extend a lock")

    async def release(self) -> None:
        """Let go of it; where Redis is away by now, it ends by itself."""
        self._extending.cancel()
        await _let_go(self._link, self._name, self._value)

    async def _extend(self) -> None:
        milliseconds = int(self._hold * 1000)
        while not self._link.closed:
            await asyncio.sleep(self._hold / 3)
            try:
                ours = await self._link.ask(
                    "EVAL", _EXTEND, 1, self._name, self._value, milliseconds
                )
            except (RedisAwayError, RedisRefusedError):
                continue  # the next one may come through in time
            if not ours:
                return  # it ended, and may be another's


async def _let_go(link: "Link", name: str, value: bytes) -> None:
    try:
        await link.ask("EVAL", _RELEASE, 1, name, value)
    except (RedisAwayError, RedisRefusedError) as exc:
        _log.debug("a lock in Redis is left to end by itself: %s", exc)
