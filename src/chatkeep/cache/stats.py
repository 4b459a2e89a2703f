"""`db.search_cache.stats`: what the stored events and days say about searches."""

from collections import defaultdict
from datetime import UTC, date, datetime, time
from typing import Any

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


async def search_stats(
    runner: Runner,
    queries: EventQueries,
    *,
    since: datetime | None = None,
    provider: str | None = None,
    user_group: str | None = None,
    top: int = 10,
) -> SearchStats:
    """Say how searches were answered, as two statements read it from events and days together.

    Args:
        runner: Of the database.
        queries: Of its schema.
        since: From the beginning of this time's day in UTC; None for all that is stored.
        provider: Only its searches.
        user_group: Only those of this group; "" for those without one.
        top: So many searches and groups in each ranking, 1 to 100.

    Raises:
        InvalidInputError: `top` is out of bounds, `since` is no time or has no zone, or a text
            cannot be one.
    """
    _check(since, provider, user_group, top)
    values: dict[str, object] = {"top": top, "since": _FIRST, "since_day": date.min}
    first = None
    if since is not None:
        first = since.astimezone(UTC).date()
        values |= {"since": datetime.combine(first, time(), UTC), "since_day": first}
    given = {"provider": provider, "user_group": user_group}
    values |= {name: value for name, value in given.items() if value is not None}
    has_provider, has_group = provider is not None, user_group is not None
    sums = await queries.sums(by_provider=has_provider, by_group=has_group).all(runner, values)
    ranked = await queries.popular(by_provider=has_provider, by_group=has_group).all(runner, values)
    return _together(first, sums, ranked, top)


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


def _check(since: object, provider: object, user_group: object, top: object) -> None:
    if not isinstance(top, int) or isinstance(top, bool) or not 1 <= top <= MOST:
        raise InvalidInputError(f"top is a whole number from 1 to {MOST}.", field="top")
    if since is not None and not (isinstance(since, datetime) and since.tzinfo is not None):
        raise InvalidInputError("since is a time with a zone, or None.", field="since")
    for name, value in (("provider", provider), ("user_group", user_group)):
        if value is not None and not isinstance(value, str):
            raise InvalidInputError(f"{name} is a text, or None.", field=name)


def _popular(row: Popular) -> PopularSearch:
    return PopularSearch(
        row.query, row.key_hash.hex(), row.provider, row.locale, row.calls, row.hits, row.no_results
    )
