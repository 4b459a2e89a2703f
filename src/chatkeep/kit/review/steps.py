"""The statements of a migration file, one by one, with the lines on which they begin."""

from dataclasses import dataclass

from chatkeep.kit.applying.sqlscan import Part, split
from chatkeep.kit.folder import Migration
from chatkeep.kit.folder.tokens import Token, tokens

BATCH = "/* chatkeep:batch */"
"""Stands in a statement that `chatkeep migrate` runs in batches, each in its own transaction."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file.

    Attributes:
        number: Its place in the file, from 1.
        line: The line of its first word, from 1.
        sql: Its text, without what stands before its first word.
        words: Its words in upper case, quoted ones left out.
        code: Its tokens, without spaces and comments.
    """

    number: int
    line: int
    sql: str
    words: tuple[str, ...]
    code: tuple[Token, ...]

    @property
    def is_batched(self) -> bool:
        """Whether `chatkeep migrate` runs it in batches."""
        return BATCH in self.sql

    def changes_every_row(self) -> bool:
        """Whether it is, or holds in its WITH, an UPDATE or DELETE that no WHERE of its own limits."""
        frames = [_Frame()]  # one for each open bracket
        for token in self.code:
            if token.text == "(":
                frames.append(_Frame())
            elif token.text == ")":
                if len(frames) > 1 and frames.pop().is_limitless:
                    return True
            elif token.kind == "word":
                frames[-1].take(token.text.upper(), is_outer=len(frames) == 1)
        return frames[0].is_limitless


@dataclass(slots=True)
class _Frame:
    """What stands between two brackets."""

    command: str = ""
    is_limited: bool = False

    @property
    def is_limitless(self) -> bool:
        return self.command in {"UPDATE", "DELETE"} and not self.is_limited

    def take(self, word: str, *, is_outer: bool) -> None:
        self.is_limited = self.is_limited or word == "WHERE"
        names_come = is_outer and self.command == "WITH"  # those of its queries
        if not self.command or (names_come and word in _COMMANDS):
            self.command = word


_COMMANDS = {"UPDATE", "DELETE", "INSERT", "MERGE", "SELECT"}


def statements_of(migration: Migration) -> tuple[Statement, ...]:
    """Give the statements of a file in their order; pieces that hold comments alone give none."""
    found: list[Statement] = []
    line = 1
    for piece in migration.statements:
        counted = 0  # on from statement to statement: a file may hold thousands
        for part in split(piece):
            line += piece.count("\n", counted, part.start)
            counted = part.start
            found.append(_statement(part, len(found) + 1, line))
        line += piece.count("\n", counted)
    return tuple(found)


def _statement(part: Part, number: int, line: int) -> Statement:
    code = tuple(token for token in tokens(part.sql) if token.is_code)
    head = code[0].start
    line += part.sql.count("\n", 0, head)
    return Statement(number, line, part.sql[head:].rstrip(), part.words, code)
