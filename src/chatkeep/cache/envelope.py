"""An entry as bytes, and back: three bytes of version, then MessagePack, whose reading costs least.

What a search gave in fields that we do not know stays JSON in there: its numbers may be of any size.
"""

from typing import Any

import msgspec

from chatkeep.cache.entries import Entry, Key
from chatkeep.cache.frozen import EMPTY, frozen_dict
from chatkeep.records.search_cache import SearchResult

VERSION = b"ck1"

_Fields = tuple[str, str, str | None, int | None, str | None, bytes]


class UnreadableEntryError(Exception):
    """What was kept is no entry of this version, or another key's. A miss, and worth a line."""


class _Envelope(msgspec.Struct, array_like=True, gc=False):
    key: bytes
    fetched_at: float
    expires_at: float
    stale_until: float
    took: float
    failure: str | None
    results: list[_Fields]
    extra: bytes


_packed = msgspec.msgpack.Encoder().encode
_unpacked = msgspec.msgpack.Decoder(_Envelope).decode
_json = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, Any]).decode
_BROKEN = (msgspec.MsgspecError, ValueError, RecursionError)


def sealed(key: Key, entry: Entry) -> bytes:
    """Give the bytes of an entry. Its results and extra must be JSON, as `parsing` made them."""
    return VERSION + _packed(
        _Envelope(
            key.hash,
            entry.fetched_at,
            entry.expires_at,
            entry.stale_until,
            entry.took,
            entry.failure,
            [
                (
                    one.title,
                    one.link,
                    one.snippet,
                    one.position,
                    one.date,
                    _json(one.extra) if one.extra else b"",
                )
                for one in entry.results
            ],
            entry.extra,
        )
    )


def opened(key: Key, data: object) -> Entry:
    """Give the entry of these bytes.

    Raises:
        UnreadableEntryError: They are none of this version, or another key's; says which, and
            never what they hold.
    """
    if not isinstance(data, bytes):
        raise UnreadableEntryError(f"it is a {type(data).__name__}")
    if not data.startswith(VERSION):
        raise UnreadableEntryError("it has another version, or none")
    try:
        kept = _unpacked(memoryview(data)[len(VERSION) :])
        results = [
            SearchResult(
                title, link, snippet, position, date, frozen_dict(_object(rest)) if rest else EMPTY
            )
            for title, link, snippet, position, date, rest in kept.results
        ]
    except _BROKEN as exc:
        raise UnreadableEntryError(f"it cannot be decoded: {type(exc).__name__}") from None
    if kept.key != key.hash:
        raise UnreadableEntryError("it is another key's")
    return Entry(
        tuple(results),
        kept.extra,
        kept.fetched_at,
        kept.expires_at,
        kept.stale_until,
        kept.failure,
        len(data),
        kept.took,
    )


def extra_of(entry: Entry) -> dict[str, Any]:
    """Give what the search gave beside its results; it cannot be changed.

    Raises:
        UnreadableEntryError: It is no JSON object.
    """
    if not entry.extra:
        return EMPTY
    try:
        return frozen_dict(_object(entry.extra))
    except _BROKEN as exc:
        raise UnreadableEntryError(f"its extra cannot be decoded: {type(exc).__name__}") from None
