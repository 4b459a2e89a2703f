"""Cursors and limits of lists.

A cursor is a place in one list: opaque, safe in a URL and through JavaScript (a string, so no
number is rounded), exact to the microsecond. It is not a secret and grants nothing: every statement
that takes one still carries the user and the chat.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from chatkeep.errors import InvalidCursorError, InvalidInputError
from chatkeep.records.page import Page

R = TypeVar("R")

MAX_LIMIT = 1000
START = "start"
"""The cursor before everything: `messages.list(chat_id, after=START)` pages forward from there."""

_VERSION = b"\x01"
_DIGEST_BYTES = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_CURSOR_CHARS = 1500  # an id of 255 characters of four bytes each, in base64


def check_limit(limit: object, name: str = "limit") -> int:
    """Refuse a limit outside 1 to 1000.

    Args:
        limit: What the caller gave.
        name: Of the argument, for the message.

    Raises:
        InvalidInputError: The limit is no whole number from 1 to 1000.
    """
    if isinstance(limit, int) and not isinstance(limit, bool) and 1 <= limit <= MAX_LIMIT:
        return limit
    raise InvalidInputError(f"{name} must be a whole number from 1 to {MAX_LIMIT}.", field=name)


def write_cursor(list_name: str, *place: str | int | datetime) -> str:
    """Make a cursor of the place of a row.

    Args:
        list_name: Kind and owner of the list, such as `messages:chat_1`; a cursor is good only for
            the list that it was made for.
        place: Value of each column that the list is ordered by.
    """
    payload = "\0".join(_write_part(part) for part in place).encode()
    return _encode(_VERSION + _digest(list_name, payload) + payload)


def read_cursor(cursor: str, list_name: str, kinds: tuple[type, ...]) -> list[str | int | datetime]:
    """Read the place out of a cursor.

    Args:
        cursor: What `write_cursor` gave.
        list_name: As for `write_cursor`.
        kinds: Type of each part of the place.

    Raises:
        InvalidCursorError: It is no cursor of ours, it was changed, or it belongs to another list.
    """
    payload = _payload(cursor, list_name)
    parts = payload.split("\0")
    if len(parts) != len(kinds):
        raise _refused()
    try:
        return [_read_part(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (ValueError, OverflowError) as exc:
        raise _refused() from exc


def _payload(cursor: object, list_name: str) -> str:
    if not isinstance(cursor, str) or not cursor or len(cursor) > _MAX_CURSOR_CHARS:
        raise _refused()
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        payload = raw[1 + _DIGEST_BYTES :]
        text = payload.decode()
    except (binascii.Error, ValueError) as exc:
        raise _refused() from exc
    if raw[:1] != _VERSION or raw[1 : 1 + _DIGEST_BYTES] != _digest(list_name, payload):
        raise _refused()
    if _encode(raw) != cursor:  # base64 has spare bits at its end: one place, one cursor
        raise _refused()
    return text


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _refused() -> InvalidCursorError:
    return InvalidCursorError(
        "This page cursor is not one of this list.",
        hint="Pass page.next_cursor of the same list, unchanged.",
        field="cursor",
    )


def _digest(list_name: str, payload: bytes) -> bytes:
    return hashlib.blake2b(
        payload, digest_size=_DIGEST_BYTES, key=hashlib.sha256(list_name.encode()).digest()
    ).digest()


def _write_part(part: str | int | datetime) -> str:
    if isinstance(part, datetime):
        return str((part - _EPOCH) // timedelta(microseconds=1))
    return str(part)


def _read_part(part: str, kind: type) -> str | int | datetime:
    if kind is str:
        return part
    number = int(part)
    if kind is datetime:
        return _EPOCH + timedelta(microseconds=number)
    if not -(2**63) <= number < 2**63:
        raise ValueError(part)
    return number


def page_of(rows: list[R], limit: int, cursor_of: Callable[[R], str]) -> Page[R]:
    """Make a page of the rows of a statement that asked for one more than the limit."""
    if len(rows) <= limit:
        return Page(rows, None)
    del rows[limit:]
    return Page(rows, cursor_of(rows[-1]))
