"""The search cache of a database, put together."""

from collections.abc import Callable
from datetime import timedelta
from time import time
from typing import Any

from chatkeep.access.catalogue import Catalogue
from chatkeep.cache.cache import SearchCache
from chatkeep.cache.event_queries import event_queries
from chatkeep.cache.events import Events
from chatkeep.cache.freshness import Freshness
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.cache.places import Opening, Places
from chatkeep.cache.postgres_lock import PostgresLock
from chatkeep.cache.postgres_place import PostgresPlace
from chatkeep.cache.postgres_queries import cache_queries
from chatkeep.cache.postgres_tier import PostgresTier
from chatkeep.cache.redis_place import open_redis
from chatkeep.cache.tiers import Tiers
from chatkeep.cache.turns import Turns
from chatkeep.engine.run import PoolRunner

_LEASE_BEYOND = timedelta(seconds=5)


def search_cache_of(
    runner: PoolRunner,
    catalogue: Catalogue[Any, Any, Any, Any],
    options: SearchCacheOptions,
    *,
    clock: Callable[[], float] = time,
    freshness: Freshness | None = None,
) -> SearchCache:
    """Give the search cache of a database. Nothing is sent yet.

    Args:
        runner: The pool.
        catalogue: Of the schema.
        options: What the application says.
        clock: Seconds since 1970.
        freshness: The rules on time, unless by the options.

    Raises:
        ConfigError: The schema has no `search_cache`, or there is a URL of Redis and no
            `chatkeep[redis]`.
        InvalidUrlError: The URL of Redis cannot be read.
    """
    queries = cache_queries(catalogue)
    background = runner.background

    def make() -> Places:
        postgres = PostgresPlace(runner, options)
        tier = PostgresTier(postgres, queries, clock)
        redis = open_redis(options, catalogue.schema.prefix, clock=clock, background=background)
        lock = PostgresLock(postgres, queries, options.fetch_timeout + _LEASE_BEYOND)
        both = (tier,) if redis is None else (redis.tier, tier)
        locks = (lock,) if redis is None else (redis.locks, lock)
        tiers = Tiers(both, background, clock)
        turns = Turns(locks, tiers, background, options.fetch_timeout.total_seconds())
        return Places(tiers, turns, tier.sweep, None if redis is None else redis.aclose)

    return SearchCache(
        options,
        Opening(make, background, lambda: runner.pool.is_open and not background.is_closing),
        background,
        Events(runner, event_queries(catalogue), options),
        clock=clock,
        freshness=freshness,
    )
