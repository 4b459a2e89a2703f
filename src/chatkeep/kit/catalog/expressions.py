"""Expressions in the one form that PostgreSQL gives back after it has read them again."""

import re

_VARCHARS = re.compile(r"\(ARRAY\[((?:'(?:[^']|'')*'::character varying(?:, )?)+)\]\)::text\[\]")
_VARCHAR = re.compile(r"'(?:[^']|'')*'::character varying")


def settled(expression: str) -> str:
    """Give the form that lasts.

    `varchar_column IN ('a', 'b')` is printed with one cast around the list at first, and with one
    cast for each element once its own text was run again. Both mean the same.
    """

    def each(found: re.Match[str]) -> str:
        return f"ARRAY[{_VARCHAR.sub(lambda item: f'({item.group()})::text', found.group(1))}]"

    return _VARCHARS.sub(each, expression)


def settled_or_none(expression: str | None) -> str | None:
    """Give the form that lasts of an expression that may be absent."""
    return None if expression is None else settled(expression)
