"""PostgreSQL's spelling of types and defaults, turned into drizzle's."""

import re

_LITERAL = re.compile(r"\A\(?(E?'(?:[^']|'')*')::([\w \".(),\[\]]+?)\)?\Z", re.DOTALL)
_NUMBER = re.compile(r"\A\(?(-?\d+(?:\.\d+)?)\)?\Z")
_COUNTED = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_JSON_NUMBERS = {*_COUNTED, "real", "double precision"}
_EXACT = 2**53 - 1
"""The last whole number that JavaScript holds exactly."""


def drizzle_type(type_: str) -> str:
    """Give a built-in type as drizzle's columns spell it.

    Args:
        type_: What PostgreSQL's `format_type` says with an empty search path.
    """
    base, brackets = _split_array(type_)
    if match := re.fullmatch(r"character varying(\(\d+\))?", base):
        base = f"varchar{match.group(1) or ''}"
    elif match := re.fullmatch(r"character(\(\d+\))?", base):
        base = f"char{match.group(1) or ''}"
    elif match := re.fullmatch(r"numeric\((\d+),(-?\d+)\)", base):
        precision, scale = match.groups()
        base = f"numeric({precision})" if scale == "0" else f"numeric({precision}, {scale})"
    elif match := re.fullmatch(r"(time|timestamp)(\(\d\))? (with|without) time zone", base):
        name, precision, zone = match.groups()
        space = " " if name == "timestamp" and precision else ""
        base = f"{name}{space}{precision or ''}" + (" with time zone" if zone == "with" else "")
    return base.removeprefix("public.") + brackets


def serial_of(type_: str) -> str | None:
    """Give the serial type that stands for an integer type with a sequence of its own."""
    return _COUNTED.get(type_)


def drizzle_default(expression: str, type_: str) -> object:
    """Give a default as drizzle's snapshot holds it: a JSON scalar, or SQL without the cast.

    Args:
        expression: PostgreSQL's text of the default.
        type_: The column's type in PostgreSQL's spelling.
    """
    if expression in {"true", "false"}:
        return expression == "true"
    literal = _LITERAL.match(expression)
    text = literal.group(1) if literal else expression
    number = _NUMBER.match(text.strip("'") if literal else text)
    base, _ = _split_array(type_)
    if number and type_ in _JSON_NUMBERS:
        digits = number.group(1)
        if "." in digits:
            return float(digits)
        return int(digits) if abs(int(digits)) <= _EXACT else digits
    if number and base.startswith("numeric"):
        return f"'{number.group(1)}'"
    if literal and type_ not in {"json", "jsonb"}:
        return text
    return expression


def _split_array(type_: str) -> tuple[str, str]:
    base = re.sub(r"(\[\])+\Z", "", type_)
    return base, type_[len(base) :]
