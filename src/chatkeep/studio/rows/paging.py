"""Pages of a table in any order, both ways, each as quick as the first.

A page begins behind a row, not behind a number of rows. Where the order has several columns, what
comes behind is not one range of an index but some: first the rows that share all values but the
last, and so on, NULLs apart. Each is asked for by itself until the page is full, so each is read
from the index where it begins.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg

from chatkeep.errors import InvalidCursorError
from chatkeep.studio.refusing import TooMuchError
from chatkeep.studio.rows import conditions
from chatkeep.studio.rows.asking import Asked
from chatkeep.studio.rows.binding import Binder, fit_key, key_of
from chatkeep.studio.rows.catalog import POSITION, Relation
from chatkeep.studio.rows.cells import Cell, budget, expressions, shaped
from chatkeep.studio.rows.cursors import Place
from chatkeep.studio.rows.scanning import insist_on_filter, insist_on_page

MOST_OFFSET = 10_000
"""Rows of a view that can be passed over: without a key each page costs all those before it."""
_MOST_VALUE = (
    1000  # bytes of a sort's value in a cursor; longer ones are looked up by the row's key
)
_FIRST_BLOCKS = 64

Range: TypeAlias = tuple[list[str], Binder]
"""Conditions, and the values in them."""


@dataclass(frozen=True, slots=True)
class Term:
    """One column of the order."""

    sql: str
    cast: str
    falling: bool
    nullable: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A row: its key, its cells, and where it stands in the order."""

    key: list[str] | None
    cells: list[Cell]
    place: Place


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in their order, and where the pages behind and before them begin, if there are any."""

    rows: list[Found]
    after: Place | None
    before: Place | None


class Pages:
    """Reads the pages of one question.

    Args:
        connection: Inside a transaction, settled.
        relation: The table.
        asked: The question, its conditions checked.
    """

    def __init__(self, connection: asyncpg.Connection, relation: Relation, asked: Asked) -> None:
        self._connection = connection
        self._relation = relation
        self._asked = asked
        self._terms = _terms(relation, asked)
        self._reverse = asked.backwards and relation.key is not None
        self._most = budget(asked.limit, len(asked.fields))

    async def read(self, place: Place | None) -> Page:
        """Read the page behind a place, or before it.

        Raises:
            WouldScanError: It would go through a big table, and that was not asked for.
            InvalidCursorError: The row that the page is to begin at is gone, and it is needed.
            TooMuchError: A view's rows end here.
        """
        await self.insist()
        if self._relation.key is None:
            return await self._read_by_offset(place)
        if place is not None:
            await self._look_up(place)
        rows = await self._collect(place)
        more = len(rows) > self._asked.limit
        del rows[self._asked.limit :]
        if not rows:
            return Page([], None, None)
        if self._reverse:
            rows.reverse()
            is_end, is_start = place is None, not more
        else:
            is_end, is_start = not more, place is None
        return Page(rows, None if is_end else rows[-1].place, None if is_start else rows[0].place)

    async def insist(self) -> None:
        """Refuse what would go through a big table, unless it was asked for.

        Raises:
            WouldScanError: It would.
        """
        if self._asked.scan or not self._relation.big:
            return
        if self._asked.is_filtered:
            bind = Binder()
            conditions_ = " and ".join(conditions.where(self._relation, self._asked, bind))
            unordered = f"select 1 from {self._relation.sql} where {conditions_}"  # noqa: S608 - quoted names
            limit = None if conditions.is_vague(self._asked) else self._asked.limit
            await insist_on_filter(self._connection, self._relation, unordered, bind.values, limit)
        if self._asked.sort or self._relation.key is None:
            bind = Binder()
            page = self.lying([], bind)
            await insist_on_page(self._connection, self._relation, page, bind.values)

    async def _collect(self, place: Place | None) -> list[Found]:
        """Read one row more than the page holds."""
        wanted = self._asked.limit + 1
        found: list[Found] = []
        by_position = [term.sql for term in self._terms] == ["ctid"]
        series = self._blocks(place) if by_position else self._ranges(place)
        async for condition, bind in series:
            statement = self._outer(self.lying(condition, bind, wanted - len(found)))
            rows = await self._connection.fetch(statement, *bind.values)
            found += [self._found(row) for row in rows]
            if len(found) >= wanted:
                break
        return found

    async def _ranges(self, place: Place | None) -> AsyncIterator[Range]:
        """Give the conditions of each range behind a place, in the order of their rows."""
        if place is None:
            yield [], Binder()
            return
        for last in reversed(range(len(self._terms))):
            for beyond in self._beyond(self._terms[last], place.nulls[last]):
                bind = Binder()
                before = [self._same(n, place, bind) for n in range(last)]
                value = "" if beyond.endswith("null") else self._value(last, place, bind)
                yield [*before, beyond + value], bind

    def _beyond(self, term: Term, is_null: bool) -> list[str]:
        """Give what follows a value: NULLs are last when rising, first when falling."""
        falling = term.falling != self._reverse
        if is_null:
            return [f"{term.sql} is not null"] if falling else []
        if falling:
            return [f"{term.sql} < "]
        return [f"{term.sql} > ", *([f"{term.sql} is null"] if term.nullable else [])]

    def _same(self, number: int, place: Place, bind: Binder) -> str:
        term = self._terms[number]
        if place.nulls[number]:
            return f"{term.sql} is null"
        return f"{term.sql} = {self._value(number, place, bind)}"

    def _value(self, number: int, place: Place, bind: Binder) -> str:
        value, term = place.values[number], self._terms[number]
        if value is not None:
            return f"{bind(value)}::text::{term.cast}"
        found = key_of(self._relation, place.key, bind)
        return f"(select {term.sql} from {self._relation.sql} where {found})"  # noqa: S608 - quoted names

    async def _look_up(self, place: Place) -> None:
        """Find the row whose values were too long to travel."""
        long = [n for n, value in enumerate(place.values) if value is None and not place.nulls[n]]
        if not long:
            return
        await fit_key(self._connection, self._relation, place.key)
        bind = Binder()
        there = " and ".join(f"{self._terms[n].sql} is not null" for n in long)
        found = key_of(self._relation, place.key, bind)
        statement = f"select 1 from {self._relation.sql} where {found} and {there}"  # noqa: S608 - quoted names
        if await self._connection.fetchval(statement, *bind.values) is None:
            raise InvalidCursorError(
                "The row that this page begins at was changed or deleted meanwhile.",
                hint="Begin at the first page.",
                field="cursor",
            )

    async def _blocks(self, place: Place | None) -> AsyncIterator[Range]:
        """Give stretches of the table's file, ever longer ones: PostgreSQL sorts each by itself."""
        counted = await self._connection.fetchval(
            "select pg_relation_size($1::int8::oid) / current_setting('block_size')::int8",
            self._relation.line.oid,
        )
        size = int(counted or 0)
        ctid = place.values[0] if place is not None else None
        at = int(ctid.strip("()").split(",")[0]) if ctid else (size if self._reverse else 0)
        length = _FIRST_BLOCKS
        while 0 <= at <= size:
            start, stop = (at - length + 1, at + 1) if self._reverse else (at, at + length)
            bind = Binder()
            condition = [
                f"ctid >= {bind(f'({max(0, start)},0)')}::text::tid",
                f"ctid < {bind(f'({stop},0)')}::text::tid",
            ]
            if ctid:
                sign = "<" if self._reverse else ">"
                condition.append(f"ctid {sign} {bind(ctid)}::text::tid")
            yield condition, bind
            at = start - 1 if self._reverse else stop
            length *= 2

    def lying(self, range_: list[str], bind: Binder, limit: int | None = None) -> str:
        """Give the statement for rows as they lie in the table, `c0`, `c1` and so on.

        What is shown of them is worked out around it, for these rows alone.

        Args:
            range_: More conditions.
            bind: Takes the values.
            limit: Most rows; one more than a page's unless given.
        """
        sources = [f"{field.sql} as c{n}" for n, field in enumerate(self._asked.fields)]
        sources += [f"{name} as k{n}" for n, name in enumerate(_key_names(self._relation))]
        sources += [f"{term.sql} as t{n}" for n, term in enumerate(self._terms)]
        all_of = [*range_, *conditions.where(self._relation, self._asked, bind)]
        filtered = f" where {' and '.join(all_of)}" if all_of else ""
        order = ", ".join(
            f"{term.sql} {'desc' if term.falling != self._reverse else 'asc'}"
            for term in self._terms
        )
        ordered = f" order by {order}" if order else ""
        columns = ", ".join(sources) or "1 as nothing"
        return (
            f"select {columns} from {self._relation.sql}{filtered}{ordered} "  # noqa: S608 - quoted names
            f"limit {limit or self._asked.limit + 1}"
        )

    def _outer(self, inner: str) -> str:
        shown = [
            expressions(field, f"s.c{n}", self._most) for n, field in enumerate(self._asked.fields)
        ]
        shown += [f"s.k{n}::text" for n in range(len(self._relation.key or ()))]
        for n in range(len(self._terms)):
            text = f"s.t{n}::text"
            shown += [
                f"case when octet_length({text}) <= {_MOST_VALUE} then {text} end",
                f"s.t{n} is null",
            ]
        return f"select {', '.join(shown) or '1'} from ({inner}) s"  # noqa: S608 - quoted names

    def _found(self, row: asyncpg.Record) -> Found:
        at = 2 * len(self._asked.fields)
        key_end = at + len(self._relation.key or ())
        key: list[str] = list(row[at:key_end])
        values, nulls = list(row[key_end::2]), list(row[key_end + 1 :: 2])
        place = Place(values, nulls, key)
        return Found(key if self._relation.key else None, shaped(self._asked.fields, row), place)

    async def _read_by_offset(self, place: Place | None) -> Page:
        """Read what has no key: a view, a foreign table."""
        offset = place.offset if place is not None else 0
        if self._asked.backwards:
            if place is None:
                raise TooMuchError(f"{self._relation.shown} has no key, so its end is not known.")
            offset = max(0, offset - self._asked.limit)
        if offset >= MOST_OFFSET:
            raise TooMuchError(
                f"{self._relation.shown} has no key: only its first {MOST_OFFSET:,} rows are shown.",
                hint="Narrow it with a filter.",
            )
        bind = Binder()
        statement = self._outer(self.lying([], bind) + f" offset {offset}")
        rows = [self._found(row) for row in await self._connection.fetch(statement, *bind.values)]
        more = len(rows) > self._asked.limit
        del rows[self._asked.limit :]
        first, last = Place([], [], [], offset), Place([], [], [], offset + len(rows))
        return Page(rows, last if more else None, first if offset else None)


def _key_names(relation: Relation) -> list[str]:
    """Give the key's columns for statements."""
    if relation.key == POSITION:
        return list(POSITION)
    return [relation.fields[name].sql for name in relation.key or ()]


def _terms(relation: Relation, asked: Asked) -> list[Term]:
    """Give the order: what was asked for, then the key, so that no two rows are alike."""
    fields = [(relation.fields[name], way == "desc") for name, way in asked.sort]
    terms = [Term(field.sql, field.compare, falling, field.nullable) for field, falling in fields]
    falling = bool(terms) and terms[-1].falling
    if relation.key == POSITION:
        return [*terms, Term("ctid", "tid", falling, nullable=False)]
    named = {name for name, _ in asked.sort}
    rest = [relation.fields[name] for name in relation.key or () if name not in named]
    return [*terms, *(Term(each.sql, each.compare, falling, nullable=False) for each in rest)]
