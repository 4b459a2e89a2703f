"""What is kept of a search, and what keeps it."""

from dataclasses import dataclass
from typing import Literal, Protocol

from chatkeep.records.search_cache import SearchResult

TierName = Literal["memory", "redis", "postgres"]


@dataclass(frozen=True, slots=True)
class Key:
    """Which search: `hash` decides, the rest is for people and for statistics.

    Attributes:
        hash: SHA-256 of version, provider, locale, options and the normalised query.
        query: As it was asked first, without what surrounds it.
        provider: Who searches, such as `serper`.
        locale: Language and country, such as `en` or `de-AT`.
    """

    hash: bytes
    query: str
    provider: str
    locale: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a search gave, or that it failed. Times are seconds since 1970.

    Attributes:
        results: In the order of the search.
        extra: JSON object of what the search gave beside its results; empty bytes for nothing.
        fetched_at: When it was fetched.
        expires_at: Fresh before, stale from then on.
        stale_until: From then on it is gone.
        failure: Name of the error's class where the search failed; None for results.
        size: Bytes of its envelope, which bounds what memory holds.
        took: Seconds that the fetch took; 0 where nobody knows. Slow ones are refreshed earlier.
    """

    results: tuple[SearchResult, ...]
    extra: bytes
    fetched_at: float
    expires_at: float
    stale_until: float
    failure: str | None = None
    size: int = 0
    took: float = 0.0


class Tier(Protocol):
    """A place that keeps entries. It never raises what is its own fault: it has nothing then."""

    name: TierName

    async def get(self, key: Key) -> Entry | None:
        """Give the entry, stale ones too; None where there is none, or nobody answers."""
        ...

    async def put(self, key: Key, entry: Entry) -> bool:
        """Keep an entry until it is gone; False where nobody took it."""
        ...

    async def forget(self, key: Key) -> bool:
        """Remove an entry; False where there was none, or nobody answers."""
        ...
