"""Pages of the caller's own selects: each statement and order is compiled once for all its values."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar, cast

from sqlalchemy import CompoundSelect, Select
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from chatkeep.access.cursors import read_parts, write_parts
from chatkeep.access.keyset import LIMIT, Keyset, is_own, order_terms, place_name
from chatkeep.access.paging import END, START, check_direction, check_limit, page_of
from chatkeep.access.places import infinity_text, is_extreme
from chatkeep.database.memory import Binds, Form, Memory, PerOwner, form_of
from chatkeep.database.prepared import AnySchema, make_shape
from chatkeep.engine.compile import DIALECT, Statement, compile_statement
from chatkeep.engine.decode import Shape
from chatkeep.engine.run import Runner
from chatkeep.records.page import Page

T = TypeVar("T")

_Row: TypeAlias = Sequence[Any]
_Kind: TypeAlias = tuple[tuple[bool, ...] | None, bool, bool]


@dataclass(frozen=True, slots=True)
class Window:
    """Which page.

    Attributes:
        limit: At most so many rows.
        after: A cursor: the rows behind it.
        before: A cursor: the rows before it.
    """

    limit: int
    after: str | None
    before: str | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement, and the names of its parameters for each constant of the caller's.

    Attributes:
        statement: What is sent.
        names: Parameters of each constant.
        has_all: Every constant in it is one of these.
    """

    statement: Statement
    names: tuple[tuple[str, ...], ...]
    has_all: bool

    def arguments(self, binds: Binds, values: dict[str, object]) -> list[object]:
        for names, bind in zip(self.names, binds, strict=True):
            if not bind.required:
                value: Any = bind.effective_value
                values.update(zip(names, value if bind.expanding else (value,), strict=False))
        return self.statement.arguments(values)


class PageQuery(Generic[T]):
    """A select and its order, compiled for each kind of page when that is first asked for."""

    def __init__(self, keyset: Keyset, shape: Shape[T], binds: Binds, *, is_kept: bool) -> None:
        self._keyset = keyset
        self._shape = shape
        self._is_kept = is_kept
        self._compiled: dict[_Kind, _Compiled] = {}
        self._is_exact = False
        self._binds = binds  # those in the keyset; a later statement of the kind brings its own
        self._first = self._compile((None, False, False))
        self.has_all = self._first.has_all
        self._sql_digest = hashlib.sha256(self._first.statement.sql.encode()).digest()

    async def page(self, runner: Runner, binds: Binds, window: Window) -> Page[T]:
        """Give a page: one statement; one more, once, when a page first ends at an extreme time.

        Raises:
            InvalidCursorError: The cursor is not one of this statement, order and constants.
        """
        identity = self._identity(binds)
        is_back = window.before is not None
        cursor, open_end = (window.before, END) if is_back else (window.after, START)
        values: dict[str, object] = {LIMIT: window.limit + 1}
        nulls: tuple[bool, ...] | None = None
        if cursor is not None and cursor != open_end:
            parts = read_parts(identity, cursor, len(self._keyset.keys))
            nulls = tuple(part is None for part in parts)
            values.update((place_name(number), part) for number, part in enumerate(parts))
        is_exact = self._is_exact
        rows = await self._rows(runner, binds, values, (nulls, is_back, is_exact))
        if not is_exact and self._ends_at_extreme(rows, window.limit):
            self._is_exact = is_exact = True
            rows = await self._rows(runner, binds, values, (nulls, is_back, is_exact))
        page = page_of(
            rows,
            window.limit,
            lambda row: write_parts(identity, self._place(row, is_exact=is_exact)),
            after=window.after,
            before=window.before,
        )
        found, width = page.items, self._keyset.width
        if found and len(found[0]) > width:  # columns that only the order needs
            found = [row[:width] for row in found]
        return Page(self._shape.many(found), page.next_cursor, page.previous_cursor)

    async def _rows(
        self, runner: Runner, binds: Binds, values: dict[str, object], kind: _Kind
    ) -> list[_Row]:
        compiled = self._compiled.get(kind) or self._compile(kind)
        arguments = compiled.arguments(binds, dict(values))
        return cast("list[_Row]", list(await runner.fetch(compiled.statement, arguments)))

    def _compile(self, kind: _Kind) -> _Compiled:
        nulls, is_back, is_exact = kind
        clause = self._keyset.statement(nulls, is_back=is_back, is_exact=is_exact)
        statement = compile_statement("page", clause, is_kept=self._is_kept)
        names, has_all = _names(clause, self._binds)
        compiled = self._compiled[kind] = _Compiled(statement, names, has_all)
        return compiled

    def _identity(self, binds: Binds) -> bytes:
        """Bind cursors to the statement, its order and its constants, such as a user's id."""
        given = self._first.arguments(binds, {LIMIT: 0})
        return hashlib.sha256(self._sql_digest + repr(given).encode()).digest()

    def _ends_at_extreme(self, rows: Sequence[_Row], limit: int) -> bool:
        """Tell whether a page ends at what may be infinity or the last moment that Python knows."""
        places = [self._keyset.positions[number] for number in self._keyset.finite_positions]
        ends = [*rows[:1], *rows[:limit][-1:]] if places else []
        return any(is_extreme(row[place]) for row in ends for place in places)

    def _place(self, row: _Row, *, is_exact: bool) -> list[str | None]:
        keyset = self._keyset
        parts: list[str | None] = []
        for number, (key, position) in enumerate(zip(keyset.keys, keyset.positions, strict=True)):
            value = row[position]
            finite = keyset.finite_positions.get(number) if is_exact else None
            if value is None and key.is_nullable:
                parts.append(None)
            elif finite is not None and value is not None and not row[finite]:
                parts.append(infinity_text(value))
            else:
                parts.append(key.codec.text(value, key.name))
        return parts


class Pages:
    """The page queries of one schema."""

    def __init__(self) -> None:
        self._kept: Memory[PageQuery[Any]] = Memory()

    def __len__(self) -> int:
        return len(self._kept)

    def find(
        self, schema: AnySchema, statement: object, order_by: object, into: type[Any] | None
    ) -> tuple[PageQuery[Any], Binds]:
        """Give what was compiled for such a statement and order, and the constants of this one.

        Raises:
            ConfigError: The statement has no pages, or nothing makes the order unique.
        """
        form = _form_of(statement, order_by)
        if form is None:
            return _page_query(schema, statement, order_by, into, None), ()
        # What may be NULL is compared so.
        nulls = tuple(bind.required or bind.effective_value is None for bind in form.binds)
        place, query = self._kept.find(form, into, nulls)
        if query is None:
            query = _page_query(schema, statement, order_by, into, form)
            if query.has_all:
                self._kept.put(place, query)
        return query, form.binds


_of_schemas = PerOwner(Pages)


def pages_of(schema: AnySchema) -> Pages:
    """Give the page queries of a schema, for its databases and their transactions."""
    return _of_schemas.of(schema)


async def get_page(
    runner: Runner,
    schema: AnySchema,
    statement: object,
    order_by: object,
    window: Window,
    into: type[Any] | None,
) -> Page[Any]:
    """Give a page of a statement; see `Database.page`.

    Raises:
        ConfigError: The statement has no pages, or nothing makes the order unique.
        InvalidInputError: The limit is out of bounds, or both cursors were given.
        InvalidCursorError: The cursor is not one of this statement and order.
    """
    check_direction("page", window.after, window.before)
    check_limit(window.limit)
    query, binds = pages_of(schema).find(schema, statement, order_by, into)
    return await query.page(runner, binds, window)


def _form_of(statement: object, order_by: object) -> Form | None:
    """Give the form of a statement and its order; None: it is compiled anew at each call."""
    if not isinstance(statement, Select | CompoundSelect):
        return None
    terms: Any = order_terms(order_by)
    return form_of(statement.order_by(*terms))


def _page_query(
    schema: AnySchema,
    statement: object,
    order_by: object,
    into: type[Any] | None,
    form: Form | None,
) -> PageQuery[Any]:
    shape = make_shape(schema, statement, "page", into)
    binds = () if form is None else form.binds
    return PageQuery(Keyset(statement, order_by), shape, binds, is_kept=form is not None)


def _names(clause: ClauseElement, binds: Binds) -> tuple[tuple[tuple[str, ...], ...], bool]:
    """Give the parameters that each constant became, and whether they are all constants there are.

    A constant that SQLAlchemy copied on the way is not known again: such a statement is not kept.
    """
    if not binds:
        return (), True
    compiled = clause.compile(dialect=DIALECT)
    names = compiled.bind_names if isinstance(compiled, SQLCompiler) else {}
    found: list[tuple[str, ...]] = []
    for bind in binds:
        name, value = names.get(bind), cast("Sequence[Any]", bind.effective_value)
        if name is None:
            found.append(())
        elif bind.expanding:
            found.append(tuple(f"{name}_{n + 1}" for n in range(len(value))))
        else:
            found.append((name,))
    known = {id(bind) for bind in binds}
    return tuple(found), all(id(bind) in known or is_own(name) for bind, name in names.items())
