"""SQL of others without its values: a text may hold somebody's message, or a password."""

import re

_PARTS = re.compile(
    r"""
    (?P<name>"(?:[^"]|"")*(?:"|$))
    |(?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*(?:\\?$|'))
    |(?P<plain>'(?:[^']|'')*(?:'|$))
    |(?P<dollar>\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|$))
    |(?P<line>--[^\n]*)
    |(?P<block>/\*.*?(?:\*/|$))
    """,
    re.VERBOSE | re.DOTALL,
)
LEFT_OUT = "'…'"


def without_literals(sql: str) -> str:
    """Give SQL with `'…'` for each text in it, and without its comments; names and numbers stay.

    A text that is cut off is left out to its end.
    """
    return _PARTS.sub(_shown, sql)


def _shown(found: re.Match[str]) -> str:
    if found["name"] is not None:
        return found.group()
    return " " if found["line"] is not None or found["block"] is not None else LEFT_OUT
