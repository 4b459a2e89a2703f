"""What a search gives, as results: lists, Serper's JSON, our own."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn, cast

import msgspec

from chatkeep.cache.frozen import EMPTY, SharedDict, SharedList
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.text import MAX_DEPTH
from chatkeep.records.search_cache import SearchResult, SearchResults

RESULTS = "organic"  # where Serper puts them
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_INT8 = 2**63
_FIELDS = frozenset({"title", "link", "snippet", "position", "date"})
_encode = msgspec.json.Encoder().encode


class Found(NamedTuple):
    """What a search gave; nothing of it can be changed.

    Attributes:
        results: In the order of the search.
        extra: JSON of what it gave beside them; empty bytes for nothing.
    """

    results: tuple[SearchResult, ...]
    extra: bytes


def parsed(given: object) -> Found:
    """Read what a search gave.

    A list of results, or a mapping that has such a list as `organic` and everything else beside it,
    or SearchResults. A result is a SearchResult or a mapping with `title` and `link`; what it has
    besides, or not in the type that a SearchResult says, stays in its `extra`. The characters that
    neither PostgreSQL nor UTF-8 can hold (NUL, halves of surrogate pairs) become U+FFFD.

    Raises:
        InvalidInputError: It is something else, or not all of it is JSON; says where, not what.
    """
    results, rest = _apart(given)
    if not isinstance(results, list | tuple):
        where = "" if rest is None else f"`{RESULTS}` of "
        _refuse(f"{where}what a search gives must be a list, not {_kind(results)}")
    listed = cast("list[object]", results)
    found = tuple(_result(one, f"{place}") for place, one in enumerate(listed))
    if not rest:
        return Found(found, b"")
    return Found(found, _json(_object(rest, "", 0)))


def _apart(given: object) -> tuple[object, dict[str, Any] | None]:
    if isinstance(given, SearchResults):
        if RESULTS in given.extra:
            _refuse(f"extra has `{RESULTS}`, which is the name of the results themselves")
        return given.results, given.extra
    if isinstance(given, Mapping):
        rest = dict(cast("Mapping[str, Any]", given))
        if RESULTS not in rest:
            _refuse(f"the mapping that it gave has no `{RESULTS}`")
        return rest.pop(RESULTS), rest
    return given, None


def _result(given: object, path: str) -> SearchResult:
    if isinstance(given, SearchResult):
        both = _FIELDS & given.extra.keys()
        if both:
            _refuse(f"result {path} has {min(both)} in its extra, too")
        given = _flat(given)
    elif not isinstance(given, Mapping):
        _refuse(f"result {path} must be a SearchResult or a mapping, not {_kind(given)}")
    rest = _object(cast("Mapping[Any, Any]", given), path, 0)
    title, link = rest.pop("title", None), rest.pop("link", None)
    for name, value in (("title", title), ("link", link)):
        if not isinstance(value, str):
            _refuse(f"result {path} must have a {name} that is a text, not {_kind(value)}")
    return SearchResult(
        title,
        link,
        _take(rest, "snippet", str),
        _take(rest, "position", int),
        _take(rest, "date", str),
        SharedDict(rest) if rest else EMPTY,
    )


def _take(rest: dict[str, Any], name: str, kind: type) -> Any:  # noqa: ANN401 - of that kind
    """Take a field that may be absent; one of another kind stays where it is."""
    value = rest.get(name)
    if isinstance(value, bool) or (isinstance(value, int) and not -_INT8 <= value < _INT8):
        return None
    if value is None or isinstance(value, kind):
        return rest.pop(name, None)
    return None


def _flat(one: SearchResult) -> dict[str, Any]:
    fields = {
        "title": one.title,
        "link": one.link,
        "snippet": one.snippet,
        "position": one.position,
        "date": one.date,
    }
    return {name: value for name, value in fields.items() if value is not None} | one.extra


def _object(given: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        _refuse("what a search gave is nested too deeply")
    made: dict[str, Any] = {}
    for name, value in given.items():
        if not isinstance(name, str):
            _refuse(f"the names of a JSON object are text, not {_kind(name)}")
        made[_text(name)] = _value(value, f"{path}.{name}" if path else name, depth)
    return made


def _value(value: object, path: str, depth: int) -> object:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, path)
    if isinstance(value, Mapping):
        return SharedDict(_object(cast("Mapping[Any, Any]", value), path, depth + 1))
    if isinstance(value, list | tuple):
        if depth >= MAX_DEPTH:
            _refuse("what a search gave is nested too deeply")
        listed = cast("list[object]", value)
        return SharedList(
            [_value(one, f"{path}.{place}", depth + 1) for place, one in enumerate(listed)]
        )
    return _refuse(f"{_kind(value)}, at {path}, is no JSON")


def _number(value: float, path: str) -> float:
    if isinstance(value, int):
        return int(value)  # also of an IntEnum
    if not math.isfinite(value):
        _refuse(f"a number that is not finite, at {path}, is no JSON")
    return float(value)


def _text(value: str) -> str:
    if value.isascii():
        return str.__str__(value).replace("\0", _REPLACED)
    whole = value.replace("\0", _REPLACED)
    try:
        whole.encode()
    except UnicodeEncodeError:
        return "".join(_REPLACED if "\ud800" <= one <= "\udfff" else one for one in whole)
    return whole


def _json(value: dict[str, Any]) -> bytes:
    try:
        return _encode(value)
    except ValueError:  # a number of thousands of digits
        _refuse("it holds a number that is too long")


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _refuse(problem: str) -> NoReturn:
    raise InvalidInputError(
        f"The results of a search were refused: {problem}.",
        hint="Give a list of SearchResult or mappings with title and link, Serper's JSON, or "
        "SearchResults.",
        field="results",
    )
