"""What tells the rows of a select apart, and which of its columns may be NULL.

Both are read out of the tables it selects from: primary keys, unique constraints, and joins that
find at most one row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import (
    CTE,
    Alias,
    BinaryExpression,
    BindParameter,
    Boolean,
    Cast,
    Column,
    ColumnElement,
    CompoundSelect,
    Date,
    DateTime,
    Float,
    FromClause,
    Function,
    Index,
    Integer,
    Interval,
    Label,
    LargeBinary,
    Numeric,
    Select,
    String,
    Subquery,
    Table,
    Time,
    TypeCoerce,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BooleanClauseList, Grouping
from sqlalchemy.sql.selectable import Join, ReturnsRows, SelectStatementGrouping
from sqlalchemy.sql.visitors import iterate

Columns = list[ColumnElement[Any]]

# NULL only for NULL, whatever the arguments. Not among them: substring, NULL where a pattern does
# not match. coalesce, count, and lower and upper have rules of their own.
_STRICT = frozenset(
    (
        *("abs", "ceil", "floor", "mod", "round", "trunc"),
        *("char_length", "left", "length", "ltrim", "md5", "octet_length", "replace"),
        *("right", "rtrim", "substr", "trim"),
        "date_trunc",
    )
)
# Give several rows for one, which nothing tells apart.
_ROW_MAKERS = frozenset(
    (
        *("generate_series", "generate_subscripts", "unnest"),
        *("json_array_elements", "json_array_elements_text", "json_each", "json_each_text"),
        *("jsonb_array_elements", "jsonb_array_elements_text", "jsonb_each", "jsonb_each_text"),
        *("json_object_keys", "jsonb_object_keys", "jsonb_path_query"),
        *("regexp_matches", "regexp_split_to_table", "string_to_table"),
    )
)
# A cast from these is NULL only for NULL. One from JSON is NULL for JSON's null.
_PLAIN_TYPES = (
    *(String, Integer, Numeric, Float, Boolean, Uuid, LargeBinary),
    *(Date, DateTime, Time, Interval),
)
_STRICT_OPERATORS = (
    operators.add,
    operators.sub,
    operators.mul,
    operators.truediv,
    operators.mod,
    operators.concat_op,
)


@dataclass(slots=True)
class Sources:
    """The tables that a select reads.

    Attributes:
        leaves: Tables, aliases, subqueries; of a join both sides.
        optional: Those that an outer join may leave without a row.
        single: Those of which each row of the others finds at most one.
    """

    leaves: list[FromClause] = field(default_factory=list[FromClause])
    optional: list[FromClause] = field(default_factory=list[FromClause])
    single: list[FromClause] = field(default_factory=list[FromClause])

    def is_nullable(self, expression: ColumnElement[Any]) -> bool:
        """Tell whether an expression may be NULL; where it is not known, it may."""
        match expression:
            case Column():
                table: Any = expression.table
                is_known = isinstance(table, Table) or (
                    isinstance(table, Alias) and isinstance(table.element, Table)
                )
                is_there = _among(table, self.leaves) and not _among(table, self.optional)
                return expression.nullable or not (is_known and is_there)
            case BindParameter():
                return expression.required or expression.effective_value is None
            case Function():
                return self._is_nullable_function(expression)
            case _:
                operands = _operands(expression)
                return not operands or any(self.is_nullable(operand) for operand in operands)

    def _is_nullable_function(self, function: Function[Any]) -> bool:
        if function.packagenames not in ((), ("pg_catalog",)):
            return True  # of a schema of the caller's: nobody knows what it does
        arguments = list(function.clauses)
        given = [self.is_nullable(argument) for argument in arguments]
        match function.name.lower():
            case "count" | "row_number" | "now" | "concat":
                return False
            case "coalesce":
                return all(given)
            case "lower" | "upper":  # also the bounds of a range, which may have none
                return any(given) or not all(isinstance(a.type, String) for a in arguments)
            case name:
                return name not in _STRICT or any(given)

    def identity(self, ordered: Sequence[ColumnElement[Any]]) -> Columns | None:
        """Give columns that tell the rows apart; None where nothing known does.

        Args:
            ordered: What the rows are ordered by already: of several keys of a table the one that
                is among these is taken.
        """
        found: Columns = []
        for leaf in self.leaves:
            if _among(leaf, self.single):
                continue
            keys = list(_keys(leaf))
            if not keys:
                return None
            given = [key for key in keys if all(_among(column, ordered) for column in key)]
            found += given[0] if given else keys[0]
        return found or None


def sources_of(statement: Select[Any]) -> Sources:
    """Read the tables out of a select's FROM."""
    sources = Sources()
    for clause in statement.get_final_froms():
        _collect(clause, sources, is_optional=False)
    return sources


def columns_with_null(statement: object) -> list[bool]:
    """Tell of each column that a statement gives whether its tables say that it may be NULL.

    Of an expression nobody knows, and it is let through; pages, which lose rows where that is
    wrong, ask `Sources.is_nullable`.
    """
    while isinstance(statement, SelectStatementGrouping):
        statement = cast("SelectStatementGrouping[Any]", statement).element
    if isinstance(statement, CompoundSelect):
        parts = [columns_with_null(part) for part in statement.selects]
        word = str(statement.keyword.value)
        if word.startswith("EXCEPT"):
            return parts[0]
        together = all if word.startswith("INTERSECT") else any
        return [together(column) for column in zip(*parts, strict=True)]
    if not isinstance(statement, ReturnsRows):
        return []
    optional = sources_of(statement).optional if isinstance(statement, Select) else []
    return [_has_null(_inner(column), optional) for column in statement.exported_columns]


def row_identity(statement: object, ordered: Sequence[ColumnElement[Any]] = ()) -> Columns | None:
    """Give columns that tell the rows of a statement apart; None where none are known.

    Those of a grouped, distinct or compound statement are among its selected columns.
    """
    if isinstance(statement, CompoundSelect):
        has_all = str(statement.keyword.value).endswith("ALL")
        return None if has_all else list(statement.selected_columns)
    if not isinstance(statement, Select):
        return None
    if part_of(statement, "_distinct") and not part_of(statement, "_distinct_on"):
        return list(statement.selected_columns)
    if _makes_rows(statement):
        return None
    grouped: tuple[ColumnElement[Any], ...] = part_of(statement, "_group_by_clauses")
    return list(grouped) if grouped else sources_of(statement).identity(ordered)


def position_of(expression: ColumnElement[Any], columns: Iterable[Any]) -> int | None:
    """Give the place of an expression among selected columns, also under a label."""
    wanted = _inner(expression)
    # A constant may be another one at the next call of the same statement: never taken as equal.
    is_fixed = not isinstance(wanted, Column) and not any(
        isinstance(part, BindParameter) for part in iterate(wanted)
    )
    for position, column in enumerate(columns):
        inner = _inner(column)
        if inner is wanted or (is_fixed and wanted.compare(inner)):
            return position
    return None


def part_of(statement: object, name: str) -> Any:  # noqa: ANN401 - whatever stands there
    """Give a part of a select that SQLAlchemy has no public name for; its version is pinned."""
    return getattr(statement, name, None)


def _has_null(column: object, optional: list[FromClause]) -> bool:
    if not isinstance(column, Column):
        return False
    table: Any = column.table
    if column.nullable or _among(table, optional):
        return True
    if not isinstance(table, Subquery | CTE):
        return False
    inner = columns_with_null(table.element)
    places = [place for place, own in enumerate(table.c) if own is column]
    return any(inner[place] for place in places if place < len(inner))


def _makes_rows(statement: Select[Any]) -> bool:
    return any(
        isinstance(element, Function) and element.name.lower() in _ROW_MAKERS
        for column in statement.selected_columns
        for element in iterate(column)
    )


def _operands(expression: Any) -> list[Any]:  # noqa: ANN401 - any expression
    """Give what an expression is made of when it is NULL only for NULL; nothing else."""
    if isinstance(expression, Label | Grouping):
        return [expression.element]
    if isinstance(expression, TypeCoerce):
        return [expression.clause]
    if isinstance(expression, Cast):
        return [expression.clause] if _is_plain(expression.clause) else []
    if isinstance(expression, BinaryExpression):
        if expression.operator is operators.collate:
            return [expression.left]
        if expression.operator in _STRICT_OPERATORS:
            return [expression.left, expression.right]
    return []


def _is_plain(expression: Any) -> bool:  # noqa: ANN401 - any expression
    """Whether PostgreSQL sees a type of which no value but NULL is cast to NULL."""
    while isinstance(expression, Label | Grouping | TypeCoerce):
        coerced = isinstance(expression, TypeCoerce)
        expression = expression.clause if coerced else expression.element
    type_ = expression.type
    while isinstance(type_, TypeDecorator) and not isinstance(type_, Interval):
        type_ = type_.impl_instance
    return isinstance(type_, _PLAIN_TYPES)


def _inner(expression: Any) -> Any:  # noqa: ANN401 - any expression
    if isinstance(expression, Label | Grouping):
        return _inner(expression.element)
    return expression


def _among(wanted: object, items: Iterable[object]) -> bool:
    return any(item is wanted for item in items)


def _collect(clause: FromClause, sources: Sources, *, is_optional: bool) -> list[FromClause]:
    if not isinstance(clause, Join):
        sources.leaves.append(clause)
        if is_optional:
            sources.optional.append(clause)
        return [clause]
    left = _collect(clause.left, sources, is_optional=is_optional or clause.full)
    right = _collect(
        clause.right, sources, is_optional=is_optional or clause.isouter or clause.full
    )
    if clause.full:
        return [*left, *right]
    equal = _equated(clause.onclause)
    # A row of the left side finds at most one on the right when a key of that is equated, ...
    if len(right) == 1 and _is_found_by_key(right[0], equal, left):
        sources.single.append(right[0])
    # ... and in an inner join the other way round.
    elif not clause.isouter:
        sources.single += [leaf for leaf in left if _is_found_by_key(leaf, equal, right)]
    return [*left, *right]


def _equated(condition: object) -> list[tuple[Any, Any]]:
    if isinstance(condition, Grouping):
        return _equated(condition.element)
    if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        return [pair for part in condition.clauses for pair in _equated(part)]
    if isinstance(condition, BinaryExpression) and condition.operator is operators.eq:
        return [(condition.left, condition.right), (condition.right, condition.left)]
    return []


def _is_found_by_key(
    leaf: FromClause, equal: list[tuple[Any, Any]], others: list[FromClause]
) -> bool:
    known = [one for one, other in equal if _among(getattr(other, "table", None), others)]
    return any(all(_among(column, known) for column in key) for key in _keys(leaf))


def _keys(leaf: FromClause) -> Iterable[Columns]:
    """Give each set of columns that no two rows share, the primary key first."""
    if isinstance(leaf, Subquery | CTE):
        inner = list(getattr(leaf.element, "selected_columns", ()))
        found = [position_of(column, inner) for column in row_identity(leaf.element) or ()]
        outer = list(leaf.c)
        if found and len(inner) == len(outer):
            places = [place for place in found if place is not None]
            if len(places) == len(found):
                yield [outer[place] for place in places]
        return
    table = leaf.element if isinstance(leaf, Alias) else leaf
    if not isinstance(table, Table):
        return
    sets: list[list[Column[Any]]] = [list(table.primary_key.columns)]
    sets += [list(c.columns) for c in table.constraints if isinstance(c, UniqueConstraint)]
    sets += [_index_columns(index) for index in table.indexes if index.unique]
    for columns in sets:
        if columns and not any(column.nullable for column in columns):
            yield [leaf.c[column.key] for column in columns]


def _index_columns(index: Index) -> list[Column[Any]]:
    """Give the columns of a unique index; none where it holds expressions or some rows alone."""
    is_partial = index.dialect_options["postgresql"]["where"] is not None
    columns = [c for c in index.expressions if isinstance(c, Column)]
    return [] if is_partial or len(columns) != len(index.expressions) else columns
