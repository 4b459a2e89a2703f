"""The statements of a migration file, one by one, with the lines on which they begin."""

from dataclasses import dataclass

from chatkeep.kit.applying.sqlscan import Part, split
from chatkeep.kit.folder import Migration
from chatkeep.kit.folder.reading import MARKER
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
        """Whether it is an UPDATE or DELETE that no WHERE of its own limits."""
        depth, command = 0, ""
        for token in self.code:
            word = token.text.upper()
            if word == "(":
                depth += 1
            elif word == ")":
                depth -= 1
            elif depth == 0 and token.kind == "word":
                if word == "WHERE":
                    return False
                if not command and word in {"UPDATE", "DELETE", "INSERT", "MERGE", "SELECT"}:
                    command = word
                elif not command and word not in {"WITH", "RECURSIVE"} and self._is_head(token):
                    return False
        return command in {"UPDATE", "DELETE"}

    def _is_head(self, token: Token) -> bool:
        return token is self.code[0]


def statements_of(migration: Migration) -> tuple[Statement, ...]:
    """Give the statements of a file in their order; pieces that hold comments alone give none."""
    text = migration.sql.removeprefix("\ufeff")
    found: list[Statement] = []
    offset = 0
    for piece in migration.statements:
        for part in split(piece):
            found.append(_statement(text, offset, part, len(found) + 1))
        offset += len(piece) + len(MARKER)
    return tuple(found)


def _statement(text: str, offset: int, part: Part, number: int) -> Statement:
    code = tuple(token for token in tokens(part.sql) if token.is_code)
    head = code[0].start
    line = text.count("\n", 0, offset + part.start + head) + 1
    return Statement(number, line, part.sql[head:].rstrip(), part.words, code)
