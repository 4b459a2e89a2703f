"""The text around a hit, and where in it the hits are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from chatkeep.access.search_folding import fold, folded, joins
from chatkeep.access.search_queries import PIECE
from chatkeep.access.search_terms import Term
from chatkeep.presets.deepsearch.searching import DROPPED, RUNS, SEPARATORS, WORD, bracket

LENGTH = 240
"""Characters of a snippet, as a rule; a long hit makes it longer."""
MAX_LENGTH = 320

_BEFORE = 60
_EDGE = 30  # so far the nearest space may be
_HITS = 200  # looked at in one text
_MORE = "…"

# Letters of which others may be forms: Latin, Greek, Cyrillic and so on, and the forms themselves.
_LETTERS = (range(0xA0, 0x590), range(0x1D00, 0x2184), range(0x2C60, 0x2C80), range(0xA640, 0xA800))
_FORMS = (range(0xF900, 0x10000), range(0x1D400, 0x1D800))

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A part of a text, and where in it the hits begin and end."""

    text: str
    highlights: list[Span]


def snippet_of(piece: str, piece_from: int, terms: Sequence[Term]) -> Snippet:
    """Give the part of a text that shows the most of the terms, the first such part.

    Args:
        piece: A text, or a part of it, which is longer than `PIECE` where the text goes on.
        piece_from: Where in the text it begins, from 1; 0 where it is the whole text.
        terms: What was searched for.
    """
    is_open, goes_on = piece_from > 1, piece_from > 0 and len(piece) > PIECE
    text = piece[:PIECE] if goes_on else piece
    hits = _hits(text, terms, start=int(is_open), end=len(text) - goes_on)
    start, end = _window(text, hits)
    before = _MORE if start > 0 or is_open else ""
    after = _MORE if end < len(text) or goes_on else ""
    shift = len(before) - start
    inside = [(one + shift, min(two, end) + shift) for one, two, _ in hits if start <= one < end]
    return Snippet(before + text[start:end] + after, _merged(inside))


def locator(term: Term) -> str:
    """Give the regular expression by which PostgreSQL finds a term in a long text as it is written.

    It knows the forms of a letter, and the marks that are dropped. What it misses (letters that
    become two) costs the place: such a text is shown from its beginning.
    """
    words = [token.text if token.is_run else token.text[:WORD] for token in term.tokens]
    found = f"{bracket(SEPARATORS)}+".join(
        "".join(_forms(letter) for letter in word) for word in words
    )
    outside = bracket((*SEPARATORS, *RUNS))
    if not term.tokens[0].is_run:
        found = f"(?:^|{outside}){found}"
    if not (term.tokens[-1].is_run or term.is_prefix or len(words[-1]) == WORD):
        found = f"{found}(?:$|{outside})"
    return found


@cache
def _forms(letter: str) -> str:
    forms = {letter, letter.upper(), *_sources().get(letter, ())}
    inner = "".join(rf"\U{ord(form):08x}" for form in sorted(forms) if len(form) == 1)
    return f"[{inner}]{bracket(DROPPED)}*"


@cache
def _sources() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for part in (*_LETTERS, *_FORMS):
        for code in part:
            found.setdefault(fold(chr(code)), []).append(chr(code))
    return found


def _hits(text: str, terms: Sequence[Term], *, start: int, end: int) -> list[tuple[int, int, int]]:
    """Give the hits between two places, with the number of their term; at a cut none is whole."""
    form = folded(text)
    found: list[tuple[int, int, int]] = []
    for number, term in enumerate(terms):
        for match in term.mark.finditer(form.text):
            one, two = form.span(*match.span())
            if one >= start and two <= end:
                found.append((one, two, number))
                if len(found) >= _HITS * (number + 1):
                    break
    return sorted(found)


def _window(text: str, hits: Sequence[tuple[int, int, int]]) -> Span:
    """Give where the part begins and ends: at spaces, where there are some nearby."""
    first = _best(hits)
    start, hit_end = (0, 0) if first is None else first[:2]
    begin = max(0, start - _BEFORE)
    if begin > 0:
        space = re.search(r"\s", text[begin:start])
        if space is not None:
            begin += space.end()
        while 0 < begin < start and joins(text[begin]):
            begin += 1
    end = min(max(begin + LENGTH, hit_end), begin + MAX_LENGTH - 2 * len(_MORE), len(text))
    if end < len(text):
        least = max(hit_end, end - _EDGE)
        space = max((text.rfind(blank, least, end) for blank in " \n\t\u3000"), default=-1)
        end = space if space > begin else end
        while end > hit_end and joins(text[end]):
            end -= 1
    return begin, end


def _best(hits: Sequence[tuple[int, int, int]]) -> tuple[int, int, int] | None:
    """Give the hit at which the part with the most different terms begins, the first such."""
    if not hits:
        return None
    wanted = len({number for _, _, number in hits})
    best, most = hits[0], 0
    for place, hit in enumerate(hits):
        seen: set[int] = set()
        for _, end, number in hits[place:]:
            if end > hit[0] + LENGTH - _BEFORE:
                break
            seen.add(number)
        if len(seen) > most:
            best, most = hit, len(seen)
        if most == wanted:
            break
    return best


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
