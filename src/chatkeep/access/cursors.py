"""A place in a list as a short text, and back.

A cursor is opaque, safe in a URL and through JavaScript (a string, so no number is rounded) and
exact. It is not a secret and grants nothing: every statement that takes one still carries the user
and the chat. Its digest is there to refuse, with a clear error, what was changed on the way or made
for another list.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import msgspec

from chatkeep.errors import ConfigError, InvalidCursorError

Parts: TypeAlias = Sequence[str | None]
"""The place of a row: the text of each value that the list is ordered by; None is NULL."""

MAX_CURSOR_CHARS = 6000  # several fit into a URL of 16 kB, the least that servers take

_VERSION = b"\x02"
_DIGEST_BYTES = 8

_write_payload = msgspec.msgpack.Encoder().encode
_read_payload = msgspec.msgpack.Decoder(list[str | None]).decode


@lru_cache(maxsize=1024)
def identity_of(list_name: str) -> bytes:
    """Give what binds cursors to a list: its kind, owner, order and filter, as `list_name` says."""
    return hashlib.sha256(list_name.encode(errors="surrogatepass")).digest()


def write_parts(identity: bytes, parts: Parts) -> str:
    """Make a cursor of a place.

    Raises:
        ConfigError: The values are too long to travel in a cursor.
    """
    cursor = _write(identity, parts)
    if len(cursor) > MAX_CURSOR_CHARS:
        raise ConfigError(
            f"A page cursor of this order would be {len(cursor)} characters long; "
            f"at most {MAX_CURSOR_CHARS} are allowed.",
            hint="Order by a shorter expression, such as func.left(column, 200).",
        )
    return cursor


def read_parts(identity: bytes, cursor: object, count: int) -> list[str | None]:
    """Read the place out of a cursor.

    Args:
        identity: As for `write_parts`.
        cursor: What `write_parts` gave.
        count: Number of parts that a place has.

    Raises:
        InvalidCursorError: It is no cursor of ours, it was changed, or it belongs to another list.
    """
    parts = _parts(cursor) if isinstance(cursor, str) else None
    # Written anew it must be the same text: version, digest, and one cursor for one place.
    if parts is None or len(parts) != count or _write(identity, parts) != cursor:
        raise refused_cursor()
    return parts


def _parts(cursor: str) -> list[str | None] | None:
    """Read what looks like a cursor; None for anything else. No error of a decoder repeats it."""
    if not 0 < len(cursor) <= MAX_CURSOR_CHARS or not cursor.isascii():
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return _read_payload(raw[len(_VERSION) + _DIGEST_BYTES :])
    except (binascii.Error, msgspec.MsgspecError, ValueError):
        return None


def refused_cursor() -> InvalidCursorError:
    """Give the error for a cursor that is not one of the list."""
    return InvalidCursorError(
        "This page cursor is not one of this list.",
        hint="Pass next_cursor or previous_cursor of a page of the same list, unchanged.",
        field="cursor",
    )


def _write(identity: bytes, parts: Parts) -> str:
    payload = _write_payload(parts)
    digest = hashlib.sha256(identity + payload).digest()[:_DIGEST_BYTES]
    return base64.urlsafe_b64encode(_VERSION + digest + payload).rstrip(b"=").decode()
