"""The words of constraints that SQLAlchemy has arguments for."""

import re

from chatkeep.kit.catalog.constraints import ForeignKey, Keyed

_KEYED_TAIL = re.compile(r"(?P<late> DEFERRABLE(?P<initially> INITIALLY DEFERRED)?)?\Z")
_FOREIGN_TAIL = re.compile(
    r"(?P<match> MATCH FULL)?(?: ON UPDATE [A-Z ]+?)?(?: ON DELETE [A-Z ]+?)?"
    r"(?P<late> DEFERRABLE(?P<initially> INITIALLY DEFERRED)?)?\Z"
)

Words = dict[str, str]
"""Arguments by name, as source."""


def keyed_words(fact: Keyed) -> Words | None:
    """Give what a primary key or unique constraint says beside its columns; None: too much."""
    words: Words = {}
    if fact.extra:
        plain = _unquoted(fact.definition)
        found = _KEYED_TAIL.match(plain.rpartition(")")[2])
        if found is None or "WITHOUT OVERLAPS" in plain or " WITH (" in plain:
            return None
        words = _late(found)
    return None if fact.include else words


def foreign_key_words(fact: ForeignKey) -> Words | None:
    """Give what a foreign key says beside its columns and actions; None: too much."""
    if not fact.extra:
        return {}
    plain = _unquoted(fact.definition)
    found = _FOREIGN_TAIL.match(plain.partition("REFERENCES ")[2].partition(")")[2])
    if found is None or "PERIOD " in plain:
        return None
    match = {"match": '"FULL"'} if found["match"] else {}
    return {**match, **_late(found)}


def _late(found: re.Match[str]) -> Words:
    words: Words = {"deferrable": "True"} if found["late"] else {}
    return {**words, "initially": '"DEFERRED"'} if found["initially"] else words


def _unquoted(text: str) -> str:
    """Leave quoted names out, so that brackets and words in them mean nothing."""
    return "".join(text.split('"')[::2])
