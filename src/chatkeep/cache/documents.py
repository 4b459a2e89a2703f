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
from chatkeep.cache.frozen import EMPTY, frozen_dict
from chatkeep.records.search_cache import SearchResult

VERSION = 1
LIST, OWN, REST = "organic", "chatkeep", "extra"
_NAMES = frozenset({"title", "link", "snippet", "position", "date", REST})
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")  # but not a backslash of its own before u0000


class Document(NamedTuple):
    """What a document says; the times of an entry are columns beside it."""

    results: tuple[SearchResult, ...]
    extra: bytes
    failure: str | None
    took: float
    expires_at: float | None
    size: int


class _Known(msgspec.Struct, gc=False):
    title: str
    link: str
    snippet: str | None = None
    position: int | None = None
    date: str | None = None


class _Own(msgspec.Struct, rename="camel", omit_defaults=True):
    version: int
    took: float = 0.0
    failure: str | None = None
    expires_at: float | None = None
    exact: str = ""
    rich: list[int] = []
    extra: dict[str, msgspec.Raw] | None = None


_encode = msgspec.json.Encoder().encode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_known = msgspec.json.Decoder(list[_Known]).decode
_each = msgspec.json.Decoder(list[msgspec.Raw]).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode
_own = msgspec.json.Decoder(_Own).decode


def written(entry: Entry) -> str:
    """Give the document of an entry.

    Raises:
        ValueError: A text is no Unicode, or `extra` is no JSON object.
    """
    own = _Own(VERSION, entry.took, entry.failure)
    own.rich = [at for at, result in enumerate(entry.results) if result.extra]
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
    found = members.pop(LIST)
    # Not straight into records: each would have a dictionary of its own, for anybody to change.
    results = [
        SearchResult(one.title, one.link, one.snippet, one.position, one.date, EMPTY)
        for one in _known(found)
    ]
    if own.rich:
        every = _each(found)
        for at in own.rich:
            one = results[at]
            results[at] = SearchResult(
                one.title, one.link, one.snippet, one.position, one.date, _rest(_object(every[at]))
            )
    members.update(own.extra or {})
    extra = _encode(members) if members else b""
    return Document(tuple(results), extra, own.failure, own.took, own.expires_at, len(text))


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


def _rest(found: dict[str, Any]) -> dict[str, Any]:
    if REST in found:
        return frozen_dict(msgspec.convert(found[REST], dict[str, Any]))
    return frozen_dict({name: found[name] for name in found if name not in _NAMES})
