"""The rules on time."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cache.core.conftest import NOW, Chance
from chatkeep import SearchCacheOptions
from chatkeep.cache.entries import Entry
from chatkeep.cache.freshness import Freshness

CHANCES = st.floats(0, 1, exclude_max=True)


@given(CHANCES, st.floats(0, 0.99), st.none() | st.timedeltas(timedelta(seconds=1), timedelta(9)))
def test_times_are_shortened_by_the_jitter_at_most(
    chance: float, jitter: float, ttl: timedelta | None
):
    options = SearchCacheOptions(jitter=jitter)
    rules = Freshness(options, Chance(chance))
    times = rules.of_results(NOW, ttl)
    whole = (ttl or options.ttl).total_seconds()
    assert whole * (1 - jitter) * 0.999 <= times.expires_at - NOW <= whole * 1.001
    assert abs(times.stale_until - times.expires_at - options.stale_for.total_seconds()) < 0.01
    failed = rules.of_failure(NOW)
    assert failed.expires_at == failed.stale_until
    assert 30 * (1 - jitter) * 0.999 <= failed.expires_at - NOW <= 30.001


@given(CHANCES, st.floats(0, 20), st.floats(0, 3), st.floats(-100, 100))
def test_surely_fresh_is_never_early(chance: float, took: float, early: float, before: float):
    rules = Freshness(SearchCacheOptions(refresh_early=early), Chance(chance))
    entry = Entry((), b"", NOW, NOW + 1000, NOW + 2000, took=took)
    sure = rules.surely_fresh_until(entry)
    now = min(sure, entry.expires_at) - abs(before) - 1e-3
    assert not rules.is_early(entry, now)


def test_the_chance_grows_towards_the_end():
    entry = Entry((), b"", NOW, NOW + 1000, NOW + 2000, took=2.0)
    chances = [number / 1000 for number in range(1000)]

    def share(seconds_left: float, early: float = 1.0) -> float:
        options = SearchCacheOptions(refresh_early=early)
        rules = [Freshness(options, Chance(chance)) for chance in chances]
        return sum(one.is_early(entry, entry.expires_at - seconds_left) for one in rules) / 1000

    shares = [share(left) for left in (100, 10, 5, 2, 1, 0.1)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.3 < shares[3] < 0.4  # e to the -1, as long before the end as the fetch takes
    assert shares[-1] > 0.9
    assert share(0.1, early=0) == 0
