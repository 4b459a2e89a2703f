"""`db.search_cache.stats`: what the stored events and days say about searches."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, cast

from chatkeep.cache.event_queries import (
    OF_ALL,
    EventQueries,
    Popular,
    Sums,
)
from chatkeep.engine.run import Runner
from chatkeep.errors import InvalidInputError
from chatkeep.records.search_stats import (
    DayCounts,
    GroupCounts,
    PopularSearch,
    SearchStats,
    TierCounts,
)

MOST = 100
"""Searches and groups in a ranking at most."""

# The driver sends it as the infinity.
_FIRST = datetime.min  # noqa: DTZ901 - the driver's own has none


@dataclass(frozen=True, slots=True)
class StatsAsked:
    """What statistics are asked for, as it was checked.

    Attributes:
        since: The first day, in UTC; None for all.
        only: Provider and group, where they are asked for.
        top: Searches and groups in a ranking.
    """

    since: date | None
    only: Mapping[str, str]
    top: int


def check_stats(
    since: datetime | None = None,
    provider: str | None = None,
    user_group: str | None = None,
    top: int = 10,
) -> StatsAsked:
    """Check what is asked; see `SearchCache.stats`.

    Raises:
        InvalidInputError: `top` is out of bounds, `since` is no time or has no zone, or a text
            cannot be one.
    """
    number, time_ = cast("object", top), cast("object", since)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST:
        raise InvalidInputError(f"top is a whole number from 1 to {MOST}.", field="top")
    if time_ is not None and not (isinstance(time_, datetime) and time_.tzinfo is not None):
        raise InvalidInputError("since is a time with a zone, or None.", field="since")
    only: dict[str, str] = {}
    for name, value in (("provider", provider), ("user_group", user_group)):
        text = cast("object", value)
        if text is None:
            continue
        if not isinstance(text, str) or "\0" in text:
            raise InvalidInputError(f"{name} is a text without the character NUL.", field=name)
        only[name] = text
    return StatsAsked(None if since is None else since.astimezone(UTC).date(), only, top)


async def search_stats(runner: Runner, queries: EventQueries, asked: StatsAsked) -> SearchStats:
    """Say how searches were answered, as two statements read it from events and days together."""
    values: dict[str, object] = {"since": _FIRST, "since_day": date.min, "top": asked.top}
    if asked.since is not None:
        midnight = datetime.combine(asked.since, time(), UTC)
        values |= {"since": midnight, "since_day": asked.since}
    values |= asked.only
    which = {"by_provider": "provider" in asked.only, "by_group": "user_group" in asked.only}
    sums = await queries.sums(**which).all(runner, values)
    ranked = await queries.popular(**which).all(runner, values)
    return _together(asked.since, sums, ranked, asked.top)


def _together(since: date | None, sums: list[Sums], ranked: list[Popular], top: int) -> SearchStats:
    of_all = [row for row in ranked if row.which == OF_ALL]
    of_day: defaultdict[date | None, list[PopularSearch]] = defaultdict(list)
    of_group: defaultdict[str | None, list[PopularSearch]] = defaultdict(list)
    for row in ranked:
        if row.day is not None:
            of_day[row.day].append(_popular(row))
        elif row.user_group is not None:
            of_group[row.user_group].append(_popular(row))
    total: dict[str, Any] = {}
    tiers: list[TierCounts] = []
    days: list[DayCounts] = []
    groups: list[GroupCounts] = []
    for row in sums:
        counts = _counts(row)
        if row.tier is not None:
            tiers.append(TierCounts(**counts, tier=row.tier))
        elif row.day is not None:
            days.append(DayCounts(**counts, day=row.day, queries=of_day[row.day]))
        elif row.user_group is not None:
            group = row.user_group
            groups.append(GroupCounts(**counts, user_group=group, queries=of_group[group]))
        else:
            total = counts
    none = sorted(
        (row for row in of_all if row.no_results and row.none_place <= top),
        key=lambda row: row.none_place,
    )
    return SearchStats(
        **total,
        since=since,
        tiers=tiers,
        days=days,
        groups=groups,
        queries=[_popular(row) for row in of_all if row.place <= top],
        without_results=[_popular(row) for row in none],
    )


def _counts(row: Sums) -> dict[str, Any]:
    calls = row.calls
    return {
        "calls": calls,
        "hits": row.hit,
        "stale": row.stale,
        "misses": row.miss,
        "failed": row.failed,
        "known_failures": row.known_failure,
        "no_results": row.no_results,
        "saved": row.hit + row.known_failure,
        "hit_rate": (row.hit + row.stale) / calls if calls else None,
        "mean_ms": row.latency_us / calls / 1000 if calls else None,
        "max_ms": row.latency_max_us / 1000,
    }


def _popular(row: Popular) -> PopularSearch:
    return PopularSearch(
        row.query, row.key_hash.hex(), row.provider, row.locale, row.calls, row.hits, row.no_results
    )
