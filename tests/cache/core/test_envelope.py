"""Entries as bytes, and back."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.core.test_keys import JSON, TEXTS
from chatkeep.cache.entries import Entry
from chatkeep.cache.envelope import UnreadableEntryError, extra_of, opened, sealed
from chatkeep.cache.keys import make_key
from chatkeep.cache.parsing import parsed

KEY, OTHER = make_key("one", "p", "en"), make_key("other", "p", "en")
TIMES = st.floats(0, 4e9)
RESULT = st.fixed_dictionaries(
    {"title": TEXTS, "link": TEXTS},
    optional={"snippet": TEXTS, "position": st.integers(), "date": TEXTS, "sitelinks": JSON},
)
FOUND = st.builds(
    lambda results, extra: parsed({**extra, "organic": results}),
    st.lists(RESULT, max_size=4),
    st.dictionaries(TEXTS, JSON, max_size=3),
)
ENTRIES = st.builds(
    lambda found, at, fresh, stale, failure, took: Entry(
        found.results, found.extra, at, fresh, stale, failure, 0, took
    ),
    FOUND,
    TIMES,
    TIMES,
    TIMES,
    st.none() | TEXTS,
    st.floats(0, 100),
)


def fields(entry: Entry) -> Any:
    return (
        entry.results,
        extra_of(entry),
        entry.fetched_at,
        entry.expires_at,
        entry.stale_until,
        entry.failure,
        entry.took,
    )


@given(ENTRIES)
def test_comes_back_the_same(entry: Entry):
    data = sealed(KEY, entry)
    back = opened(KEY, data)
    assert fields(back) == fields(entry)
    assert back.size == len(data)


@given(ENTRIES)
def test_another_keys_is_refused(entry: Entry):
    with pytest.raises(UnreadableEntryError, match="another key"):
        opened(OTHER, sealed(KEY, entry))


@given(ENTRIES, st.data())
def test_cut_off_is_refused(entry: Entry, data: Any):
    whole = sealed(KEY, entry)
    with pytest.raises(UnreadableEntryError):
        opened(KEY, whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"ck1" + rest))
def test_garbage_is_refused(data: bytes):
    with pytest.raises(UnreadableEntryError):
        opened(KEY, data)


@given(ENTRIES, st.integers(0), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_an_entry(entry: Entry, at: int, byte: int):
    """Whatever stands there, nothing else than a refusal comes out of it."""
    data = bytearray(sealed(KEY, entry))
    data[at % len(data)] = byte
    with suppress(UnreadableEntryError):
        assert isinstance(extra_of(opened(KEY, bytes(data))), dict)


@pytest.mark.parametrize(
    "data", [None, "text", 7, b"", b"ck0[]", b"ck1", b"ck1[]", b"ck1" + b"[" * 99_999]
)
def test_other_things_are_refused(data: object):
    with pytest.raises(UnreadableEntryError):
        opened(KEY, data)
