"""Changes of a column's type that alter stored values without an error.

A value that does not fit, such as a long text for a short varchar, stops the migration; that is
no silent loss, and nothing here speaks of it.
"""

import re

_MODIFIER = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
_WHOLE = {"smallint": 5, "integer": 10, "bigint": 19}  # decimal digits
_FLOATS = {"real": 6, "double precision": 15}  # decimal digits that survive
_CUT_BY_CAST = ("bit", "bit varying", '"char"', "name")
_TEXTS = ("text", "character varying", "character", "citext")
_ALL = 1_000_000  # digits of a type that keeps what it gets
_MICROSECONDS = 6
_FIELDS = ("year", "month", "day", "hour", "minute", "second")  # of an interval, the finest last
_CUT_TO_LENGTH = ("character varying", "character", "bit varying", "bit")


def base_type(type_: str) -> str:
    """Give a type's name without length or precision, brackets of an array left on."""
    return re.sub(r"\([^)]*\)", "", type_).strip()


def loses_values(before: str, after: str) -> bool:
    """Say whether the change of type may round, cut or drop a part of stored values."""
    if before.endswith("[]") != after.endswith("[]"):
        return False  # goes by way of text, which keeps all or fails
    old, new = (base_type(type_).removesuffix("[]") for type_ in (before, after))
    if new in _CUT_BY_CAST:
        return new != old and not (new.startswith("bit") and old.startswith("bit"))
    if new == "boolean":
        return old in _WHOLE
    if new in _WHOLE or new in _FLOATS or new == "numeric":
        return _loses_digits(before, old, after, new)
    return _loses_time(before, old, after, new)


def cut_by_cast(before: str, after: str) -> bool:
    """Say whether a cast that is written out may cut a text that is too long.

    PostgreSQL refuses such a text when a change of type says no USING.
    """
    old, new = base_type(before), base_type(after)
    length = _MODIFIER.search(after)
    if new.removesuffix("[]") not in _CUT_TO_LENGTH or length is None:
        return False
    had = _MODIFIER.search(before)
    known = old.split()[0] == new.split()[0] and had is not None
    return not (known and had is not None and int(had.group(1)) <= int(length.group(1)))


def _loses_digits(before: str, old: str, after: str, new: str) -> bool:
    if new in _FLOATS:
        if old in _WHOLE or old in _FLOATS:
            return (_WHOLE | _FLOATS)[old] > _FLOATS[new]
        return old in {"numeric", "jsonb", "money", *_TEXTS}
    if old in _TEXTS:
        return new == "numeric" and _scale(after, new) < _ALL  # a fraction is no whole number
    if old in _FLOATS and new == "numeric":
        return True
    return _scale(before, old) > _scale(after, new)


def _scale(type_: str, base: str) -> int:
    """Give how many digits behind the point a type keeps."""
    if base in _FLOATS or base == "jsonb":
        return _ALL
    if base == "money":
        return 2
    if base != "numeric":
        return 0 if base in _WHOLE else -_ALL  # any other text is refused, or is the number
    found = _MODIFIER.search(type_)
    return int(found.group(2) or 0) if found else _ALL


def _loses_time(before: str, old: str, after: str, new: str) -> bool:
    stamp = old.startswith("timestamp")
    if new == "date" or (new.startswith("time ") and (stamp or old in _TEXTS)):
        return stamp or old in _TEXTS
    if old in _TEXTS and new.startswith(("timestamp", "interval")):
        return _precision(after) < _MICROSECONDS or _finest(new) < _FIELDS.index("second")
    if not new.startswith(("time", "interval")) or not old.startswith(("time", "interval")):
        return False
    if old == "time with time zone" and new == "time without time zone":
        return True
    if old.startswith("interval") and (new.startswith("time") or _finest(new) < _finest(old)):
        return True  # days, or what is finer, go
    return _precision(before) > _precision(after)


def _finest(interval: str) -> int:
    """Give which field is the last that a type of interval keeps: `interval day to minute`."""
    field = interval.rsplit(maxsplit=1)[-1]
    return _FIELDS.index(field if field in _FIELDS else "second")


def _precision(type_: str) -> int:
    found = _MODIFIER.search(type_)
    return int(found.group(1)) if found else _MICROSECONDS
