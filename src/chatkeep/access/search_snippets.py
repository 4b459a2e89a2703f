"""The text around a hit, and where in it the hits are."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from chatkeep.access.search_folding import Folded, folded, joins
from chatkeep.access.search_queries import PIECE
from chatkeep.access.search_terms import Term

LENGTH = 240
"""Characters of a snippet, as a rule; a long hit makes it longer."""
MAX_LENGTH = 320

_BEFORE = 60
_EDGE = 30  # so far the nearest space may be
_TRIED = 5  # hits of each term, of which the best place is chosen
_SHOWN = MAX_LENGTH
_MORE = "…"

_BLANK = re.compile(r"\s")

Span = tuple[int, int]
Hit = tuple[int, int, int]  # where it begins, where it ends, and the number of its term


class Snippet(NamedTuple):
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
    form = folded(text)
    first, last = int(is_open), len(text) - goes_on  # at a cut no hit is whole
    hits, has_more = _hits(form, terms, 0, _TRIED)
    if is_open or goes_on:
        hits = [hit for hit in hits if first <= hit[0] and hit[1] <= last]
    start, end = _window(text, _best(hits))
    if has_more:
        hits, _ = _hits(form, terms, form.place(start), _SHOWN, end)
    before = _MORE if start > 0 or is_open else ""
    after = _MORE if end < len(text) or goes_on else ""
    shift, first = len(before) - start, max(start, first)
    spans = [
        (one + shift, min(two, end) + shift)
        for one, two, _ in hits
        if first <= one < end and two <= last
    ]
    return Snippet(before + text[start:end] + after, _merged(spans))


def _hits(
    form: Folded, terms: Sequence[Term], start: int, number: int, end: int | None = None
) -> tuple[list[Hit], bool]:
    """Give the first hits of each term from a place of the folded text on, and whether there may be more.

    Args:
        form: The text, folded.
        terms: What was searched for.
        start: In the folded text.
        number: At most so many of each term.
        end: In the text; None for all of it.
    """
    found: list[Hit] = []
    has_more = False
    for index, term in enumerate(terms):
        place = start
        for _ in range(number):
            hit = term.find_in(form.text, place)
            if hit is None:
                break
            one, two = form.span(*hit)
            if end is not None and one >= end:
                break
            found.append((one, two, index))
            place = hit[1]
        else:
            has_more = True
    found.sort()
    return found, has_more


def _window(text: str, hit: Hit | None) -> Span:
    """Give where the part begins and ends: at spaces, where there are some nearby."""
    start, hit_end = (0, 0) if hit is None else hit[:2]
    begin = max(0, start - _BEFORE)
    if begin > 0:
        space = _BLANK.search(text, begin, start)
        if space is not None:
            begin = space.end()
        while 0 < begin < start and joins(text[begin]):
            begin += 1
    end = min(max(begin + LENGTH, hit_end), begin + MAX_LENGTH - 2 * len(_MORE), len(text))
    if end < len(text):
        least = max(hit_end, end - _EDGE)
        space = text.rfind(" ", least, end)
        if space < 0:
            space = max(text.rfind(blank, least, end) for blank in "\n\t\u3000")
        end = space if space > begin else end
        while end > hit_end and joins(text[end]):
            end -= 1
    return begin, end


def _best(hits: Sequence[Hit]) -> Hit | None:
    """Give the hit at which the part with the most different terms begins, the first such."""
    if not hits:
        return None
    if len(hits) == 1:
        return hits[0]
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
    if len(spans) < 2:
        return list(spans)
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
