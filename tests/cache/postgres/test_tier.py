"""What the tier keeps and gives back, and what the seed's code sees of it."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.postgres.conftest import (
    ENTRY,
    KEY,
    NOW,
    OTHER,
    PLACES,
    Place,
    failed,
    found,
    moment,
    tier_of,
    titles,
)
from chatkeep.cache.documents import read, written
from chatkeep.cache.entries import Entry
from chatkeep.records.search_cache import SearchResult

RICH = Entry(
    (
        SearchResult("A", "https://a", "a\tb \\u0000 \\\\u0000 ü 🐘", 1, "Nov 1, 2026"),
        SearchResult("B", "https://b", extra={"sitelinks": [{"title": "c"}], "rating": 4.5}),
        SearchResult("C", "https://c", extra={"title": "taken", "extra": {"deep": [None, True]}}),
    ),
    b'{"credits":1,"knowledgeGraph":{"title":"P"},"organic":"taken","chatkeep":[1]}',
    NOW,
    NOW + 60,
    NOW + 600,
    took=0.75,
)
AS_SEED = """
select results from "x_search_cache" where query = $1 and expires_at > $2
"""


def same(got: Entry | None, put: Entry) -> None:
    assert got is not None
    as_put = replace(got, size=0, extra=b"")
    assert as_put == replace(put, size=0, extra=b"")
    assert json.loads(got.extra or b"{}") == json.loads(put.extra or b"{}")


@pytest.mark.parametrize("anywhere", PLACES, indirect=True)
async def test_what_is_kept_comes_back(anywhere: Place) -> None:
    tier = anywhere.tier
    assert await tier.get(KEY) is None
    for entry in (ENTRY, RICH, found()):
        assert await tier.put(KEY, entry) is True
        got = await tier.get(KEY)
        same(got, entry)
        assert got is not None
        assert got.size > 0
    assert await tier.get(OTHER) is None
    (row,) = await anywhere.rows()
    assert (row["query"], row["provider"], row["locale"]) == (KEY.query, "serper", "en")
    assert row["key_hash"] == KEY.hash
    assert await tier.forget(KEY) is True
    assert await tier.forget(KEY) is False
    assert await tier.get(KEY) is None
    assert await anywhere.count() == 0
    assert await tier.put(KEY, failed()) is True
    same(await tier.get(KEY), failed())
    assert await tier.sweep() == 0  # by the tier's clock it is none yet
    anywhere.clock.now += 31
    assert await tier.sweep() == 1


async def test_an_entry_is_given_until_it_is_gone(place: Place) -> None:
    await place.tier.put(KEY, ENTRY)
    for now, is_there in ((NOW + 61, True), (NOW + 599.999, True), (NOW + 600, False)):
        place.clock.now = now
        assert (await place.tier.get(KEY) is not None) is is_there


async def test_times_are_cut_off_and_never_lengthened(place: Place) -> None:
    draw = Random(8)
    for _ in range(20):
        made, ends, gone = (NOW + draw.random() * 1e6 for _ in range(3))
        await place.tier.forget(KEY)
        await place.tier.put(
            KEY, replace(ENTRY, fetched_at=made, expires_at=ends, stale_until=gone)
        )
        place.clock.now = gone - 1e-5
        got = await place.tier.get(KEY)
        assert got is not None
        pairs = ((got.fetched_at, made), (got.expires_at, ends), (got.stale_until, gone))
        assert all(0 <= put - kept < 1.5e-6 for kept, put in pairs)
        place.clock.now = gone
        assert await place.tier.get(KEY) is None


@pytest.mark.parametrize("anywhere", PLACES, indirect=True)
async def test_an_older_entry_replaces_no_newer_one(anywhere: Place) -> None:
    tier = anywhere.tier
    await tier.put(KEY, found("new", at=5))
    assert await tier.put(KEY, found("old", at=4)) is False
    assert titles(await tier.get(KEY)) == ["new"]
    assert await tier.put(KEY, found("newer", at=5)) is True
    assert titles(await tier.get(KEY)) == ["newer"]


async def test_the_newest_of_many_at_once_stays_in_one_row(place: Place) -> None:
    other = tier_of(place.db, place.clock)
    entries = [found(f"at {n}", at=n) for n in range(40)]
    Random(3).shuffle(entries)
    await asyncio.gather(
        *((place.tier, other)[n % 2].put(KEY, entry) for n, entry in enumerate(entries))
    )
    assert titles(await place.tier.get(KEY)) == ["at 39"]
    assert await place.count() == 1


async def test_a_failure_hides_no_results_until_they_are_gone(place: Place) -> None:
    tier = place.tier
    await tier.put(KEY, ENTRY)
    assert await tier.put(KEY, failed(at=100)) is False
    assert titles(await tier.get(KEY)) == ["PostgreSQL"]
    assert await tier.put(KEY, failed(at=600)) is True
    assert await tier.put(KEY, failed(at=601)) is True
    assert await tier.put(KEY, found("again", at=602)) is True
    assert titles(await tier.get(KEY)) == ["again"]


async def test_replacing_an_entry_takes_no_numbers_away(place: Place) -> None:
    for n in range(30):
        await place.tier.put(KEY, found("a", at=n))
        await place.tier.put(KEY, found("older", at=-1))
    await place.tier.put(OTHER, ENTRY)
    assert [row["id"] for row in await place.rows()] == [1, 2]


async def test_the_seeds_code_reads_what_we_wrote_and_nothing_of_its_own_is_touched(
    place: Place,
) -> None:
    await place.raw.execute(
        'insert into "x_search_cache" (query, results, expires_at) values ($1, $2, $3)',
        KEY.query, '{"organic": [{"title": "seed", "link": "x"}]}', moment(NOW + 60),
    )  # fmt: skip
    assert await place.tier.get(KEY) is None
    await place.tier.put(KEY, RICH)
    await place.tier.forget(OTHER)
    seeds, ours = (
        json.loads(row["results"])
        for row in await place.raw.fetch(AS_SEED + "order by id", KEY.query, moment(NOW))
    )
    assert seeds == {"organic": [{"title": "seed", "link": "x"}]}
    first, second, _ = ours["organic"]
    assert first == {
        "title": "A", "link": "https://a", "snippet": RICH.results[0].snippet, "position": 1,
        "date": "Nov 1, 2026",
    }  # fmt: skip
    assert second["sitelinks"] == [{"title": "c"}]
    assert ours["knowledgeGraph"] == {"title": "P"}
    await place.tier.forget(KEY)
    assert [row["key_hash"] for row in await place.rows()] == [None]


async def test_the_seeds_code_sees_neither_what_has_expired_nor_a_failure(place: Place) -> None:
    await place.tier.put(KEY, ENTRY)
    assert len(await place.raw.fetch(AS_SEED, KEY.query, moment(NOW + 59))) == 1
    assert await place.raw.fetch(AS_SEED, KEY.query, moment(NOW + 61)) == []
    await place.tier.forget(KEY)
    await place.tier.put(KEY, failed())
    assert await place.raw.fetch(AS_SEED, KEY.query, moment(NOW)) == []


async def test_an_update_moves_updated_at_and_leaves_what_is_newer(place: Place) -> None:
    await place.tier.put(KEY, ENTRY)
    (first,) = await place.rows()
    await place.tier.put(KEY, found("again", at=1))
    (second,) = await place.rows()
    assert second["updated_at"] > first["updated_at"]
    assert second["created_at"] - first["created_at"] == timedelta(seconds=1)


@pytest.mark.parametrize("anywhere", PLACES, indirect=True)
async def test_nul_is_kept_and_shown_as_a_replacement(anywhere: Place) -> None:
    entry = Entry(
        (SearchResult("a\0b", "x", "\\\0 \\u0000", extra={"n\0": ["\0"]}),),
        b'{"kg":"\\u0000","credits":1}', NOW, NOW + 60, NOW + 600,
    )  # fmt: skip
    assert await anywhere.tier.put(KEY, entry) is True
    same(await anywhere.tier.get(KEY), entry)
    (row,) = await anywhere.rows()
    shown = json.loads(row["results"])
    assert shown["organic"][0]["title"] == "a�b"
    assert shown["organic"][0]["snippet"] == "\\� \\u0000"
    assert (shown["kg"], shown["credits"]) == ("�", 1)


async def test_a_megabyte_comes_back(place: Place) -> None:
    draw = Random(1)
    results = tuple(
        SearchResult(f"page {n}", f"https://example.com/{n}", draw.randbytes(4000).hex(), n)
        for n in range(150)
    )
    entry = replace(ENTRY, results=results)
    assert await place.tier.put(KEY, entry) is True
    same(await place.tier.get(KEY), entry)


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NAMES = TEXT | st.sampled_from(
    ["title", "link", "extra", "organic", "chatkeep", "version", "a\0", "\\u0000", "\\\0"]
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
RESULTS = st.builds(
    SearchResult,
    TEXT,
    TEXT,
    st.none() | TEXT,
    st.none() | st.integers(-(2**31), 2**31),
    st.none() | TEXT,
    st.dictionaries(NAMES, JSON, max_size=3),
)


@given(
    st.lists(RESULTS, max_size=3).map(tuple),
    st.dictionaries(NAMES, JSON, max_size=3),
    st.none() | st.just("SomeError"),
)
def test_any_document_comes_back_and_has_no_nul(
    results: tuple[SearchResult, ...], extra: dict[str, object], failure: str | None
) -> None:
    entry = replace(
        ENTRY, results=results, extra=msgspec.json.encode(extra) if extra else b"", failure=failure
    )
    text = written(entry)
    assert "\0" not in json.dumps(json.loads(text), ensure_ascii=False)
    got = read(text)
    assert (got.results, got.failure) == (results, failure)
    assert json.loads(got.extra or b"{}") == extra
    assert (got.expires_at == entry.expires_at) is (failure is not None)
