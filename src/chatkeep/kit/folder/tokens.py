"""Just enough of SQL's lexer to know what is a word, a text or a comment, and where it stands."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<note>--[^\n]*)
    | (?P<comment>/\*)
    | (?P<quoted> [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) )
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][\w]*)?\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """A piece of SQL.

    Attributes:
        kind: `space`, `note` (`-- …`), `comment` (`/* … */`), `quoted` (a literal or a quoted
            name), `dollar` (a literal in dollar signs), `word`, or `other` (one sign).
        start: Where it begins in the text, from 0.
    """

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends in the text."""
        return self.start + len(self.text)

    @property
    def is_code(self) -> bool:
        """Whether PostgreSQL's grammar sees it: neither a space nor a comment."""
        return self.kind not in {"space", "note", "comment"}


def tokens(sql: str) -> Iterator[Token]:
    """Give the tokens of a text one after the other; together they are the text."""
    place = 0
    while match := _TOKEN.match(sql, place):
        kind, start = str(match.lastgroup), place
        place = match.end()
        if kind == "comment":
            place = after_comment(sql, place)
        elif kind == "dollar":
            end = sql.find(match.group(), place)
            place = len(sql) if end < 0 else end + len(match.group())
        yield Token(kind, sql[start:place], start)


def after_comment(sql: str, place: int) -> int:
    """Say where a comment ends; `place` is behind its `/*`."""
    depth = 1  # comments nest in PostgreSQL
    while depth:
        edge = _COMMENT_EDGE.search(sql, place)
        if edge is None:
            return len(sql)
        depth += 1 if edge.group() == "/*" else -1
        place = edge.end()
    return place
