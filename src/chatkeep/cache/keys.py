"""Which searches are the same one."""

import json
import marshal
import unicodedata
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from chatkeep.cache.entries import Key
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.text import first_fault, first_non_json

KEY_VERSION = b"1"  # of the rules below: another one, and nothing that was kept is found again
LONGEST_NAME = 100
_PASSES = 4  # casefold may undo NFKC and the other way round; letters that need three are not known
_REMEMBERED = 4096
_LONGEST_REMEMBERED = 2048


def normalised(query: str) -> str:
    """Give the query as it is compared: NFKC, without letter case, one space between words."""
    folded = query
    for _ in range(_PASSES):
        before, folded = folded, unicodedata.normalize("NFKC", folded).casefold()
        if folded == before:
            break
    return " ".join(folded.split())


def make_key(query: object, provider: object, locale: object, options: object | None = None) -> Key:
    """Give the key of a search.

    Two searches are the same one when provider and locale are equal, the queries are up to letter
    case, white space and forms of the same letter, and the options are equal as JSON. There the
    order of names does not matter, and 1, 1.0 and true differ.

    Raises:
        InvalidInputError: The query is no text or empty, provider or locale is not 1 to 100
            characters, an option is no JSON, or text holds NUL or half of a surrogate pair.
    """
    text = _text(query, "query")
    words = normalised(text)
    if not words:
        raise InvalidInputError("query is empty.", field="query")
    provider, locale = _name(provider, "provider"), _name(locale, "locale")
    digest = sha256()
    for part in (KEY_VERSION, provider, locale, canonical(options), words):
        encoded = part if isinstance(part, bytes) else part.encode()
        digest.update(len(encoded).to_bytes(8, "big"))  # so that no two parts run into one another
        digest.update(encoded)
    return Key(digest.digest(), text.strip(), provider, locale)


def canonical(options: object | None) -> bytes:
    """Give options as JSON with sorted names; None and no options at all are the same.

    Raises:
        InvalidInputError: They are no mapping from text to JSON.
    """
    if options is None:
        return b"{}"
    if not isinstance(options, Mapping):
        raise InvalidInputError(
            f"options must be a mapping, not a {type(options).__name__}.", field="options"
        )
    fault = first_non_json(options) or first_fault(options)
    if fault is not None:
        raise InvalidInputError(
            f"options were refused: {fault.problem}.", field=f"options{fault.path}"
        )
    try:
        return json.dumps(_plain(options), sort_keys=True, separators=(",", ":")).encode()
    except ValueError as exc:  # a number of thousands of digits
        raise InvalidInputError("options hold a number that is too long.", field="options") from exc


class Keys:
    """Makes keys, and remembers those of short queries that were asked lately."""

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._known: OrderedDict[tuple[Any, ...], Key] = OrderedDict()
        self._most = remembered

    def of(
        self,
        query: str,
        provider: str = "serper",
        locale: str = "en",
        options: Mapping[str, Any] | None = None,
    ) -> Key:
        """Give the key of a search; see `make_key`.

        Raises:
            InvalidInputError: As `make_key`.
        """
        try:
            asked = (query, provider, locale, None if options is None else _told(options))
            key = self._known[asked]
        except (KeyError, TypeError, ValueError):
            return self._make(query, provider, locale, options)
        self._known.move_to_end(asked)
        return key

    def _make(
        self, query: str, provider: str, locale: str, options: Mapping[str, Any] | None
    ) -> Key:
        key = make_key(query, provider, locale, options)
        try:
            given = None if options is None else _told(options)
        except ValueError:  # a mapping of another class than dict
            return key
        if len(query) + len(given or b"") <= _LONGEST_REMEMBERED:
            self._known[query, provider, locale, given] = key
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return key


def _told(options: Any) -> bytes:  # noqa: ANN401 - whatever the caller gave
    """Give options as bytes, quickly: as they are and in their order, 1, 1.0 and true apart."""
    return marshal.dumps(options, 2)  # the version whose bytes do not tell who else has the object


def _plain(value: object) -> object:
    """Give mappings and sequences as the classes that `json` knows."""
    if isinstance(value, Mapping):
        return {str(name): _plain(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    return value


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(
            f"{field} must be a text, not a {type(value).__name__}.", field=field
        )
    fault = first_fault(value)
    if fault is not None:
        problem = fault.problem[:1].lower() + fault.problem[1:]
        raise InvalidInputError(f"{field} was refused: {problem}.", field=field)
    return value


def _name(value: object, field: str) -> str:
    text = _text(value, field)
    if not 0 < len(text) <= LONGEST_NAME:
        raise InvalidInputError(
            f"{field} must have 1 to {LONGEST_NAME} characters, not {len(text)}.", field=field
        )
    return text
