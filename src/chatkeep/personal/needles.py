"""How an id or an e-mail may be spelled in a text: regular expressions of PostgreSQL's, for `~*`.

Three of them, for three purposes. What is looked for anywhere finds `ada@x.org` in `nada@x.org`
too: a proof must not pass over anything. What is replaced or deleted has edges, so that nobody
else's address counts for this person's.
"""

import unicodedata
from collections.abc import Iterable, Iterator

# Of fewer characters an id may be a piece of another word, or a word; of fewer than the second a
# piece of another id.
SHORT, LONG = 20, 32

NOTHING = r"\A\Z(?=.)"  # finds nothing

# Letters of scripts that put spaces between words. Chinese or Japanese ends where Latin begins.
_LETTER = r"0-9a-z\u00c0-\u024f\u0370-\u052f\u1e00-\u1eff"
# What may end before the needle: escapes of JSON, of PostgreSQL's bytea and of URLs are no letters.
_ESCAPES = (r"\\[bfnrt]", r"\\u[0-9a-f]{4}", r"\\[0-7]{3}", "%[0-9a-f]{2}")
_FILES = (
    "avif|bak|bmp|csv|docx?|eml|gif|gz|html?|ico|ics|jpe?g|jsonl?|log|mp[34]|pdf|png|pptx?|svg|"
    "tiff?|tsv|txt|vcf|wav|webm|webp|xlsx?|xml|ya?ml|zip"
)


def anywhere(needles: Iterable[str]) -> str:
    """Give what finds each needle wherever it stands, in bytes written as hex too.

    A short id is looked for as a whole word: `u1` is in every second text.
    """
    return "|".join(_anywhere(each) for each in needles) or NOTHING


def alone(needles: Iterable[str], *, strictly: bool = False) -> str:
    """Give what finds each needle by itself and nothing around it; short ids not at all.

    Args:
        needles: Ids and e-mails.
        strictly: Take `cache_ada@x.org` and `ada@x.org-old` for other addresses.
    """
    found = (_alone(each, strictly=strictly) for each in needles if not is_short(each))
    return "|".join(found) or NOTHING


def certain(needles: Iterable[str]) -> str:
    """Give what finds each needle by itself, as words or in bytes."""
    found = (f"{_alone(each)}|{_hex(each)}" for each in needles if not is_short(each))
    return "|".join(found) or NOTHING


def is_short(needle: str) -> bool:
    """Say whether it is an id of so few characters that it may be a word of anybody's."""
    return "@" not in needle and len(needle) < SHORT


def _anywhere(needle: str) -> str:
    if not is_short(needle):
        return f"{_spelled(needle)}|{_hex(needle)}"
    # Not looking behind makes it a hundred times faster; what is found has its neighbours with it.
    return rf"(?:^|[^{_LETTER}_-]|{'|'.join(_ESCAPES)}){_spelled(needle)}(?:$|[^{_LETTER}_-])"


def _alone(needle: str, *, strictly: bool = False) -> str:
    escapes = "|".join(f"(?<={each})" for each in _ESCAPES)
    if "@" in needle:
        # ada@x.org is not in nada@x.org, l.ada@x.org or ada@x.org.uk, but it is in <ada@x.org>,
        # _ada@x.org_ and ada@x.org.png.
        joined = "._-" if strictly else "."
        domain = "" if strictly else "[a-z0-9-]*[.]"
        before = rf"(?:{escapes}|(?<![{_LETTER}+])(?<![{_LETTER}][{joined}]))"
        no_file = rf"(?!(?:{_FILES})(?![{_LETTER}]))"
        after = rf"(?![{_LETTER}])(?!-{domain}[{_LETTER}])(?![.]{no_file}[{_LETTER}])"
        return before + _spelled(needle) + after
    if len(needle) >= LONG:
        return _spelled(needle)
    return rf"(?:{escapes}|(?<![{_LETTER}])){_spelled(needle)}(?![{_LETTER}])"


def _hex(needle: str) -> str:
    """Give the needle in the digits with which PostgreSQL writes bytes within other types."""
    return "".join(_either(_bytes(letter)) for letter in _letters(needle))


def _bytes(letter: str) -> Iterator[str]:
    for text in _spellings(letter):
        yield text.encode().hex()


def _spelled(needle: str) -> str:
    return "".join(_either(_written(letter)) for letter in _letters(needle))


def _letters(needle: str) -> str:
    return unicodedata.normalize("NFC", needle)


def _spellings(letter: str) -> list[str]:
    """Give a letter small, large, and in parts where it has any."""
    cases = dict.fromkeys((letter, letter.lower(), letter.upper()))
    return list(dict.fromkeys(x for c in cases for x in (c, unicodedata.normalize("NFD", c))))


def _written(letter: str) -> Iterator[str]:
    if ord(letter) > 127:
        yield letter
    for text in _spellings(letter):
        yield "".join(_either(_forms(each)) for each in text)


def _either(forms: Iterable[str]) -> str:
    return f"(?:{'|'.join(dict.fromkeys(forms))})"


def _forms(letter: str) -> Iterator[str]:
    """Give a letter as it may stand in texts, in JSON of any writer, in bytes, URLs and HTML."""
    code = ord(letter)
    if code > 127:
        # By its number: the database's encoding need not have the letter.
        yield f"\\U{code:08x}"
        yield "".join(rf"\\+{byte:03o}" for byte in letter.encode())
        yield "".join(rf"%(?:25)*{byte:02x}" for byte in letter.encode())
    else:
        yield letter.lower() if letter.isalnum() else f"\\{letter}"
    units = letter.encode("utf-16-be")
    yield "".join(rf"\\+u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
    if code < 128 and not letter.isalnum():
        yield f"%(?:25)*{code:02x}"
        yield f"&#(?:0*{code}|x0*{code:x});"
