"""What a file says of a statement that runs in batches: its line, its target, its placeholder."""

import hashlib
import json
import re
from dataclasses import dataclass

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.applying.forms import BATCH
from chatkeep.kit.applying.sqlscan import split
from chatkeep.kit.folder.directives import directives
from chatkeep.kit.folder.tokens import Token, tokens

PLACEHOLDER = "/* chatkeep:batch */"
"""Stands in the WHERE; becomes ` AND key > … AND key <= …`."""

PLACE = "ctid"
"""As key: where the row lies on disk. Needs no index and keeps that order; for tables without a key.

The WHERE has to leave out what is done: a changed row lies elsewhere and may be met again, and one
that a client moves meanwhile may be missed, so such a statement stands twice in its file. A table
whose rows lie in others, partitions or children, has no such order.
"""

_NUMBER = re.compile(r"[0-9]+")
_FORM = (
    "Write `-- chatkeep:batch key=<column> size=<rows>`, and `pause=<milliseconds>` if you like."
)


@dataclass(frozen=True, slots=True)
class Batch:
    """A statement that runs in batches.

    Attributes:
        sql: The statement with its placeholder.
        table: Its target as the statement writes it, quotes included.
        alias: What the statement calls the target.
        key: Columns, unquoted; no two rows should have the same values.
        size: Rows in a batch.
        pause: Seconds between two batches.
    """

    sql: str
    table: str
    alias: str
    key: tuple[str, ...]
    size: int
    pause: float = 0.0

    @property
    def text_hash(self) -> str:
        """SHA-256 of key and statement, to which a position belongs; comments and size are free."""
        code = [token.text for token in tokens(self.sql) if token.is_code]
        return hashlib.sha256(json.dumps([self.key, code]).encode()).hexdigest()

    def within(self, condition: str) -> str:
        """Give the statement with a condition in the place of its placeholder."""
        at = next(token for token in tokens(self.sql) if _is_placeholder(token))
        return f"{self.sql[: at.start]}{condition}{self.sql[at.end :]}"


def batch_of(sql: str, place: str = "The statement") -> Batch | None:
    """Read the batch of a piece of a migration; None where it has no such line.

    Args:
        sql: What stands between two of drizzle's markers.
        place: What an error calls it.

    Raises:
        MigrationFailedError: The line or the statement below it cannot be used.
    """
    found = [directive for directive in directives(sql) if directive.word == BATCH]
    notes = [token for token in tokens(sql) if _is_placeholder(token)]
    if not found:
        if notes:
            raise refused(f"{place} holds {PLACEHOLDER}, and no line says the key", _FORM)
        return None
    parts = list(split(sql))
    if len(found) > 1 or len(parts) != 1:
        hint = "Give each statement that runs in batches a piece of the file of its own."
        raise refused(f"{place} is {len(parts)} statements for one `chatkeep:batch`", hint)
    if len(notes) != 1:
        hint = f"Write {PLACEHOLDER} once, at the end of its WHERE."
        raise refused(f"{place} holds {len(notes)} times {PLACEHOLDER}, not once", hint)
    key, size, pause = _arguments(found[0].arguments, place)
    table, alias = _target(parts[0].sql, place)
    _refuse_loose_where(parts[0].sql, place)
    _refuse_moving_key(parts[0].sql, key, place)
    return Batch(parts[0].sql, table, alias, key, size, pause)


def _arguments(text: str, place: str) -> tuple[tuple[str, ...], int, float]:
    given: dict[str, str] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals or name not in {"key", "size", "pause"} or name in given:
            raise refused(f"{place}: `{word}` of its batch line cannot be read", _FORM)
        given[name] = value
    key = tuple(given.get("key", "").split(","))
    if not all(key):
        raise refused(f"{place} names no key for its batches", _FORM)
    for name in ("size", "pause"):
        if name in given and not _NUMBER.fullmatch(given[name]):
            raise refused(f"{place}: {name}={given[name]} is no whole number", _FORM)
    if int(given.get("size", "0")) < 1:
        raise refused(f"{place} has batches of no rows", _FORM)
    return key, int(given["size"]), int(given.get("pause", "0")) / 1000


def _target(sql: str, place: str) -> tuple[str, str]:
    """Give the table and what the statement calls it."""
    code = [token for token in tokens(sql) if token.is_code]
    words = [token.text.upper() if token.kind == "word" else "" for token in code]
    skip = 1 if words[:1] == ["UPDATE"] else 2 if words[:2] == ["DELETE", "FROM"] else 0
    if not skip:
        hint = "Only a plain UPDATE or DELETE can; put what stands before it into a statement of its own."
        raise refused(f"{place} cannot run in batches", hint)
    at = skip + (1 if words[skip : skip + 1] == ["ONLY"] else 0)
    name = code[at].text
    while len(code) > at + 2 and code[at + 1].text == ".":
        at += 2
        name += "." + code[at].text
    at += 1
    at += 1 if words[at : at + 1] == ["AS"] else 0
    free = {"SET", "WHERE", "USING", "*"}
    rest = code[at : at + 1]
    is_alias = bool(rest) and rest[0].kind in {"word", "quoted"} and words[at] not in free
    return name, rest[0].text if is_alias else name


def _refuse_loose_where(sql: str, place: str) -> None:
    """Refuse an OR that the range would bind to on one side alone, and a placeholder elsewhere."""
    depth, where, loose = 0, False, False
    for token in tokens(sql):
        word = token.text.upper() if token.kind == "word" else ""
        if _is_placeholder(token):
            break
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "other" else 0
        if depth == 0 and word == "WHERE":
            where, loose = True, False
        loose = loose or (depth == 0 and word == "OR")
    if not where or depth or loose:
        reason = "inside parentheses" if depth else "behind an OR" if loose else "not in its WHERE"
        hint = f"Write WHERE (…) {PLACEHOLDER}, with the whole condition in parentheses."
        raise refused(f"{place} has {PLACEHOLDER} {reason}", hint)


def _refuse_moving_key(sql: str, key: tuple[str, ...], place: str) -> None:
    """Refuse an UPDATE of its own key: a row that moves up would be met again."""
    moved = sorted(_set_columns(sql) & set(key))
    if moved:
        hint = "Take another key, or leave line and comment away: it runs in one go then."
        raise refused(f"{place} sets {moved[0]}, along which its batches walk", hint)


def _set_columns(sql: str) -> set[str]:
    """Give the columns that stand left of the signs of equality after SET."""
    columns: set[str] = set()
    depth, is_target, before = 0, False, ""
    for token in (token for token in tokens(sql) if token.is_code):
        word = token.text.upper() if token.kind == "word" else ""
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        if depth == 0 and (word == "WHERE" or (word == "FROM" and before != "DISTINCT")):
            break
        if depth == 0 and (word == "SET" or token.text == ","):
            is_target = True
        elif is_target and depth <= 1 and (word or token.text.startswith('"')):
            columns.add(token.text[1:-1].replace('""', '"') if not word else token.text.lower())
            is_target = depth == 1  # (a, b) = …
        elif depth == 0:
            is_target = False
        before = word
    return columns


def _is_placeholder(token: Token) -> bool:
    return token.kind == "comment" and token.text == PLACEHOLDER


def refused(what: str, hint: str, run: str = "nothing was run") -> MigrationFailedError:
    """Give the error of a batch that cannot be used."""
    return MigrationFailedError(f"{what}; {run}.", hint=hint)
