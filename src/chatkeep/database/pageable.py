"""`page`, on `Database` and `Transaction` alike."""

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar, TypeVarTuple, overload

from sqlalchemy import ColumnElement
from sqlalchemy.sql.selectable import TypedReturnsRows

from chatkeep.access.catalogue import Catalogue
from chatkeep.database.pages import Window, get_page
from chatkeep.database.queries import Queries
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner
from chatkeep.records.page import Page

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Order: TypeAlias = ColumnElement[Any] | Sequence[ColumnElement[Any]]


class Pageable(Queries):
    """Gives any select in pages."""

    def __init__(
        self,
        runner: PoolRunner | TransactionRunner,
        catalogue: Catalogue[Any, Any, Any, Any],
    ) -> None:
        super().__init__(runner, catalogue)
        self._paged = catalogue.schema

    @overload
    async def page(
        self,
        statement: TypedReturnsRows[*tuple[Any, ...]],
        *,
        order_by: Order,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
        into: type[T],
    ) -> Page[T]: ...
    @overload
    async def page(
        self,
        statement: TypedReturnsRows[A],
        *,
        order_by: Order,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[tuple[A]]: ...
    @overload
    async def page(
        self,
        statement: TypedReturnsRows[A, B, *Ts],
        *,
        order_by: Order,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[tuple[A, B, *Ts]]: ...
    @overload
    async def page(
        self,
        statement: TypedReturnsRows[*tuple[Any, ...]],
        *,
        order_by: Order,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[Any]: ...
    async def page(
        self,
        statement: TypedReturnsRows[*tuple[Any, ...]],
        *,
        order_by: Order,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
        into: type[Any] | None = None,
    ) -> Page[Any]:
        """Give a page of a select, in any order: one statement, which begins in the order's index.

        Where the order leaves ties, the primary keys of the tables are added to it. Rows are those
        of `all()`. A row that stays what it is comes in exactly one page, whatever is written
        between two pages; one whose place in the order changes may come twice, or not at all.

            recent = select(schema.chats).where(schema.chats.c.user_id == user_id)
            order = schema.chats.c.updated_at.desc()
            page = await db.page(recent, order_by=order, limit=20)
            page = await db.page(recent, order_by=order, limit=20, after=page.next_cursor)

        Args:
            statement: A select without an order of its own. A grouped, distinct, limited or
                compound one is taken as a whole, and ordered by columns that it selects.
            order_by: One expression or several, each with its own `.desc()`, `.nulls_first()` or
                `.nulls_last()`. Text, numbers, booleans, UUIDs, bytes, dates, times, enums.
            limit: At most so many rows, 1 to 1000.
            after: `next_cursor` of the page before, or `START`.
            before: `previous_cursor` of the page after, or `END`: the last page.
            into: The class of the rows; None gives tuples, or records where a whole table is
                selected.

        Raises:
            ConfigError: Nothing tells the rows apart, or an expression of the order cannot be used.
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is of another statement, order or value in them.
            StoredDataError: A column of the order is not of its declared type.
        """
        window = Window(limit, after, before)
        return await get_page(self._runner, self._paged, statement, order_by, window, into)
