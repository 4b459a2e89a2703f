"""Lists of what has a time and a key, from the latest on."""

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy import DateTime, Integer, Select, bindparam, tuple_

from chatkeep.access.paging import (
    END,
    START,
    check_direction,
    check_limit,
    page_of,
    read_cursor,
    write_cursor,
)
from chatkeep.access.rows import Rows, Where
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import ChatNotFoundError
from chatkeep.records.base import Record
from chatkeep.records.page import Page

R = TypeVar("R", bound=Record)

_PLACE = (datetime, str)
_EARLIEST = (datetime.min.replace(tzinfo=UTC), "")


class LatestQueries(ABC, Generic[R]):
    """The statements of such a list; a class of a table adds its own.

    Attributes:
        rows: The table.
        at: The column with the time.
        key: The column that tells rows of one time apart.
        name: Of the statements.
    """

    at: str = "created_at"
    key: str = "id"
    name: str = "list"

    def __init__(self, rows: Rows[R]) -> None:
        self.rows = rows

    @cached_property
    def list(self) -> Query[R]:
        """From the latest on."""
        return self._list("", None, is_back=False)

    @cached_property
    def list_after(self) -> Query[R]:
        """The next page: after a place of the list, which is before a time."""
        return self._list("_after", operator.lt, is_back=False)

    @cached_property
    def list_before(self) -> Query[R]:
        """The page back: before a place of the list, the oldest first."""
        return self._list("_before", operator.gt, is_back=True)

    @abstractmethod
    def source(self) -> Select[Any]:
        """Give what is listed, in no order."""

    def place_of(self, row: R) -> tuple[datetime, str]:
        """Give the place of a row in the list."""
        return getattr(row, self.at), getattr(row, self.key)

    def _list(
        self, end: str, compare: Callable[[Any, Any], Where] | None, *, is_back: bool
    ) -> Query[R]:
        table = self.rows.table
        place = (table.c[self.at], table.c[self.key])
        clause = self.source()
        if compare is not None:
            given = tuple_(
                bindparam("place_at", type_=DateTime(timezone=True)),
                bindparam("place_key", type_=table.c[self.key].type),
            )
            clause = clause.where(compare(tuple_(*place), given))
        ordered = clause.order_by(*(key if is_back else key.desc() for key in place))
        return self.rows.query(
            f"{self.name}{end}", ordered.limit(bindparam("limit", type_=Integer))
        )


class Latest(Generic[R]):
    """Gives the pages of such a list."""

    def __init__(self, runner: Runner, queries: LatestQueries[R], name: str, *of: str) -> None:
        """Take the statements, the name of the list, and what its cursors are bound to."""
        self._runner = runner
        self._queries = queries
        self._name = name
        self._identity = "\0".join([queries.rows.table.name, *map(str, of)])

    async def page(
        self, values: Mapping[str, object], limit: int, after: str | None, before: str | None
    ) -> Page[R]:
        """Give a page.

        Raises:
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this list.
        """
        check_direction(self._name, after, before)
        given = {**values, "limit": check_limit(limit) + 1}
        query = self._queries.list
        if before is not None:
            query = self._queries.list_before
            place = _EARLIEST if before == END else read_cursor(before, self._identity, _PLACE)
            given["place_at"], given["place_key"] = place
        elif after is not None and after != START:
            query = self._queries.list_after
            given["place_at"], given["place_key"] = read_cursor(after, self._identity, _PLACE)
        rows = await query.all(self._runner, given)
        place_of = self._queries.place_of
        return page_of(
            rows,
            limit,
            lambda row: write_cursor(self._identity, *place_of(row)),
            after=after,
            before=before,
        )

    async def page_of_chat(
        self,
        chat_exists: Query[int],
        values: Mapping[str, object],
        limit: int,
        after: str | None,
        before: str | None,
    ) -> Page[R]:
        """Give a page of what a chat has; `chat_exists` tells one that has nothing from none.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            InvalidInputError: As for `page`.
            InvalidCursorError: As for `page`.
        """
        page = await self.page(values, limit, after, before)
        if not page.items and await chat_exists.first(self._runner, values) is None:
            raise ChatNotFoundError("No such chat.")
        return page
