"""Regular expressions of PostgreSQL that find a term in a text as it is written.

A letter of a term stands for every character that is folded to it. One expression tells where a hit
begins in a long text (`locator`). Others leave out, before texts are folded, what cannot have a term
(`sieves`): they may let too much through, and never too little.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from chatkeep.access.search_folding import fold, is_letter, joins
from chatkeep.access.search_terms import Term
from chatkeep.presets.deepsearch.searching import (
    DROPPED,
    LONGER,
    MARKS,
    RUNS,
    SEPARATORS,
    WORD,
    bracket,
)

_SIEVED = 4  # tokens, the longest: PostgreSQL keeps so many compiled expressions only
_LETTERS = 16  # of each of these

# Where characters are that are folded to others; the rest is Chinese, Hangul and what is unassigned.
# A test looks at every character.
_CHANGED = (
    *(range(0x41, 0x5B), range(0x80, 0x3400), range(0xA640, 0xAC00), range(0xF900, 0x10000)),
    *(range(0x10780, 0x107BB), range(0x1D15E, 0x1D800), range(0x1EE00, 0x1EEBC)),
    *(range(0x1F100, 0x1F252), range(0x1FBF0, 0x1FBFA), range(0x2F800, 0x2FA1E)),
)
# Where those are that become two letters often enough to be looked for at once.
_PAIRED = (range(0x80, 0x2000), range(0xFB00, 0xFE00), range(0xFE70, 0xFF00))

_BETWEEN, _OUTSIDE, _DROPPED = map(bracket, (SEPARATORS, (*SEPARATORS, *RUNS), DROPPED))


class _Sources(NamedTuple):
    """What characters are folded to.

    Attributes:
        letters: For each letter the other characters that become it.
        pairs: For two letters the characters that become both.
        several: For each letter the characters that become several with it among them, and these.
        uneasy: Characters that may become one with what stands before them, as a bracket has them.
    """

    letters: Mapping[str, str]
    pairs: Mapping[str, str]
    several: Mapping[str, Sequence[tuple[str, str]]]
    uneasy: str


def locator(term: Term) -> str:
    """Give the expression that finds where a term begins.

    What it finds is a hit; what it misses (letters that become several in an unusual way) is looked
    for in pieces of the text. Of a long term it looks for the first letters.
    """
    parts: list[str] = []
    rest = WORD
    for number, token in enumerate(term.tokens):
        if number:
            has_gap = token.is_run == term.tokens[number - 1].is_run
            parts.append(_BETWEEN + ("+" if has_gap else "*"))
        word = token.text[:rest]
        parts.append("".join(_written(word)))
        rest -= len(word)
        if rest <= 0:
            break
    if not term.tokens[0].is_run:
        parts.insert(0, f"(?:^|{_OUTSIDE})")
    if rest > 0 and not (term.tokens[-1].is_run or term.is_prefix):
        parts.append(f"(?:$|{_OUTSIDE})")
    return "".join(parts)


def sieves(terms: Sequence[Term]) -> list[str]:
    """Give expressions that a text matches if it has the terms."""
    tokens = {
        token: not (token.is_run or (term.is_prefix and token is term.tokens[-1]))
        for term in terms
        for token in term.tokens
    }
    longest = sorted(tokens, key=lambda token: -len(token.text))[:_SIEVED]
    return [
        _sieve(token.text[:_LETTERS], is_whole=tokens[token] and len(token.text) <= _LETTERS)
        for token in longest
    ]


def _sieve(word: str, *, is_whole: bool) -> str:
    sources = _sources()
    several = {
        character
        for letter in set(word)
        for character, form in sources.several.get(letter, ())
        # What becomes letters alone is no part of a whole word that it is not within.
        if not is_whole or form in word or not all(map(is_letter, form))
    }
    uneasy = "".join(sorted(several))
    return f"{''.join(map(_form, word))}|[{sources.uneasy}{uneasy}]"


def _written(word: str) -> Iterator[str]:
    """Give what stands for one or two letters each."""
    place, pairs = 0, _sources().pairs
    while place < len(word):
        pair = word[place : place + 2]
        if pair in pairs:
            yield f"(?:{_composed(pair[0])}{_composed(pair[1])}|[{pairs[pair]}]{_DROPPED}*)"
        else:
            yield _composed(pair[0])
        place += 2 if pair in pairs else 1


@cache
def _composed(letter: str) -> str:
    """Give the forms of a letter, also where it is written as several."""
    parts = unicodedata.normalize("NFD", letter)
    if parts == letter:
        return _form(letter)
    return f"(?:{_form(letter)}|{''.join(map(_form, parts))})"


@cache
def _form(letter: str) -> str:
    return f"[{letter}{_sources().letters.get(letter, '')}]{_DROPPED}*"


@cache
def _sources() -> _Sources:
    letters: dict[str, str] = {}
    pairs: dict[str, str] = {}
    several: dict[str, list[tuple[str, str]]] = {}
    uneasy = {code for first, last in MARKS for code in range(first, last + 1)}
    for code in chain.from_iterable(_CHANGED):
        character = chr(code)
        form = fold(character)
        if joins(character):
            uneasy.add(code)
        if form == character:
            continue
        if len(form) > 1:
            for letter in set(form):
                several.setdefault(letter, []).append((character, form))
        if len(form) == 1:
            letters[form] = letters.get(form, "") + character
        elif len(form) == 2 and any(code in part for part in _PAIRED):
            pairs[form] = pairs.get(form, "") + character
    # What becomes two letters in a language goes before the ligatures of print.
    usual = {pair for _, pair in LONGER}
    pairs = {
        pair: found
        for pair, found in pairs.items()
        if pair in usual or not any(pair[1] == other[0] for other in usual)
    }
    dropped = {code for first, last in DROPPED for code in range(first, last + 1)}
    return _Sources(letters, pairs, several, _ranges(sorted(uneasy - dropped)))


def _ranges(codes: Sequence[int]) -> str:
    """Give the inside of a bracket expression."""
    found: list[list[int]] = []
    for code in codes:
        if found and code == found[-1][1] + 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return "".join(
        rf"\U{one:08x}" if one == two else rf"\U{one:08x}-\U{two:08x}" for one, two in found
    )
