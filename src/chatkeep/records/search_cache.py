"""What a web search gives, in the words of the seed's `SerperTool.SearchResult`."""

from collections.abc import Iterator
from typing import Any, Literal, NoReturn, overload

import msgspec

from chatkeep.records.base import Record

Outcome = Literal["hit", "stale", "miss", "failed", "known_failure"]
Place = Literal["memory", "redis", "postgres", "fetch"]


class _Shared(Record):
    """A record that many callers have at once."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{type(self).__name__} is shared by all callers: copy it to change it."
        )


class SearchResult(_Shared, rename="camel", omit_defaults=True):
    """One result of a web search. It cannot be changed: other callers have the same one.

    `extra` has every other field that the search gave, under its own name.
    """

    title: str
    link: str
    snippet: str | None = None
    position: int | None = None
    date: str | None = None
    extra: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class SearchResults(_Shared, rename="camel", gc=False):
    """What was found, and where it came from. Goes as a sequence of its results.

    It cannot be changed: other callers have the same one. `copy.deepcopy(extra)` can.

    Attributes:
        results: In the order of the search.
        outcome: `hit`, `stale` (older than its time, refreshed beside the call) or `miss`
            (fetched for this call).
        tier: Which place had it; `fetch` for a miss.
        fetched_at: Seconds since 1970.
        expires_at: Seconds since 1970: fresh until then.
        extra: What the search gave beside its results, such as `knowledgeGraph`.
    """

    results: tuple[SearchResult, ...]
    outcome: Outcome
    tier: Place
    fetched_at: float
    expires_at: float
    extra: dict[str, Any]

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[SearchResult]:
        return iter(self.results)

    @overload
    def __getitem__(self, at: int) -> SearchResult: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[SearchResult, ...]: ...
    def __getitem__(self, at: int | slice) -> SearchResult | tuple[SearchResult, ...]:
        return self.results[at]


class FailedSearch(Record):
    """A search that could not be fetched beforehand.

    Attributes:
        query: As it was given.
        failure: Name of the class of its error.
    """

    query: str
    failure: str


class WarmedSearches(Record):
    """What `search_cache.warm` did.

    Attributes:
        searches: Different ones that were asked for.
        fetched: Those that were fetched; the rest was fresh, is being fetched by another process, or
            failed.
        failed: Those that failed.
    """

    searches: int
    fetched: int
    failed: tuple[FailedSearch, ...]
