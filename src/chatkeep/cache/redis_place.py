"""What an application has of Redis: opened by its URL, closed with the `Database`."""

import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chatkeep.cache.breaker import Breaker
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.cache.redis_lock import RedisLocks
from chatkeep.cache.redis_tier import RedisTier
from chatkeep.engine.background import Background
from chatkeep.errors import ConfigError

if TYPE_CHECKING:
    from chatkeep.cache.redis_link import Link


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """The tier and the locks in one Redis, over the same connections.

    Attributes:
        tier: Keeps entries.
        locks: One fetch for all processes.
        link: The connections, made when they are needed first.
    """

    tier: RedisTier
    locks: RedisLocks
    link: "Link"

    async def aclose(self) -> None:
        """Close the connections; afterwards Redis is away."""
        await self.link.aclose()


def redis_url(options: SearchCacheOptions) -> str | None:
    """Give the URL of the options, or of REDIS_URL; None where neither says one, or they say ""."""
    if options.redis_url is not None:
        return options.redis_url or None
    return os.environ.get("REDIS_URL") or None


def open_redis(
    options: SearchCacheOptions,
    namespace: str,
    *,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    background: Background | None = None,
) -> RedisPlace | None:
    """Prepare Redis; None where no URL says which. Nothing is sent yet.

    Args:
        options: `redis_url`, `redis_timeout` and those of the breaker.
        namespace: Begins each key, unless the options say another.
        clock: Seconds since 1970, for what is kept how long.
        monotonic: Seconds that never go back, for the breakers.
        background: Where a lock is let go of whose asker was cancelled.

    Raises:
        ConfigError: `chatkeep[redis]` is not installed.
        InvalidUrlError: The URL cannot be read.
    """
    url = redis_url(options)
    if url is None:
        return None
    try:
        importlib.import_module("redis.asyncio")
    except ImportError as exc:
        raise ConfigError(
            "The search cache has a URL of Redis, but the package `redis` is missing.",
            hint="pip install 'chatkeep[redis]'",
        ) from exc
    from chatkeep.cache.redis_link import Link  # noqa: PLC0415 - needs the extra

    def breaker(what: str) -> Breaker:
        return Breaker(
            what,
            failures=options.breaker_failures,
            reset=options.breaker_reset.total_seconds(),
            clock=monotonic,
        )

    namespace = options.namespace or namespace
    link = Link(
        url, timeout=options.redis_timeout.total_seconds(), breaker=breaker("Redis is asked")
    )
    writes = breaker("Redis keeps new entries")
    tier = RedisTier(link, namespace, writes=writes, clock=clock)
    locks = RedisLocks(link, namespace, writes=writes, background=background)
    return RedisPlace(tier, locks, link)
