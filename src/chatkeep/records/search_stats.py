"""How searches were answered: what `db.search_cache.stats()` gives."""

from datetime import date

from chatkeep.records.base import Record
from chatkeep.records.search_cache import Place


class SearchCounts(Record, rename="camel", gc=False):
    """How searches were answered.

    Attributes:
        calls: Of all outcomes.
        hits: Answered by a tier with results that were fresh.
        stale: Answered with older results, which were fetched anew beside.
        misses: Fetched.
        failed: Nothing could be given.
        known_failures: Not tried again, for the search had just failed.
        no_results: Answered, with nothing found.
        saved: Fetches that were not made, at least: hits and known failures. A stale answer may
            have caused one.
        hit_rate: Share of calls that a tier answered, stale ones included; None without calls.
        mean_ms: Of all calls, in milliseconds; None without calls.
        max_ms: The slowest call, in milliseconds.
    """

    calls: int
    hits: int
    stale: int
    misses: int
    failed: int
    known_failures: int
    no_results: int
    saved: int
    hit_rate: float | None
    mean_ms: float | None
    max_ms: float


class PopularSearch(Record, rename="camel", gc=False):
    """A search that was asked for often.

    Attributes:
        query: Its text; None where the text is not recorded.
        key: Hash of all that the search is, in hexadecimal.
        provider: Who searched.
        locale: Language and country.
        calls: How often.
        hits: How often a tier answered it, stale answers included.
        no_results: How often nothing was found.
    """

    query: str | None
    key: str
    provider: str
    locale: str
    calls: int
    hits: int
    no_results: int


class TierCounts(SearchCounts):
    """Searches that one tier answered; `fetch` for what no tier had."""

    tier: Place


class DayCounts(SearchCounts):
    """Searches of one day in UTC, and the popular ones among them."""

    day: date
    queries: list[PopularSearch]


class GroupCounts(SearchCounts):
    """Searches of one group of users, and the popular ones among them; '' is without a group."""

    user_group: str
    queries: list[PopularSearch]


class SearchStats(SearchCounts):
    """Searches of a time.

    Attributes:
        since: The first day, in UTC; None for all that is stored.
        tiers: Those that answered, the most calls first.
        days: Those with searches, the earliest first.
        groups: Those with the most searches, these first.
        queries: The most frequent searches.
        without_results: Those that most often found nothing.
    """

    since: date | None
    tiers: list[TierCounts]
    days: list[DayCounts]
    groups: list[GroupCounts]
    queries: list[PopularSearch]
    without_results: list[PopularSearch]
