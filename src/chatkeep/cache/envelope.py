"""An entry as bytes, and back: three bytes of version, then a JSON array."""

from typing import Any

import msgspec

from chatkeep.cache.entries import Entry, Key
from chatkeep.cache.frozen import EMPTY, frozen_dict
from chatkeep.records.search_cache import SearchResult

VERSION = b"ck1"

_Fields = tuple[str, str, str | None, int | None, str | None, dict[str, Any] | None]


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
    extra: msgspec.Raw


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Envelope)
_objects = msgspec.json.Decoder(dict[str, Any])
_NOTHING = msgspec.Raw(b"null")


def sealed(key: Key, entry: Entry) -> bytes:
    """Give the bytes of an entry. Its results and extra must be JSON, as `parsing` made them."""
    return VERSION + _encode(
        _Envelope(
            key.hash,
            entry.fetched_at,
            entry.expires_at,
            entry.stale_until,
            entry.took,
            entry.failure,
            [
                (one.title, one.link, one.snippet, one.position, one.date, one.extra or None)
                for one in entry.results
            ],
            msgspec.Raw(entry.extra) if entry.extra else _NOTHING,
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
        kept = _decoder.decode(memoryview(data)[len(VERSION) :])
        extra = bytes(kept.extra)
        if extra == b"null":
            extra = b""
        elif not extra.startswith(b"{"):
            raise UnreadableEntryError("its extra is no object")
    except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
        raise UnreadableEntryError(f"it cannot be decoded: {type(exc).__name__}") from None
    if kept.key != key.hash:
        raise UnreadableEntryError("it is another key's")
    return Entry(
        tuple(
            [
                SearchResult(
                    title, link, snippet, position, date, frozen_dict(rest) if rest else EMPTY
                )
                for title, link, snippet, position, date, rest in kept.results
            ]
        ),
        extra,
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
        return frozen_dict(_objects.decode(entry.extra))
    except (msgspec.MsgspecError, ValueError, RecursionError) as exc:
        raise UnreadableEntryError(f"its extra cannot be decoded: {type(exc).__name__}") from None
