"""What a request asks of a table's rows, read from its address."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from starlette.requests import Request

from chatkeep.errors import InvalidInputError
from chatkeep.studio.answering import number
from chatkeep.studio.refusing import TooMuchError
from chatkeep.studio.rows.catalog import Field, Relation

MOST_ROWS = 500
MOST_COLUMNS = 500
"""PostgreSQL gives at most 1664 columns, and a cell takes two of them."""
_MOST_CONDITIONS = 50
_MOST_VALUES = 1000

Op = Literal[
    "=", "!=", "<", "<=", ">", ">=", "contains", "starts", "in", "null", "notnull", "exists",
    "missing", "includes", "has",
]  # fmt: skip
Sort = list[tuple[str, Literal["asc", "desc"]]]


class Condition(msgspec.Struct, forbid_unknown_fields=True):
    """One comparison, or `any`: a group of which one is enough."""

    column: str | None = None
    op: Op = "="
    value: str | list[str] | None = None
    path: list[str] | None = None
    any: list["Condition"] | None = None


Filter = list[Condition]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows, in which order, and what of them.

    Attributes:
        fields: The columns to be read.
        backwards: The page ends where the cursor points, or at the table's end.
        scan: A big table may be gone through.
    """

    fields: tuple[Field, ...]
    sort: Sort
    filter: Filter
    quick: str
    limit: int = 100
    cursor: str | None = None
    backwards: bool = False
    scan: bool = False

    @property
    def is_filtered(self) -> bool:
        """Whether rows are left out."""
        return bool(self.filter or self.quick)


def asked_of(request: Request, relation: Relation) -> Asked:
    """Read what the address says of rows.

    Raises:
        InvalidInputError: It says something that is not understood.
        NoSuchThingError: It names a column that there is not.
    """
    query = request.query_params
    after, before = query.get("after"), query.get("before")
    return Asked(
        chosen(relation, _list(request, "columns", list[str] | None)),
        checked_sort(relation, _list(request, "sort", Sort | None) or []),
        checked_filter(_list(request, "filter", Filter | None) or []),
        query.get("q", ""),
        number(request, "limit", 100, MOST_ROWS),
        before or after,
        backwards=bool(before) or query.get("end") == "1",
        scan=query.get("scan") == "1",
    )


def chosen(relation: Relation, names: list[str] | None) -> tuple[Field, ...]:
    """Give the columns of these names; for None all, or the first 500.

    Raises:
        NoSuchThingError: There is none of a name.
        TooMuchError: There are more than 500 names.
    """
    if names is None:
        return tuple(relation.fields.values())[:MOST_COLUMNS]
    if len(names) > MOST_COLUMNS:
        raise TooMuchError(f"At most {MOST_COLUMNS} columns are read at once.")
    return tuple(relation.field(name) for name in dict.fromkeys(names))


def checked_sort(relation: Relation, sort: Sort) -> Sort:
    """Refuse a sort by what has no order, or by a secret, whose order tells of its value.

    Raises:
        InvalidInputError: A column of it cannot be sorted by.
        NoSuchThingError: There is no such column.
    """
    for name, _ in sort:
        field = relation.field(name)
        if field.secret or not field.sortable:
            why = "is a secret" if field.secret else f"is {field.type}, which has no order"
            raise InvalidInputError(f"Rows cannot be sorted by {name}: it {why}.", field=name)
    if len({name for name, _ in sort}) != len(sort) or len(sort) > 16:
        raise InvalidInputError("A sort names at most 16 columns, each once.", field="sort")
    return sort


def checked_filter(filter_: Filter) -> Filter:
    """Refuse a filter that is longer than somebody would write.

    Raises:
        InvalidInputError: It is, or a group stands inside of a group.
    """
    flat = [each for one in filter_ for each in (one.any if one.any is not None else [one])]
    if len(flat) > _MOST_CONDITIONS:
        raise InvalidInputError(f"A filter has at most {_MOST_CONDITIONS} parts.", field="filter")
    for each in flat:
        if each.column is None:
            raise InvalidInputError("A part of the filter names no column.", field="filter")
        if isinstance(each.value, list) and len(each.value) > _MOST_VALUES:
            raise InvalidInputError(f"A list has at most {_MOST_VALUES} values.", field=each.column)
    return filter_


def _list(request: Request, name: str, type_: Any) -> Any:  # noqa: ANN401 - msgspec's
    text = request.query_params.get(name)
    return decoded(text, name, type_) if text else None


def decoded(text: str, name: str, type_: Any) -> Any:  # noqa: ANN401 - msgspec's
    """Read JSON that stands in an address.

    Raises:
        InvalidInputError: It is none of this form.
    """
    try:
        return msgspec.json.decode(text, type=type_)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        refused = InvalidInputError(f"`{name}` is no JSON of the form that is taken.", field=name)
    raise refused
