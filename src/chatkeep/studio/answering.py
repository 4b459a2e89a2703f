"""JSON out and in."""

from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chatkeep.errors import InvalidInputError

MAX_BODY = 16 * 2**20
"""Most bytes that a request may bring."""

T = TypeVar("T")


def answer(document: object, status: int = 200) -> Response:
    """Give a document as JSON; records have camelCase keys, times are RFC 3339."""
    content = msgspec.json.encode(document, enc_hook=_plain)
    return Response(content, status, media_type="application/json")


def _plain(value: object) -> str:
    """Give a text of a kind that only knows more than others, such as SQLAlchemy's names."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"No JSON is made of a {type(value).__name__}.")


async def body(request: Request, into: type[T]) -> T:
    """Read the request's JSON as a msgspec Struct.

    Raises:
        InvalidInputError: It is no JSON, or not of this shape; its `field` says where.
    """
    try:
        return msgspec.json.decode(await request.body(), type=into)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        where = str(exc).rpartition(" - at `$")[2].rstrip("`").lstrip(".")
        refused = InvalidInputError(
            "The request is no JSON of the shape that this address takes.",
            field=where if "- at `$" in str(exc) else None,
        )
    raise refused


def number(request: Request, name: str, default: int, most: int) -> int:
    """Read a whole number from the address, from 1 to `most`.

    Raises:
        InvalidInputError: It is none.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    raise InvalidInputError(f"`{name}` is not a whole number from 1 to {most}.", field=name)
