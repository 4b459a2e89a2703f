"""Pages of any select by keyset: the rows behind a place, in any declared order.

A page never counts rows that it does not show: it begins at the place of a row, in the index that
serves the order, where there is one. Three forms of the condition do that:

- `(a, b) < ($1, $2)`, where directions agree and only the first expression may be NULL;
- `a <= $1 AND (a < $1 OR a = $1 AND b > $2)`, where directions differ: `a <= $1` starts the index;
- two arms of `UNION ALL`, where NULLs stand behind the values: no index starts with `OR`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from typing import cast as cast_to

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Integer,
    Label,
    Over,
    Select,
    Text,
    TextClause,
    UnaryExpression,
    and_,
    bindparam,
    cast,
    false,
    func,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.visitors import iterate

from chatkeep.access.places import Codec, codec_of
from chatkeep.access.sources import part_of, position_of, row_identity, sources_of
from chatkeep.errors import ConfigError

AnySelect: TypeAlias = Select[Any]
Condition: TypeAlias = ColumnElement[bool]

LIMIT = "page_limit"
"""The parameter for the number of rows."""
_PLACE = "page_place_"

# Such a statement is ordered as a whole: as a subquery, by its own columns.
_WHOLE = (
    *("_group_by_clauses", "_having_criteria", "_distinct"),
    *("_limit_clause", "_offset_clause", "_fetch_clause"),
)


def order_terms(order_by: object) -> list[ColumnElement[Any]]:
    """Give the terms of an order: one expression, or a list of them.

    Raises:
        ConfigError: There is none, or one is no expression.
    """
    given: list[Any] = [order_by]
    if isinstance(order_by, list | tuple):
        given = list(cast_to("Sequence[Any]", order_by))
    for term in given:
        if not isinstance(term, ColumnElement):
            raise ConfigError(
                f"page: order_by takes columns and expressions, not a {type(term).__name__}.",
                hint="order_by=[table.c.created_at.desc(), table.c.id]",
            )
    if not given:
        raise ConfigError("page: order_by is empty.", hint="Name at least one column.")
    return given


def place_name(number: int) -> str:
    """Give the name of the parameter for a part of the place."""
    return f"{_PLACE}{number}"


def is_own(parameter: str) -> bool:
    """Tell a parameter of the page from the caller's."""
    return parameter == LIMIT or parameter.startswith(_PLACE)


@dataclass(frozen=True, slots=True)
class Key:
    """One expression that the rows are ordered by.

    Attributes:
        expression: What is compared.
        codec: How its values travel.
        name: For errors.
        is_descending: The greatest value first.
        nulls_first: Where NULLs stand.
        is_nullable: Whether there may be any.
    """

    expression: ColumnElement[Any]
    codec: Codec
    name: str
    is_descending: bool
    nulls_first: bool
    is_nullable: bool

    def reversed(self) -> "Key":
        """Give the key of the opposite order."""
        return replace(self, is_descending=not self.is_descending, nulls_first=not self.nulls_first)

    def ordered(self) -> ColumnElement[Any]:
        """Give the term for ORDER BY; NULLs are named where PostgreSQL would put them elsewhere."""
        return _ordered(self.expression, self)


class Keyset:
    """A select and its order, ready to give the statement for any page.

    Attributes:
        keys: What the rows are ordered by, the tie-breaker at the end.
        width: Number of the caller's columns; behind them stand those that only the order needs.
        positions: Where the value of each key stands in a row.
        finite_positions: For each key that knows infinity, where an exact statement says whether
            the value is finite.
    """

    def __init__(self, statement: object, order_by: object) -> None:
        """Read the order, and find what makes it unique.

        Raises:
            ConfigError: It is no select, it has an order of its own, the order cannot be read or
                its values cannot travel, or nothing tells the rows apart.
        """
        select_ = _checked(statement)
        terms = [_read_term(term) for term in order_terms(order_by)]
        identity = row_identity(select_, [term.expression for term in terms])
        if identity is None:
            raise ConfigError(
                "page: nothing tells the rows of this statement apart, so rows could be lost.",
                hint="Select from tables with a primary key, or from subqueries that select it.",
            )
        known = [_inner(term.expression) for term in terms]
        terms += [
            _Term(column, is_descending=terms[-1].is_descending)
            for column in identity
            if not any(_inner(column) is expression for expression in known)
        ]
        sources = sources_of(select_) if isinstance(select_, Select) else None
        nullable = [sources is None or sources.is_nullable(term.expression) for term in terms]
        codecs = [codec_of(_inner(term.expression), term.name) for term in terms]
        if _is_whole(select_, terms):
            self._base, terms = _as_subquery(select_, terms)
        elif isinstance(select_, Select):
            self._base = select_
        columns = list(self._base.selected_columns)
        self.width = len(columns)
        self.keys = tuple(
            term.key(codec, is_nullable=may)
            for term, codec, may in zip(terms, codecs, nullable, strict=True)
        )
        positions = [position_of(key.expression, columns) for key in self.keys]
        self._hidden = [
            key.expression
            for key, position in zip(self.keys, positions, strict=True)
            if position is None
        ]
        behind = iter(range(self.width, self.width + len(self._hidden)))
        self.positions = [next(behind) if p is None else p for p in positions]
        self._timed = [n for n, key in enumerate(self.keys) if key.codec.has_infinity]
        start = self.width + len(self._hidden)
        self.finite_positions = {n: start + i for i, n in enumerate(self._timed)}

    def statement(
        self, nulls: Sequence[bool] | None, *, is_back: bool = False, is_exact: bool = False
    ) -> AnySelect:
        """Give the statement for a page.

        Args:
            nulls: Which parts of the place are NULL; None without a place, at either end.
            is_back: Rows before the place, in the opposite order.
            is_exact: With columns that tell infinity from the last moment that Python knows.
        """
        keys = [key.reversed() if is_back else key for key in self.keys]
        finite = [func.isfinite(self.keys[n].expression) for n in self._timed] if is_exact else []
        hidden = [*self._hidden, *finite]
        # Without labels of their own these might take the name of a column of the caller's.
        base = self._base.add_columns(
            *(expression.label(f"page_{n}") for n, expression in enumerate(hidden))
        )
        limit = bindparam(LIMIT, 0, type_=Integer())
        arms = [] if nulls is None else _arms(keys, nulls) or [false()]
        if len(arms) < 2:
            return base.where(*arms).order_by(*(key.ordered() for key in keys)).limit(limit)
        return _joined_arms(base, arms, keys, limit)


@dataclass(frozen=True, slots=True)
class _Term:
    expression: ColumnElement[Any]
    is_descending: bool = False
    nulls_first: bool | None = None

    @property
    def name(self) -> str:
        return str(getattr(self.expression, "name", None) or "an expression of the order")

    def key(self, codec: Codec, *, is_nullable: bool) -> Key:
        nulls_first = self.is_descending if self.nulls_first is None else self.nulls_first
        expression = _inner(self.expression)
        return Key(expression, codec, self.name, self.is_descending, nulls_first, is_nullable)


def _checked(statement: object) -> AnySelect | CompoundSelect[Any]:
    if not isinstance(statement, Select | CompoundSelect):
        raise ConfigError(
            f"page: a {type(statement).__name__} has no pages.", hint="Give it a select(...)."
        )
    has_order = bool(part_of(statement, "_order_by_clauses"))
    ends = (part_of(statement, name) for name in ("_limit_clause", "_fetch_clause"))
    if has_order and all(end is None for end in ends):
        raise ConfigError(
            "page: the statement has an order of its own.", hint="Say it in order_by alone."
        )
    if any(isinstance(c, TextClause) for c in part_of(statement, "_raw_columns") or ()):
        raise ConfigError(
            "page: the statement selects a text(), whose columns are not known.",
            hint="Use literal_column() with a type and a label.",
        )
    return statement


def _read_term(term: ColumnElement[Any]) -> _Term:
    is_descending, nulls_first = False, None
    while isinstance(term, UnaryExpression) and term.modifier is not None:
        if term.modifier is operators.nulls_first_op:
            nulls_first = True
        elif term.modifier is operators.nulls_last_op:
            nulls_first = False
        else:
            is_descending = term.modifier is operators.desc_op
        term = term.element
    return _Term(term, is_descending, nulls_first)


def _is_whole(statement: AnySelect | CompoundSelect[Any], terms: Sequence[_Term]) -> bool:
    parts = [part_of(statement, name) for name in _WHOLE]
    # Not `part in (...)`: a limit is an expression, and == makes another one of it.
    if isinstance(statement, CompoundSelect) or any(
        not (part is None or part is False or (isinstance(part, tuple) and not part))
        for part in parts
    ):
        return True
    return any(isinstance(part, Over) for term in terms for part in iterate(term.expression))


def _as_subquery(
    statement: AnySelect | CompoundSelect[Any], terms: Sequence[_Term]
) -> tuple[AnySelect, list[_Term]]:
    selected = list(statement.selected_columns)
    columns = list(statement.subquery("page").c)
    found: list[_Term] = []
    for term in terms:
        position = position_of(term.expression, selected)
        if position is None:
            raise ConfigError(
                "page: a grouped, distinct, limited or compound statement is ordered by columns "
                "that it selects, which must tell its rows apart.",
                hint="Select what order_by names, and what the rows are grouped by.",
            )
        found.append(replace(term, expression=columns[position]))
    return select(*columns), found


def _arms(keys: Sequence[Key], nulls: Sequence[bool]) -> list[Condition]:
    """Give the conditions for what stands behind a place, each of which an index can start."""
    first = keys[0]
    is_null, rest = first.expression.is_(None), _behind(keys, nulls, 1)
    if nulls[0]:
        arms = [] if rest is None else [and_(is_null, rest)]
        return [*arms, first.expression.is_not(None)] if first.nulls_first else arms
    if _is_row(keys, nulls, 0):
        arms = [_row(keys, 0)]
    else:
        at_least, strictly = _compared(first, 0, or_equal=True), _compared(first, 0)
        arms = [and_(at_least, strictly if rest is None else or_(strictly, rest))]
    return [*arms, is_null] if first.is_nullable and not first.nulls_first else arms


def _behind(keys: Sequence[Key], nulls: Sequence[bool], start: int) -> Condition | None:
    """Give the condition for rows that are equal in the keys before `start`; None: there is none."""
    if start == len(keys):
        return None
    key = keys[start]
    rest = _behind(keys, nulls, start + 1)
    choices: list[Condition] = []
    if nulls[start]:
        if key.nulls_first:
            choices.append(key.expression.is_not(None))
        if rest is not None:
            choices.append(and_(key.expression.is_(None), rest))
    else:
        if _is_row(keys, nulls, start):
            choices.append(_row(keys, start))
        else:
            choices.append(_compared(key, start))
            if rest is not None:
                choices.append(and_(key.expression == _place(key, start), rest))
        if key.is_nullable and not key.nulls_first:
            choices.append(key.expression.is_(None))
    return or_(*choices) if choices else None


def _is_row(keys: Sequence[Key], nulls: Sequence[bool], start: int) -> bool:
    """Tell whether a comparison of rows says it; NULLs of its first key are the caller's."""
    return not nulls[start] and all(
        key.is_descending == keys[start].is_descending and not key.is_nullable
        for key in keys[start + 1 :]
    )


def _row(keys: Sequence[Key], start: int) -> Condition:
    if start == len(keys) - 1:
        return _compared(keys[start], start)
    left: Any = tuple_(*(key.expression for key in keys[start:]))
    right: Any = tuple_(*(_place(key, n) for n, key in enumerate(keys[start:], start)))
    condition: Condition = left < right if keys[start].is_descending else left > right
    return condition


def _compared(key: Key, number: int, *, or_equal: bool = False) -> Condition:
    left, right = key.expression, _place(key, number)
    if key.is_descending:
        return left <= right if or_equal else left < right
    return left >= right if or_equal else left > right


def _place(key: Key, number: int) -> ColumnElement[Any]:
    # With a value, though none of these is ever sent: SQLAlchemy fills in the lists of an IN when it
    # compiles, and then wants a value for every parameter.
    return cast(bindparam(place_name(number), None, type_=Text()), key.codec.type_)


def _joined_arms(
    base: AnySelect, arms: Sequence[Condition], keys: Sequence[Key], limit: BindParameter[int]
) -> AnySelect:
    """Give both arms as one statement; each is ordered and ends after the page by itself."""
    order = [key.ordered() for key in keys]
    width = len(base.selected_columns)
    labelled = base.add_columns(
        *(key.expression.label(f"page_key_{n}") for n, key in enumerate(keys))
    )
    both = union_all(
        *(labelled.where(arm).order_by(*order).limit(limit).subquery().select() for arm in arms)
    ).subquery("page_arms")
    columns = list(both.c)
    ordered = [_ordered(column, key) for column, key in zip(columns[width:], keys, strict=True)]
    return select(*columns[:width]).order_by(*ordered).limit(limit)


def _ordered(expression: ColumnElement[Any], key: Key) -> ColumnElement[Any]:
    term = expression.desc() if key.is_descending else expression.asc()
    if key.nulls_first == key.is_descending:  # PostgreSQL's own choice
        return term
    return term.nulls_first() if key.nulls_first else term.nulls_last()


def _inner(expression: Any) -> Any:  # noqa: ANN401 - any expression
    return _inner(expression.element) if isinstance(expression, Label) else expression
