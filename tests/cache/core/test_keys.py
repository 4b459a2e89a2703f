"""Which searches are the same one."""

import enum
import math
import types
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep import InvalidInputError
from chatkeep.cache.keys import Keys, make_key, normalised

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
QUERIES = TEXTS.filter(lambda text: normalised(text) != "")
NAMES = TEXTS.filter(bool)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OPTIONS = st.none() | st.dictionaries(TEXTS, JSON, max_size=3)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("PostgreSQL 18", "  postgresql\t18\n"),
        ("Straße", "STRASSE"),
        ("ﬁle", "FILE"),
        ("e\u0301te\u0301", "été"),
        ("\uff21\uff11", "a1"),
        ("a\u3000b", "a b"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\u1e9e", "ss"),
    ],
)
def test_the_same_query(one: str, other: str):
    assert make_key(one, "p", "en").hash == make_key(other, "p", "en").hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a b", "p", "en", None), ("ab", "p", "en", None)),
        (("a", "p", "en", None), ("a", "P", "en", None)),
        (("a", "p", "en", None), ("a", "p", "de", None)),
        (("a", "pe", "n", None), ("a", "p", "en", None)),
        (("a", "p", "en", {"x": 1}), ("a", "p", "en", {"x": True})),
        (("a", "p", "en", {"x": 1}), ("a", "p", "en", {"x": 1.0})),
        (("a", "p", "en", {"x": 1}), ("a", "p", "en", {"x": "1"})),
        (("a", "p", "en", {"x": None}), ("a", "p", "en", {})),
        (("a", "p", "en", {"x": [1, 2]}), ("a", "p", "en", {"x": [2, 1]})),
    ],
)
def test_other_searches(one: Any, other: Any):
    remembering = Keys()
    assert make_key(*one).hash != make_key(*other).hash
    assert remembering.of(*one).hash != remembering.of(*other).hash


@given(QUERIES)
def test_what_is_normalised_stays_so(query: str):
    once = normalised(query)
    assert normalised(once) == once
    assert normalised(f" {query}\n") == once


@given(st.tuples(QUERIES, NAMES, NAMES, OPTIONS), st.tuples(QUERIES, NAMES, NAMES, OPTIONS))
def test_keys_are_equal_only_where_all_of_it_is(one: Any, other: Any):
    def plain(of: Any) -> Any:
        return (normalised(of[0]), of[1], of[2], repr(sorted_json(of[3] or {})))

    same = make_key(*one).hash == make_key(*other).hash
    assert same == (plain(one) == plain(other))
    assert Keys().of(*one) == make_key(*one)


@given(st.text(st.sampled_from('ab,:"[]{}'), min_size=1, max_size=6), st.data())
def test_no_part_runs_into_the_next(text: str, data: Any):
    """The same letters, cut into provider, locale and query at other places, are other searches."""
    cuts = st.integers(1, len(text) + 1)
    whole = f"a{text}b"
    one = sorted(data.draw(st.tuples(cuts, cuts).filter(lambda at: at[0] != at[1])))
    other = sorted(data.draw(st.tuples(cuts, cuts).filter(lambda at: at[0] != at[1])))
    keys = [make_key(whole[b:] or "q", whole[:a], whole[a:b]) for a, b in (one, other)]
    assert (keys[0].hash == keys[1].hash) == (one == other)


def sorted_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: sorted_json(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [sorted_json(one) for one in value]
    return value


def test_options_in_any_order_and_class():
    keys = Keys()
    one = keys.of("q", options={"gl": "us", "num": 10, "in": {"a": [1], "b": 2}})
    other = keys.of("q", options={"num": 10, "in": {"b": 2, "a": (1,)}, "gl": "us"})
    view = keys.of(
        "q",
        options=types.MappingProxyType({"num": 10, "gl": "us", "in": {"a": [1], "b": 2}}),
    )
    assert one.hash == other.hash == view.hash
    assert keys.of("q", options={}) == keys.of("q", options=None) == keys.of("q")


def test_a_query_of_any_length():
    long = "word " * 200_000
    assert make_key(long, "p", "en").hash == make_key(long.upper(), "p", "en").hash
    assert Keys().of(long).query == long.strip()


def test_what_is_remembered_is_bounded():
    keys = Keys(remembered=3)
    for number in range(10):
        keys.of(f"query {number}")
        keys.of("again")
    assert len(keys._known) == 3
    assert ("again", "serper", "en", None) in keys._known
    keys.of("x" * 10_000)
    assert len(keys._known) == 3


class Number(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("",), "query"),
        (("  \n\u3000",), "query"),
        (("a\0b",), "query"),
        (("a\ud800",), "query"),
        ((7,), "query"),
        ((b"bytes",), "query"),
        ((["list"],), "query"),
        (("q", ""), "provider"),
        (("q", None), "provider"),
        (("q", "p" * 101), "provider"),
        (("q", "p\0"), "provider"),
        (("q", "p", ""), "locale"),
        (("q", "p", 7), "locale"),
        (("q", "p", "en", []), "options"),
        (("q", "p", "en", "gl=us"), "options"),
        (("q", "p", "en", {1: 2}), "options"),
        (("q", "p", "en", {"a": {1}}), "options.a"),
        (("q", "p", "en", {"a": b"bytes"}), "options.a"),
        (("q", "p", "en", {"a": datetime(2026, 1, 1, tzinfo=UTC)}), "options.a"),
        (("q", "p", "en", {"a": [1, {"b": math.nan}]}), "options.a.1.b"),
        (("q", "p", "en", {"a": math.inf}), "options.a"),
        (("q", "p", "en", {"a": "\ud800"}), "options.a"),
        (("q", "p", "en", {"a": 10**5000}), "options"),
    ],
)
def test_bad_input(arguments: Any, field: str):
    keys = Keys()
    for _ in range(2):
        with pytest.raises(InvalidInputError) as caught:
            keys.of(*arguments)
        assert caught.value.field == field
        assert len(str(caught.value)) < 200
    assert not keys._known


def test_options_too_deep():
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        Keys().of("q", options={"a": deep})


def test_a_number_of_an_enumeration():
    assert Keys().of("q", options={"a": Number.ONE}).hash == Keys().of("q", options={"a": 1}).hash
