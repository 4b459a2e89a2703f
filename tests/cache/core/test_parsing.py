"""What a search may give, and what becomes of it."""

import copy
import json
import math
import pickle
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.core.test_keys import JSON, TEXTS
from chatkeep import InvalidInputError, SearchResult, SearchResults
from chatkeep.cache.parsing import parsed

PAGE = {"title": "PostgreSQL", "link": "https://www.postgresql.org/"}


def test_serpers_json():
    found = parsed(
        {
            "searchParameters": {"q": "postgres"},
            "organic": [
                {
                    **PAGE,
                    "snippet": "The database.",
                    "position": 1,
                    "date": "Nov 13, 2025",
                    "sitelinks": [{"title": "Download", "link": "https://x/"}],
                    "rating": 4.5,
                }
            ],
            "credits": 1,
        }
    )
    (result,) = found.results
    assert (result.title, result.link) == (PAGE["title"], PAGE["link"])
    assert (result.snippet, result.position, result.date) == ("The database.", 1, "Nov 13, 2025")
    assert result.extra == {
        "sitelinks": [{"title": "Download", "link": "https://x/"}],
        "rating": 4.5,
    }
    assert json.loads(found.extra) == {"searchParameters": {"q": "postgres"}, "credits": 1}


@pytest.mark.parametrize("given", [[], (), {"organic": []}])
def test_nothing_found(given: object):
    assert parsed(given) == ((), b"")


def test_our_own_records():
    one = SearchResult("t", "l", extra={"more": 1})
    assert parsed([one]).results == (one,)
    whole = SearchResults((one,), "hit", "memory", 1.0, 2.0, {"credits": 1})
    assert parsed(whole) == ((one,), b'{"credits":1}')


@given(st.dictionaries(TEXTS, JSON, max_size=4))
def test_unknown_fields_come_back_the_same(fields: dict[str, Any]):
    fields = {name: fields[name] for name in fields if name not in {"title", "link"}}
    (result,) = parsed([{**fields, **PAGE}]).results
    known = {
        name: value
        for name in ("snippet", "position", "date")
        if (value := getattr(result, name)) is not None
    }
    absent = {name for name in ("snippet", "position", "date") if fields.get(name, 1) is None}
    assert {**known, **result.extra} == {
        name: value for name, value in fields.items() if name not in absent
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("position", "3"),
        ("position", 3.0),
        ("position", True),
        ("position", 2**70),
        ("snippet", [1]),
    ],
)
def test_a_field_of_another_type_is_extra(name: str, value: object):
    (result,) = parsed([{**PAGE, name: value}]).results
    assert getattr(result, name) is None
    assert result.extra == {name: value}


def test_text_that_nothing_can_hold():
    (result,) = parsed([{**PAGE, "snippet": "a\0b", "x\ud800": ["\udfff", "é\0"]}]).results
    assert result.snippet == "a\ufffdb"
    assert result.extra == {"x\ufffd": ["\ufffd", "é\ufffd"]}


def test_nothing_of_it_can_be_changed():
    source = {**PAGE, "list": [1, {"a": 2}]}
    (result,) = parsed([source]).results
    source["list"].append("later")
    assert result.extra == {"list": [1, {"a": 2}]}
    for change in (
        lambda: setattr(result, "title", "x"),
        lambda: result.extra.update(a=1),
        lambda: result.extra.pop("list"),
        lambda: result.extra["list"].append(1),
        result.extra["list"][1].clear,
        lambda: parsed([PAGE]).results[0].extra.setdefault("a", 1),
    ):
        with pytest.raises((TypeError, AttributeError), match="shared by all callers"):
            change()
    for mine in (copy.deepcopy(result.extra), pickle.loads(pickle.dumps(result.extra))):
        mine["list"][1]["a"] = 3
        mine["new"] = 1
    assert result.extra == {"list": [1, {"a": 2}]}
    assert dict(result.extra) | {"b": 1} == {"list": [1, {"a": 2}], "b": 1}
    assert json.loads(result.to_json())["extra"] == {"list": [1, {"a": 2}]}
    assert msgspec.structs.replace(result, title="x").title == "x"


def deep(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (None, "must be a list, not nothing"),
        ("text", "must be a list, not a str"),
        (b"[]", "must be a list, not a bytes"),
        (7, "must be a list, not a int"),
        ({"title", "link"}, "must be a list, not a set"),
        ((one for one in [PAGE]), "must be a list, not a generator"),
        ({}, "has no `organic`"),
        ({"message": "Unauthorized.", "statusCode": 403}, "has no `organic`"),
        ({"organic": None}, "`organic` of what a search gives must be a list, not nothing"),
        ({"organic": {"0": PAGE}}, "not a dict"),
        ([None], "result 0 must be a SearchResult or a mapping, not nothing"),
        ([PAGE, "text"], "result 1 must be a SearchResult or a mapping, not a str"),
        ([{"link": "l"}], "result 0 must have a title that is a text, not nothing"),
        ([{"title": "t", "link": 5}], "result 0 must have a link that is a text, not a int"),
        ([{**PAGE, "x": {1}}], "a set, at 0.x, is no JSON"),
        ([{**PAGE, "x": [math.nan]}], "a number that is not finite, at 0.x.0"),
        ([{**PAGE, "x": datetime(2026, 1, 1, tzinfo=UTC)}], "a datetime, at 0.x, is no JSON"),
        ([{**PAGE, 5: 1}], "the names of a JSON object are text, not a int"),
        ([{**PAGE, "x": deep(5000)}], "nested too deeply"),
        ({"organic": [], "x": deep(5000)}, "nested too deeply"),
        ({"organic": [], "x": 10**5000}, "a number that is too long"),
        ([SearchResult("t", "l", extra={"link": "other"})], "result 0 has link in its extra, too"),
        (SearchResults((), "hit", "memory", 0, 0, {"organic": 1}), "extra has `organic`"),
    ],
)
def test_anything_else_is_refused(given: object, says: str):
    with pytest.raises(InvalidInputError) as caught:
        parsed(given)
    assert says in str(caught.value)
    assert caught.value.field == "results"
