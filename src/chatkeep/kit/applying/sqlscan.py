"""Just enough of SQL's lexer to tell where a statement ends and with which word it begins."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

_TOKEN = re.compile(
    r"""
      (?P<space>\s+ | --[^\n]*)
    | (?P<comment>/\*)
    | (?P<quoted> [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z) )
    | (?P<dollar>\$(?:[A-Za-z_\x80-\U0010ffff][\w]*)?\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][\w$]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


@dataclass(slots=True)
class _Statement:
    words: list[str] = field(default_factory=list[str])
    parentheses: int = 0
    blocks: int = 0  # BEGIN ATOMIC … END of a function's body, with its CASE … END

    def take(self, kind: str, text: str) -> None:
        if kind == "word":
            word = text.upper()
            if (word == "ATOMIC" and self.words[-1:] == ["BEGIN"]) or (
                self.blocks and word == "CASE"
            ):
                self.blocks += 1
            elif self.blocks and word == "END":
                self.blocks -= 1
            self.words.append(word)
        elif text == "(":
            self.parentheses += 1
        elif text == ")":
            self.parentheses -= 1


def statement_words(sql: str) -> Iterator[list[str]]:
    """Give the words of each statement in upper case, quoted ones left out.

    Semicolons in literals, comments, parentheses and bodies of functions end nothing.
    """
    statement = _Statement()
    for kind, text in _tokens(sql):
        if text == ";" and statement.parentheses <= 0 and not statement.blocks:
            if statement.words:
                yield statement.words
            statement = _Statement()
        else:
            statement.take(kind, text)
    if statement.words:
        yield statement.words


def transaction_command(sql: str) -> str | None:
    """Give the first statement that would begin or end a transaction; None when there is none.

    `SAVEPOINT`, `RELEASE` and `ROLLBACK TO` stay inside a transaction and are not meant.
    """
    for words in statement_words(sql):
        match words:
            case ["ROLLBACK" | "ABORT", *rest] if "TO" in rest[:2]:
                continue
            case ["BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" as command, *_]:
                return command
            case ["START" | "PREPARE" as command, "TRANSACTION", *_]:
                return f"{command} TRANSACTION"
            case _:
                continue
    return None


def copies_through_client(sql: str) -> bool:
    """Say whether a COPY would send rows through the connection, and wait for them for ever."""
    ways = {("FROM", "STDIN"), ("TO", "STDOUT")}
    return any(
        words[0] == "COPY" and not ways.isdisjoint(pairwise(words))
        for words in statement_words(sql)
    )


def is_blank(sql: str) -> bool:
    """Say whether there is nothing to run: spaces, comments and semicolons only."""
    return all(text == ";" for _, text in _tokens(sql))


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    place = 0
    while match := _TOKEN.match(sql, place):
        kind, text = str(match.lastgroup), match.group()
        place = match.end()
        if kind == "comment":
            place = _after_comment(sql, place)
        elif kind == "dollar":
            end = sql.find(text, place)
            place = len(sql) if end < 0 else end + len(text)
        elif kind in {"word", "other"}:
            yield kind, text


def _after_comment(sql: str, place: int) -> int:
    depth = 1  # comments nest in PostgreSQL
    while depth:
        edge = _COMMENT_EDGE.search(sql, place)
        if edge is None:
            return len(sql)
        depth += 1 if edge.group() == "/*" else -1
        place = edge.end()
    return place
