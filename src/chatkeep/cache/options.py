"""What an application says about the cache: `Database(schema, search_cache=SearchCacheOptions())`."""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, kw_only=True)
class SearchCacheOptions:
    """What an application says about the cache of web searches; each may be left out.

    Attributes:
        redis_url: Of Redis or Valkey; None reads REDIS_URL, and without that there is no such tier.
        namespace: Begins each key in Redis; the schema's prefix unless given.
        ttl: How long results are fresh, unless the call says.
        stale_for: How long results that are no longer fresh may still be given, while one caller
            fetches anew beside.
        failure_ttl: How long a failed search is not tried again, unless older results can be given.
        jitter: Times are shortened by up to this share, so that not all end at once.
        refresh_early: A fresh result is fetched anew beside the call with growing chance as its end
            comes near; 0 never, 1 as usual.
        memory_bytes: What the process keeps; 0 for no such tier.
        memory_ttl: How long the process believes its own copy.
        redis_timeout: For each answer of Redis, connecting included.
        breaker_failures: So many failures one after another, and Redis is not asked for a while.
        breaker_reset: After that time one call tries it again.
        max_bytes: Larger results are refused.
        fetch_timeout: How long callers wait for another one's fetch before they fetch themselves.
        record: Whether events are stored, for `chatkeep cache stats`.
        record_queries: Whether with the text of the query.
        record_users: Whether with the user's id, where the call gives one.
        flush_after: Events are stored at least that often.
    """

    redis_url: str | None = field(default=None, repr=False)
    namespace: str | None = None
    ttl: timedelta = timedelta(days=1)
    stale_for: timedelta = timedelta(days=7)
    failure_ttl: timedelta = timedelta(seconds=30)
    jitter: float = 0.1
    refresh_early: float = 1.0
    memory_bytes: int = 32_000_000
    memory_ttl: timedelta = timedelta(minutes=1)
    redis_timeout: timedelta = timedelta(milliseconds=250)
    breaker_failures: int = 3
    breaker_reset: timedelta = timedelta(seconds=5)
    max_bytes: int = 1_000_000
    fetch_timeout: timedelta = timedelta(seconds=30)
    record: bool = True
    record_queries: bool = True
    record_users: bool = False
    flush_after: timedelta = timedelta(seconds=5)
