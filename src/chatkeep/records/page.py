"""One page of a list."""

from typing import Generic, TypeVar

from chatkeep.records.base import Record

T = TypeVar("T")


class Page(Record, Generic[T], rename="camel"):
    """Some rows of a list and the way to the next ones.

    `next_cursor` is None on the last page. It is opaque: hand it back unchanged.
    """

    items: list[T]
    next_cursor: str | None
