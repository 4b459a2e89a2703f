"""JSON of another product's rows, refused where PostgreSQL could not store it as jsonb."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from pydantic_core import PydanticCustomError

from chatkeep.exchange.decoding import NoJson, decoded
from chatkeep.inputs.fields import check_web_url
from chatkeep.inputs.text import first_fault

_NUL = "\\u0000"  # only a text with this can hold one: the others are not walked through


class BadValueError(Exception):
    """A value of a row cannot be imported; on its way to a `BadRecord`.

    Attributes:
        problem: What is wrong, as a clause; nothing of the value.
        key: Where it is, in the words of the product: tables, columns, keys of JSON.
    """

    def __init__(self, problem: str, key: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.key = key


def read_json(text: object, key: str) -> Any:  # noqa: ANN401 - any JSON
    """Decode what a JSON column holds; None where it is NULL.

    To SQLite a column of the type JSON is one of numbers: it stores a number as such.

    Raises:
        BadValueError: It is broken, or holds what PostgreSQL cannot store.
    """
    if text is None or isinstance(text, int | float):
        return text
    if not isinstance(text, str):
        raise BadValueError("it is no text", key)
    try:
        value = decoded(text.encode("utf-8", "surrogateescape"), 0)
    except NoJson as exc:
        raise BadValueError(str(exc), key) from None
    if _NUL in text:
        check_storable(value, key)
    return value


def check_storable(value: object, key: str) -> None:
    """Refuse what holds a NUL or half of a surrogate pair, at any depth.

    Raises:
        BadValueError: It does.
    """
    fault = first_fault(value)
    if fault is not None:
        raise BadValueError(fault.problem[:1].lower() + fault.problem[1:], f"{key}{fault.path}")


def write_json(value: object) -> str:
    """Encode a value for a JSON column."""
    return msgspec.json.encode(value).decode("utf-8")


def objects(value: object) -> list[dict[str, Any]]:
    """Give the objects of what should be a list of objects."""
    if not isinstance(value, list):
        return []
    items = cast("list[object]", value)
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


def mapping(value: object) -> Mapping[str, Any]:
    """Give what should be an object; an empty one where it is none."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def is_web_url(text: str) -> bool:
    """Say whether a source of ours may have this address."""
    try:
        check_web_url(text)
    except PydanticCustomError:
        return False
    return True
