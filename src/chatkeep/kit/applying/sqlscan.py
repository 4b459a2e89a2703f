"""Where a statement ends, and with which words it begins."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from chatkeep.kit.folder.tokens import Token, tokens


@dataclass(frozen=True, slots=True)
class Part:
    """One statement of a text.

    Attributes:
        sql: The statement without its semicolon; comments that stand before it belong to it.
        start: Where it begins in the text, from 0.
        words: Its words in upper case, quoted ones left out.
    """

    sql: str
    start: int
    words: tuple[str, ...]


@dataclass(slots=True)
class _Statement:
    words: list[str] = field(default_factory=list[str])
    is_blank: bool = True
    parentheses: int = 0
    blocks: int = 0  # BEGIN ATOMIC … END of a function's body, with its CASE … END
    before: Token | None = None

    def take(self, token: Token) -> None:
        self.is_blank = False
        before, self.before = self.before, token
        if token.kind == "word":
            word = token.text.upper()
            if before is not None and _makes_name(before, token):
                pass  # whatever the word means elsewhere
            elif (word == "ATOMIC" and self.words[-1:] == ["BEGIN"]) or (
                self.blocks and word == "CASE"
            ):
                self.blocks += 1
            elif self.blocks and word == "END":
                self.blocks -= 1
            self.words.append(word)
        elif token.text == "(":
            self.parentheses += 1
        elif token.text == ")":
            self.parentheses -= 1

    @property
    def is_open(self) -> bool:
        """Whether a semicolon here would end nothing."""
        return self.parentheses > 0 or self.blocks > 0


def _makes_name(before: Token, token: Token) -> bool:
    """Whether a word can only be a name there: `AS end`, `t.end`; not `1. END`."""
    return before.text.upper() == "AS" or (before.text == "." and before.end == token.start)


def split(sql: str) -> Iterator[Part]:
    """Give each statement of a text; what holds comments alone is none.

    Semicolons in literals, comments, parentheses and bodies of functions end nothing.
    """
    statement, start = _Statement(), 0
    for token in tokens(sql):
        if token.text == ";" and not statement.is_open:
            if not statement.is_blank:
                yield Part(sql[start : token.start], start, tuple(statement.words))
            statement, start = _Statement(), token.end
        elif token.is_code:
            statement.take(token)
    if not statement.is_blank:
        yield Part(sql[start:], start, tuple(statement.words))


def statement_words(sql: str) -> Iterator[list[str]]:
    """Give the words of each statement in upper case, quoted ones left out."""
    for part in split(sql):
        if part.words:
            yield list(part.words)


# Looked for first: the lexer takes its time over a big folder.
_TRANSACTION = re.compile(r"\b(?:BEGIN|COMMIT|END|ROLLBACK|ABORT|START|PREPARE)\b", re.IGNORECASE)
_DISCARD = re.compile(r"\bDISCARD\b", re.IGNORECASE)
_COPY = re.compile(r"\bCOPY\b", re.IGNORECASE)


def transaction_command(sql: str) -> str | None:
    """Give the first statement that would begin or end a transaction; None when there is none.

    `SAVEPOINT`, `RELEASE` and `ROLLBACK TO` stay inside a transaction and are not meant.
    """
    if not _TRANSACTION.search(sql):
        return None
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


def discards_all(sql: str) -> bool:
    """Say whether a DISCARD ALL would give up the session's locks, that of the migration too."""
    if not _DISCARD.search(sql):
        return False
    return any(words[:2] == ["DISCARD", "ALL"] for words in statement_words(sql))


def copies_through_client(sql: str) -> bool:
    """Say whether a COPY would send rows through the connection, and wait for them for ever."""
    if not _COPY.search(sql):
        return False
    ways = {("FROM", "STDIN"), ("TO", "STDOUT")}
    return any(
        words[0] == "COPY" and not ways.isdisjoint(pairwise(words))
        for words in statement_words(sql)
    )


def is_blank(sql: str) -> bool:
    """Say whether there is nothing to run: spaces, comments and semicolons only."""
    return all(token.text == ";" for token in tokens(sql) if token.is_code)
