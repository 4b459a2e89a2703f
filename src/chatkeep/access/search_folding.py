"""The canonical form of a text, as `presets.deepsearch.searching` makes it in PostgreSQL.

Queries are read with it, and hits are found again with it in what is shown. A test compares the two
over every character.
"""

import base64
import hashlib
import re
import unicodedata
from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

from chatkeep.presets.deepsearch.searching import (
    CAPITALS,
    DROPPED,
    KEY,
    LONGER,
    MARKS,
    RUNS,
    SEPARATORS,
    SMALL,
    STACK,
    VARIANTS,
    Ranges,
)


def _bracketed(ranges: Ranges) -> str:
    return "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in ranges)


RUN = _bracketed(RUNS)
"""Ranges for a bracket expression: characters that stand in runs."""
SEPARATOR = _bracketed(SEPARATORS)
"""The same for what is no part of a word. A character of both separates."""

# Not combining, and yet they become one character with the one before them.
SECONDS = frozenset(
    map(
        chr,
        (
            *(0x9BE, 0x9D7, 0xB3E, 0xB56, 0xB57, 0xBBE, 0xBD7, 0xCC2, 0xCD5, 0xCD6),
            *(0xD3E, 0xD57, 0xDCF, 0xDDF, 0x102E, *range(0x1161, 0x1176)),
            *(*range(0x11A8, 0x11C3), 0x1B35, 0x11127, 0x1133E, 0x11357, 0x113B8, 0x113BB),
            *(0x113C2, 0x113C5, *range(0x113C7, 0x113CA), 0x114B0, 0x114BA, 0x114BD),
            *(0x115AF, 0x11930, *range(0x1611E, 0x16121), 0x16129, 0x16D67),
        ),
    )
)

_DROPPED = frozenset(chr(n) for first, last in DROPPED for n in range(first, last + 1))
_FIRST = {ord(c): None for c in _DROPPED} | {n: n + 32 for n in range(ord("A"), ord("Z") + 1)}
_LONGER = dict(LONGER)
_SECOND = {
    ord(one): _LONGER.get(two, two)
    for one, two in zip(CAPITALS + VARIANTS[0], SMALL + VARIANTS[1], strict=True)
} | {ord(one): two for one, two in LONGER}
_NOT_ONE = "\0"  # no text of PostgreSQL holds it
_STACK = re.compile("([{0}]{{{1}}})[{0}]+".format(_bracketed(MARKS), STACK))


def fold(text: str) -> str:
    """Give a text without what is not searched by: accents, capitals, forms of one letter."""
    if text.isascii():
        return text.lower()
    short = _STACK.sub(r"\1", text)
    plain = unicodedata.normalize("NFKD", short).translate(_FIRST)
    return unicodedata.normalize("NFC", plain).translate(_SECOND)


def key_of(owner: str) -> str:
    """Give what the lexemes of an owner's messages begin with."""
    return base64.b64encode(hashlib.sha256(owner.encode()).digest())[:KEY].decode()


class Folded(NamedTuple):
    """A folded text that knows where each of its characters stood.

    Attributes:
        text: Folded, a space for each separator.
        starts: For each of its characters the place where its original begins; None where each
            stands in its own place.
        ends: For each of its characters the place where its original ends.
    """

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None

    def place(self, start: int) -> int:
        """Give where a place of the original is in the folded text."""
        return start if self.starts is None else bisect_left(self.starts, start)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Give the part of the original that a part of the folded text was made of."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def folded(text: str) -> Folded:
    """Fold a text and keep the places."""
    if text.isascii():
        return Folded(text.translate(_ASCII))
    if _STACK.search(text):
        return _without_stacks(text)
    # Most texts: every character becomes one, and none leans on the one before it.
    if unicodedata.is_normalized("NFC", text):
        quick = text.translate(_ONE)
        if _NOT_ONE not in quick:
            return Folded(quick)
    return _by_clusters(text)


def _without_stacks(text: str) -> Folded:
    kept: list[int] = []
    start = 0
    for stack in _STACK.finditer(text):
        kept += range(start, stack.end(1))
        start = stack.end()
    kept += range(start, len(text))
    form = folded("".join(text[place] for place in kept))
    spans = [form.span(place, place + 1) for place in range(len(form.text))]
    starts = [kept[start] for start, _ in spans]
    return Folded(form.text, starts, [kept[end - 1] + 1 for _, end in spans])


class _One(dict[int, str]):
    """The folded form of each character that becomes exactly one and stands alone."""

    def __missing__(self, code: int) -> str:
        made = _spaced(fold(chr(code)))
        is_one = len(made) == 1 and not joins(chr(code)) and not _is_second(made)
        self[code] = found = made if is_one else _NOT_ONE
        return found


def _is_second(character: str) -> bool:
    return character in SECONDS or unicodedata.combining(character) != 0


@lru_cache(maxsize=65_536)
def joins(character: str) -> bool:
    """Tell whether a character may change with what stands before it."""
    first = unicodedata.normalize("NFKD", character)[0]
    return first in _DROPPED or _is_second(first)


_ONE = _One()


@lru_cache(maxsize=65_536)
def _fold_cluster(text: str) -> str:
    return _spaced(fold(text))


def _spaced(text: str) -> str:
    return "".join(" " if is_separator(letter) else letter for letter in text)


def is_separator(character: str) -> bool:
    """Tell what is no part of a word."""
    return _KINDS[character] == " "


def is_letter(character: str) -> bool:
    """Tell what is a part of a word, and stands in no run; the empty text is none."""
    return _KINDS[character] == "a"


def is_run(character: str) -> bool:
    """Tell what stands in runs; the empty text does not."""
    return _KINDS[character] == "r"


class _Kinds(dict[str, str]):
    """Of each character whether it separates (a space), is part of a word (a) or of a run (r)."""

    def __missing__(self, character: str) -> str:
        kind = (
            " "
            if _within(character, SEPARATORS)
            else "r"
            if _within(character, RUNS)
            else "a" * len(character)
        )
        self[character] = kind
        return kind


def _within(character: str, ranges: Ranges) -> bool:
    return character != "" and any(first <= ord(character) <= last for first, last in ranges)


_KINDS = _Kinds()
_ASCII = "".join(_spaced(chr(n).lower()) if n else " " for n in range(128))


def _by_clusters(text: str) -> Folded:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    start, length = 0, len(text)
    while start < length:
        end = start + 1
        while end < length and joins(text[end]):
            end += 1
        cluster = text[start:end]
        piece = _fold_cluster(cluster) if len(cluster) < 9 else _spaced(fold(cluster))
        pieces.append(piece)
        starts += [start] * len(piece)
        ends += [end] * len(piece)
        start = end
    return Folded("".join(pieces), starts, ends)
