"""What somebody typed to search for, read into terms.

Words, "phrases in quotes", the beginning of a word (`post*`), and without (`-word`, `-"a phrase"`).
All terms that are not excluded must be there.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from chatkeep.access.search_folding import RUN, SEPARATOR, fold, is_run, key_of
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.text import first_fault
from chatkeep.presets.deepsearch.searching import WORD

MAX_QUERY = 1000
MAX_TERMS = 32

_PAIRS = 32  # of a run; longer ones are looked at in the text anyway
_CLOSING = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」"}
_TOKEN = re.compile(f"[^{RUN}{SEPARATOR}]+|(?:(?![{SEPARATOR}])[{RUN}])+")
_LETTER = f"[^{RUN} ]"  # of a word, in a folded text, where a space is what separates
_BARE = re.compile(f"^[{SEPARATOR}]+|[{SEPARATOR}]+$")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or a run of characters of a script without spaces."""

    text: str
    is_run: bool


@dataclass(frozen=True)
class Term:
    """Tokens that stand beside each other.

    Attributes:
        typed: As it was typed, in small letters.
        tokens: At least one.
        is_prefix: The last one may go on.
        is_excluded: What has it is not wanted.
    """

    typed: str
    tokens: Sequence[Token]
    is_prefix: bool
    is_excluded: bool

    @cached_property
    def is_checked(self) -> bool:
        """Whether the index alone cannot tell: several tokens, or a run that is longer than two."""
        return len(self.tokens) > 1 or (self.tokens[0].is_run and len(self.tokens[0].text) > 2)

    @cached_property
    def pattern(self) -> str:
        """What is LIKE the canonical form of a text that has it."""
        first, last = self.tokens[0], self.tokens[-1]
        before = "%" if first.is_run else "% "
        after = "%" if last.is_run or self._is_open else " %"
        # A canonical form has neither percent signs nor underscores nor backslashes.
        words = [token.text for token in self.tokens]
        if self._is_open:
            words[-1] = words[-1][:WORD]
        return before + " ".join(words) + after

    def find_in(self, text: str, start: int = 0) -> tuple[int, int] | None:
        """Give where it stands next in a folded text with spaces for separators, and where it ends."""
        found = self._regex.search(text, start)
        return None if found is None else found.span()

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        parts = [] if self.tokens[0].is_run else [f"(?<!{_LETTER})"]
        for number, token in enumerate(self.tokens):
            is_last = number == len(self.tokens) - 1
            if number:
                parts.append(" *" if token.is_run != self.tokens[number - 1].is_run else " +")
            parts.append(re.escape(token.text if token.is_run else token.text[:WORD]))
            if token.is_run:
                parts.append("" if is_last else f"(?![{RUN}])")
            elif len(token.text) >= WORD or (is_last and self.is_prefix):
                parts.append(f"{_LETTER}*+")
            else:
                parts.append(f"(?!{_LETTER})")
        return re.compile("".join(parts))

    def lexemes(self, key: str) -> list[str]:
        """Give what a message that has it has in the index, each as tsquery writes it."""
        found: list[str] = []
        for token in self.tokens:
            text = token.text
            if not token.is_run:
                is_open = self.is_prefix and token is self.tokens[-1]
                found.append(_quoted(key + text[:WORD]) + ":*" * is_open)
            elif len(text) == 1:
                found.append(_quoted(key + text) + ":*")
            else:
                pairs = dict.fromkeys(text[n : n + 2] for n in range(len(text) - 1))
                found += [_quoted(key + pair) for pair in list(pairs)[:_PAIRS]]
        return found

    @property
    def _is_open(self) -> bool:
        """Whether its last word may go on; also where it is as long as the index keeps words."""
        last = self.tokens[-1]
        return not last.is_run and (self.is_prefix or len(last.text) > WORD)


@dataclass(frozen=True)
class Terms:
    """A query, read.

    Attributes:
        wanted: What must be there; at least one.
        excluded: What must not.
    """

    wanted: tuple[Term, ...]
    excluded: tuple[Term, ...]

    def tsquery(self, owner: str) -> str:
        """Give the text of the tsquery that finds all candidates in the index."""
        key = key_of(owner)
        parts = dict.fromkeys(lexeme for term in self.wanted for lexeme in term.lexemes(key))
        without = dict.fromkeys(
            f"!{lexeme}"
            for term in self.excluded
            if not term.is_checked
            for lexeme in term.lexemes(key)
        )
        return " & ".join([*parts, *without])

    def checks(self, *, is_whole: bool = False) -> tuple[list[str], list[str]]:
        """Give the patterns that the canonical form of a hit is like, and those that it is not.

        Args:
            is_whole: For all terms, where no index was asked; else for those that the index cannot
                tell.
        """
        wanted = [term.pattern for term in self.wanted if is_whole or term.is_checked]
        excluded = [term.pattern for term in self.excluded if is_whole or term.is_checked]
        return wanted, excluded

    def parts(self) -> list[str]:
        """Give patterns that the ASCII text of a hit is like in small letters; cheap to look for."""
        texts = dict.fromkeys(token.text[:WORD] for term in self.wanted for token in term.tokens)
        if not all(text.isascii() for text in texts):
            return [""]  # no text of ASCII has them
        return [f"%{text}%" for text in texts]


def read_query(query: object) -> Terms:
    """Read what somebody typed.

    Raises:
        InvalidInputError: It is no text, too long, has too many terms, or nothing to search for.
    """
    if not isinstance(query, str):
        raise _refused(f"a text, not a {type(query).__name__}")
    if len(query) > MAX_QUERY:
        raise _refused(f"at most {MAX_QUERY} characters long")
    fault = first_fault(query)
    if fault is not None:
        raise InvalidInputError(f"search: {fault.problem}.", field="query")
    terms = list(dict.fromkeys(_terms(query)))
    if len(terms) > MAX_TERMS:
        raise _refused(f"of at most {MAX_TERMS} words and phrases")
    wanted = tuple(term for term in terms if not term.is_excluded)
    if not wanted:
        raise InvalidInputError(
            "search: the query has no word to search for.",
            hint="Letters, digits, emoji; what is excluded with - is not enough.",
            field="query",
        )
    return Terms(wanted, tuple(term for term in terms if term.is_excluded))


def _terms(query: str) -> Iterator[Term]:
    place, length = 0, len(query)
    while place < length:
        if query[place].isspace():
            place += 1
            continue
        is_excluded = query[place] == "-"
        place += is_excluded
        if place < length and query[place] in _CLOSING:
            closing = _CLOSING[query[place]]
            start = place = place + 1
            while place < length and query[place] not in closing:
                place += 1
            typed = query[start:place]
            place += 1
        else:
            start = place
            while place < length and not query[place].isspace() and query[place] != '"':
                place += 1
            typed = query[start:place]
        is_prefix = typed.endswith("*")
        tokens = tuple(Token(text, is_run(text[0])) for text in _TOKEN.findall(fold(typed)))
        if tokens:
            bare = _BARE.sub("", typed).lower()
            # Nothing is left of what separates as it stands, and is a letter when decomposed: ①.
            bare = bare or " ".join(token.text for token in tokens)
            yield Term(bare, tokens, is_prefix, is_excluded)


def _quoted(lexeme: str) -> str:
    return "'" + lexeme + "'"  # it holds neither quotes nor backslashes: these separate


def _refused(what: str) -> InvalidInputError:
    return InvalidInputError(f"search: the query must be {what}.", field="query")
