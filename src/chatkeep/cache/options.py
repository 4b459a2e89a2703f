"""What an application says about the cache: `Database(schema, search_cache=SearchCacheOptions())`."""

import math
from dataclasses import dataclass, field
from datetime import timedelta

from chatkeep.errors import ConfigError

_LONGEST = timedelta(days=3650)
_POSITIVE = (
    "ttl",
    "memory_ttl",
    "redis_timeout",
    "breaker_reset",
    "fetch_timeout",
    "flush_after",
)
_OR_ZERO = ("stale_for", "failure_ttl")
_WHOLE = {"memory_bytes": 0, "breaker_failures": 1, "max_bytes": 1}
_TEXTS = ("redis_url", "namespace")
_MAY_BE_EMPTY = "redis_url"
_SWITCHES = ("record", "record_queries", "record_users")


@dataclass(frozen=True, kw_only=True)
class SearchCacheOptions:
    """What an application says about the cache of web searches; each may be left out.

    Attributes:
        redis_url: Of Redis or Valkey; None reads REDIS_URL, and without that there is no such tier.
            "" is no such tier either way.
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
        fetch_timeout: How long callers wait for another one's fetch, each from its own beginning. Of
            those whose time is over one fetches, and the others wait for that one as long again.
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

    def __post_init__(self) -> None:
        """Refuse what cannot be kept to.

        Raises:
            ConfigError: A time is not longer than 0 (`stale_for` and `failure_ttl` may be 0) and at
                most ten years, a number is out of bounds, or something is of another type.
        """
        said: dict[str, object] = vars(self)
        for name in (*_POSITIVE, *_OR_ZERO):
            _check_time(name, said[name], or_zero=name in _OR_ZERO)
        for name, least in _WHOLE.items():
            value = said[name]
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise _refused(f"{name} must be a whole number, {least} or more")
        for name, end in (("jitter", 1.0), ("refresh_early", math.inf)):
            value = said[name]
            if not isinstance(value, int | float) or not 0 <= value < end:
                bound = " and less than 1" if end == 1.0 else ""
                raise _refused(f"{name} must be a number, 0 or more{bound}")
        for name in _TEXTS:
            _check_text(name, said[name])
        for name in _SWITCHES:
            if not isinstance(said[name], bool):
                raise _refused(f"{name} must be True or False")


def _check_time(name: str, value: object, *, or_zero: bool) -> None:
    if not isinstance(value, timedelta) or not timedelta() <= value <= _LONGEST:
        raise _refused(f"{name} must be a timedelta of at most ten years")
    if not value and not or_zero:
        raise _refused(f"{name} must be longer than 0")


def _check_text(name: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise _refused(f"{name} must be a text, or None")
    if value == "" and name != _MAY_BE_EMPTY:
        raise _refused(f"{name} must be a text that is not empty, or None")


def _refused(problem: str) -> ConfigError:
    return ConfigError(f"{problem}.", hint="See chatkeep.SearchCacheOptions.")
