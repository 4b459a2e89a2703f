"""One page of a list."""

from typing import Generic, TypeVar

from chatkeep.records.base import Record

T = TypeVar("T")


class Page(Record, Generic[T], rename="camel"):
    """Some rows of a list and the ways on from there, forward and back.

    `next_cursor` is None on the last page, `previous_cursor` on the first. They are opaque: hand
    them back unchanged.
    """

    items: list[T]
    next_cursor: str | None
    previous_cursor: str | None = None
