"""Searches that look alike, the versions of their results, and what may be given of them.

This is the model: it knows nothing of keys, tiers or locks. Which searches are the same one stands
here by hand, as the documentation says it.
"""

from dataclasses import dataclass, field
from typing import Any

from chatkeep import SearchResults

STALE_FOR, FAILURE_TTL, MEMORY_TTL, TTL = 100.0, 8.0, 15.0, 40.0
JITTER = 0.1

Asked = tuple[str, dict[str, Any]]

SEARCHES: list[list[Asked]] = [
    [
        ("PostgreSQL 18", {}),
        ("  postgresql\t18 ", {"provider": "serper", "locale": "en"}),
        ("\uff30ostgreSQL 18", {"options": {}}),  # a wide P
    ],
    [("postgresql18", {})],
    [("postgresql 1 8", {})],
    [("PostgreSQL 18", {"provider": "brave"})],
    [("PostgreSQL 18", {"locale": "de"})],
    [("PostgreSQL 18", {"provider": "serpere", "locale": "n"})],
    [
        ("PostgreSQL 18", {"options": {"num": 1, "tbs": "qdr:d"}}),
        ("postgresql 18", {"options": {"tbs": "qdr:d", "num": 1}}),
    ],
    [("PostgreSQL 18", {"options": {"num": 1.0, "tbs": "qdr:d"}})],
    [("PostgreSQL 18", {"options": {"num": True, "tbs": "qdr:d"}})],
    [("PostgreSQL 18", {"options": {"num": "1", "tbs": "qdr:d"}})],
    [("why " * 3000 + "a", {})],
    [("why " * 3000 + "b", {})],
]


@dataclass
class Version:
    """Results that were fetched or put.

    Attributes:
        made_at: When, by the fake clock.
        sure_from: The step from which nobody whose Redis and PostgreSQL worked may give an older one
            for longer than `MEMORY_TTL`; None where whoever made it did not reach Redis.
    """

    number: int
    search: int
    made_at: float
    ttl: float

    @property
    def fresh_until(self) -> float:
        return self.made_at + self.ttl

    @property
    def surely_fresh_until(self) -> float:
        return self.made_at + self.ttl * (1 - JITTER)

    @property
    def gone_from(self) -> float:
        return self.fresh_until + STALE_FOR

    @property
    def surely_there_until(self) -> float:
        return self.surely_fresh_until + STALE_FOR

    def given(self) -> list[dict[str, Any]]:
        """What a search gives: each result says whose it is."""
        return [
            {
                "title": f"{self.search}/{self.number}/{position}",
                "link": "https://example.com",
                "position": position,
                "sitelinks": [self.search, self.number],
            }
            for position in range(1 + self.number % 3)
        ]


@dataclass
class Model:
    """What was made of each search, in order, and what must hold of an answer."""

    versions: list[Version] = field(default_factory=list)
    failed_at: dict[int, list[float]] = field(default_factory=dict)
    newest: dict[int, Version] = field(default_factory=dict)
    superseded: dict[int, float] = field(default_factory=dict)

    def make(self, search: int, now: float, ttl: float) -> Version:
        """Note that results are made now."""
        version = Version(len(self.versions), search, now, ttl)
        self.versions.append(version)
        self.newest[search] = version
        return version

    def fail(self, search: int, now: float) -> None:
        """Note that a search failed now."""
        self.failed_at.setdefault(search, []).append(now)

    def forget(self, search: int) -> None:
        """Note that nothing of a search needs to be there any more."""
        self.newest.pop(search, None)

    def check(self, search: int, found: SearchResults, began: float, now: float) -> Version:
        """See that these may be given for a call from `began` to `now`; which version they are."""
        numbers = {result.extra["sitelinks"][1] for result in found}
        assert len(numbers) == 1, found
        version = self.versions[numbers.pop()]
        assert version.search == search, f"of search {version.search}: {found}"
        titles = [result.title for result in found]
        assert titles == [result["title"] for result in version.given()]
        assert began < version.gone_from, f"{began - version.gone_from} s too old: {found}"
        assert found.fetched_at == version.made_at
        assert version.surely_fresh_until <= found.expires_at <= version.fresh_until
        if found.outcome == "stale":
            assert now >= found.expires_at
        else:
            assert began < found.expires_at
        return version

    def check_failure(self, search: int, began: float) -> None:
        """See that a search did fail so lately that it need not be tried again."""
        last = max(self.failed_at.get(search, [float("-inf")]))
        assert began < last + FAILURE_TTL, f"failed {began - last} s ago"

    def must_have(self, search: int, now: float) -> bool:
        """Say whether everybody has to find something: PostgreSQL has it, whatever Redis does."""
        version = self.newest.get(search)
        return version is not None and now < version.surely_there_until
