"""Where a page begins, as a text that the browser hands back unread.

It is sealed: with what the database's address holds as the key, for one table, sort and filter. What
was changed, or made for another table, is refused before anything is sent to PostgreSQL.
"""

import base64
import hmac
from typing import Any

import msgspec

from chatkeep.errors import InvalidCursorError
from chatkeep.studio.ground import Ground
from chatkeep.studio.rows.asking import Asked
from chatkeep.studio.rows.catalog import Relation

_MAC_BYTES = 16


class Place(msgspec.Struct, array_like=True):
    """A row's place in a sort.

    Attributes:
        values: The sort's values as texts; None for NULL, or for one that is too long to travel.
        nulls: Which of them are NULL.
        key: The row's key, by which a value that did not travel is looked up.
        offset: Of a view, the number of rows before.
    """

    values: list[str | None]
    nulls: list[bool]
    key: list[str]
    offset: int = 0


def seal(ground: Ground, relation: Relation, asked: Asked, place: Place) -> str:
    """Write a place down."""
    body = msgspec.msgpack.encode(place)
    return base64.urlsafe_b64encode(_mac(ground, relation, asked, body) + body).decode().rstrip("=")


def unseal(ground: Ground, relation: Relation, asked: Asked, text: str) -> Place:
    """Read what `seal` wrote.

    Raises:
        InvalidCursorError: It was changed, or is of another table, sort or filter.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        place = None
        if hmac.compare_digest(mac, _mac(ground, relation, asked, body)):
            place = msgspec.msgpack.decode(body, type=Place)
    except (ValueError, msgspec.DecodeError):
        place = None
    if place is not None:
        return place
    raise InvalidCursorError(
        "The cursor is not one that this table gave for this sort and filter.",
        hint="Begin at the first page.",
        field="cursor",
    )


def _mac(ground: Ground, relation: Relation, asked: Asked, body: bytes) -> bytes:
    about: list[Any] = [
        relation.line.oid, relation.shown, relation.key, asked.sort, asked.filter, asked.quick,
    ]  # fmt: skip
    message = msgspec.json.encode(about) + b"\0" + body
    key = b"chatkeep studio cursor\0" + ground.url.encode()
    return hmac.digest(key, message, "sha256")[:_MAC_BYTES]
