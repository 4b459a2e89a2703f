"""Text that PostgreSQL cannot store, found at any depth of a value."""

import math
from collections.abc import Mapping
from typing import LiteralString, NamedTuple, cast

import msgspec

from chatkeep.errors import InvalidInputError

MAX_DEPTH = 200  # far above real data, far below where Python or PostgreSQL run out of stack


MAX_ID = 255


class Fault(NamedTuple):
    """What is wrong, and the dotted path to it below the value (empty: the value itself)."""

    problem: LiteralString
    path: str


def first_fault(value: object, path: str = "", depth: int = 0) -> Fault | None:
    """Find the first text or number in `value`, at any depth, that cannot be stored, or None."""
    if isinstance(value, str):
        return _fault_of_text(value, path)
    if isinstance(value, float) and not math.isfinite(value):
        return Fault("A number must be finite", path)
    if depth > MAX_DEPTH:
        return Fault("It is nested too deeply", "")
    for name, child in _children(value):
        if isinstance(name, str):
            wrong = _fault_of_text(name, path)
            if wrong is not None:
                return wrong
        found = first_fault(child, f"{path}.{name}", depth + 1)
        if found is not None:
            return found
    return None


def check_id(value: object, field: str) -> str:
    """Refuse what can be no id: ids are 1 to 255 characters that PostgreSQL can store.

    Raises:
        InvalidInputError: It is something else.
    """
    if not isinstance(value, str):
        problem = f"must be a text, not a {type(value).__name__}"
    elif not 0 < len(value) <= MAX_ID:
        problem = f"must have 1 to {MAX_ID} characters"
    else:
        fault = _fault_of_text(value, "")
        if fault is None:
            return value
        problem = "was refused: " + fault.problem[:1].lower() + fault.problem[1:]
    raise InvalidInputError(f"{field} {problem}.", field=field)


def _children(value: object) -> list[tuple[str | int, object]]:
    if isinstance(value, msgspec.Struct):
        return [(name, getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value)
        return [(str(key), child) for key, child in items.items()]
    if isinstance(value, list | tuple):
        return list(enumerate(cast("list[object]", value)))
    return []


def _fault_of_text(text: str, path: str) -> Fault | None:
    if "\0" in text:
        return Fault("It holds the character NUL, which PostgreSQL cannot store", path)
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        return Fault("It holds half of a surrogate pair, which is not Unicode text", path)
    return None


def first_non_json(value: object, path: str = "", depth: int = 0) -> Fault | None:
    """Find the first part of `value` that JSON has no form for, or None."""
    if depth > MAX_DEPTH:
        return Fault("It is nested too deeply", "")
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        if not all(isinstance(key, str) for key in mapping):
            return Fault("The keys of a JSON object are text", path)
    elif not isinstance(value, str | int | float | list | tuple) and value is not None:
        return Fault("JSON holds text, numbers, true, false, null, lists and objects only", path)
    for name, child in _children(value):
        found = first_non_json(child, f"{path}.{name}", depth + 1)
        if found is not None:
            return found
    return None
