"""SQL of others without its values: a text may hold somebody's message, or a password."""

import re

from chatkeep.kit.folder.tokens import after_comment

_PARTS = re.compile(
    r"""
    (?P<name>"(?:[^"]|"")*(?:"|$))
    |(?P<escaped>\b[eE]'(?:[^'\\]|\\.|'')*(?:\\?$|'))
    |(?P<plain>'(?:[^']|'')*(?:'|$))
    |(?P<dollar>\$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|$))
    |(?P<line>--[^\n]*)
    |(?P<block>/\*)
    """,
    re.VERBOSE | re.DOTALL,
)
LEFT_OUT = "'…'"


def without_literals(sql: str) -> str:
    """Give SQL with `'…'` for each text in it, and without its comments; names and numbers stay.

    A text that is cut off is left out to its end.
    """
    shown, place = list[str](), 0
    while found := _PARTS.search(sql, place):
        shown += sql[place : found.start()], _shown(found)
        is_block = found["block"] is not None
        place = after_comment(sql, found.end()) if is_block else found.end()
    return "".join(shown) + sql[place:]


def _shown(found: re.Match[str]) -> str:
    if found["name"] is not None:
        return found.group()
    return " " if found["line"] is not None or found["block"] is not None else LEFT_OUT
