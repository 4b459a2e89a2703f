"""Results as the JSON of one search, in the seed's words, for the column `results`.

`SerperTool.SearchResult` of the seed's TypeScript is an object whose `organic` is the list of what
was found, so that is what stands there: code of the seed reads a row that we wrote. What we need
beside it stands under `chatkeep`, which no provider uses.

jsonb has no NUL. Where a text holds one, the column shows U+FFFD in its place, and `chatkeep.exact`
holds the document as it was: nothing is lost, and what the seed's code sees is readable.
"""

import base64
import re
from typing import Any, NamedTuple

import msgspec

from chatkeep.cache.entries import Entry
from chatkeep.cache.frozen import frozen_dict
from chatkeep.records.search_cache import SearchResult

VERSION = 1
LIST, OWN, REST = "organic", "chatkeep", "extra"
_NAMES = frozenset({"title", "link", "snippet", "position", "date", REST})
_TEXT, _WHOLE = (str, type(None)), (int, type(None))
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # but not a backslash of its own before u0000


class Document(NamedTuple):
    """What a document says; the times of an entry are columns beside it."""

    results: tuple[SearchResult, ...]
    extra: bytes
    failure: str | None
    took: float
    expires_at: float | None
    size: int


class _Own(msgspec.Struct, rename="camel", omit_defaults=True):
    version: int
    took: float = 0.0
    failure: str | None = None
    expires_at: float | None = None
    exact: str = ""
    extra: dict[str, msgspec.Raw] | None = None


_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_found = msgspec.json.Decoder(list[dict[str, Any]]).decode
_own = msgspec.json.Decoder(_Own).decode


def written(entry: Entry) -> str:
    """Give the document of an entry.

    Raises:
        ValueError: A text is no Unicode, or `extra` is no JSON object.
    """
    own = _Own(VERSION, entry.took, entry.failure)
    if entry.failure is not None:
        own.expires_at = entry.expires_at
    document: dict[str, Any] = {LIST: [_plain(result) for result in entry.results]}
    if entry.extra:
        rest = _members(entry.extra)
        taken = {name: rest.pop(name) for name in (LIST, OWN) if name in rest}
        own.extra = taken or None
        document |= rest
    document[OWN] = own
    data = _encode(document)
    text = data.decode()
    if "\\u0000" not in text or not _NUL.search(text):
        return text
    shown = _members(_NUL.sub(r"\1\\ufffd", text))
    shown[OWN] = msgspec.Raw(_encode(_Own(VERSION, exact=base64.b64encode(data).decode())))
    return _encode(shown).decode()


def read(text: str) -> Document:
    """Give what a document says.

    Raises:
        ValueError: It is of another version, or no document.
        LookupError: It lacks something.
        msgspec.MsgspecError: Something in it is not of its type.
    """
    members = _members(text)
    own = _own(members.pop(OWN))
    if own.exact:
        members = _members(base64.b64decode(own.exact))
        own = _own(members.pop(OWN))
    if own.version != VERSION:
        raise ValueError("another version")
    results = tuple([_result(one) for one in _found(members.pop(LIST))])
    members.update(own.extra or {})
    extra = _encode(members) if members else b""
    return Document(results, extra, own.failure, own.took, own.expires_at, len(text))


def _plain(result: SearchResult) -> dict[str, Any]:
    plain: dict[str, Any] = {"title": result.title, "link": result.link}
    if result.snippet is not None:
        plain["snippet"] = result.snippet
    if result.position is not None:
        plain["position"] = result.position
    if result.date is not None:
        plain["date"] = result.date
    if result.extra:
        # Beside the rest, as the provider had it; apart only where a name is taken.
        is_taken = not _NAMES.isdisjoint(result.extra)
        plain |= {REST: result.extra} if is_taken else result.extra
    return plain


def _result(found: dict[str, Any]) -> SearchResult:
    pop = found.pop
    title, link = pop("title"), pop("link")
    snippet, position, date = pop("snippet", None), pop("position", None), pop("date", None)
    # Decoding straight into records would check this, but drop what has no field in them.
    if not (type(title) is type(link) is str and type(position) in _WHOLE):
        raise ValueError("a result of another shape")
    if not (type(snippet) in _TEXT and type(date) in _TEXT):
        raise ValueError("a result of another shape")
    rest = pop(REST) if REST in found else found
    if type(rest) is not dict:
        raise ValueError("a result of another shape")
    return SearchResult(title, link, snippet, position, date, frozen_dict(rest))
