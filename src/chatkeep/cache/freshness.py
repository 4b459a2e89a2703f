"""How long results are fresh, how long stale ones will do, and when to fetch anew before the end."""

import math
import random
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from chatkeep.cache.entries import Entry
from chatkeep.cache.options import SearchCacheOptions

_UNKNOWN_TOOK = 1.0  # seconds: what a web search takes
_FARTHEST = -math.log(2.0**-53)  # the logarithm of the smallest number that random() leaves of 1


class Times(NamedTuple):
    """When an entry is no longer fresh, and when it is gone. Seconds since 1970."""

    expires_at: float
    stale_until: float


class Freshness:
    """The rules on time of one cache.

    Args:
        options: What the application says.
        chance: Gives numbers from 0 up to, without, 1.
    """

    def __init__(
        self, options: SearchCacheOptions, chance: Callable[[], float] = random.random
    ) -> None:
        self._ttl = options.ttl.total_seconds()
        self._stale_for = options.stale_for.total_seconds()
        self._failure_ttl = options.failure_ttl.total_seconds()
        self._jitter = options.jitter
        self._early = options.refresh_early
        self._chance = chance

    def of_results(self, now: float, ttl: timedelta | None) -> Times:
        """Give the times of results that were fetched now."""
        seconds = self._ttl if ttl is None else ttl.total_seconds()
        expires_at = now + seconds * self._share()
        return Times(expires_at, expires_at + self._stale_for)

    def of_failure(self, now: float) -> Times:
        """Give the times of a search that failed now."""
        expires_at = now + self._failure_ttl * self._share()
        return Times(expires_at, expires_at)

    def surely_fresh_until(self, entry: Entry) -> float:
        """Give the time before which `is_early` is never true."""
        return entry.expires_at - self._ahead(entry) * _FARTHEST

    def is_early(self, entry: Entry, now: float) -> bool:
        """Say whether this call shall fetch fresh results anew: rarely, ever more towards the end.

        Of callers that come at random about one does so before the end, the earlier the longer the
        fetch takes (Vattani, Chierichetti, Lowenstein: Optimal probabilistic cache stampede
        prevention, 2015).
        """
        if self._early == 0:
            return False
        return now - self._ahead(entry) * math.log(1.0 - self._chance()) >= entry.expires_at

    def _ahead(self, entry: Entry) -> float:
        return self._early * (entry.took or _UNKNOWN_TOOK)

    def _share(self) -> float:
        return 1.0 - self._jitter * self._chance()
