"""Rows to records.

A shape is made once for each statement and called with all rows of an answer. Its loop is generated:
the columns of a row become names, the names arguments, with a reader's call where a column has one.
Measured on 51 messages, half of them with two JSON columns: a loop over lists 16.2 microseconds,
turning rows into columns 13.5, the generated loop 13.2, of which 7 are msgspec's; and it leaves the
garbage collector nothing but the rows, which counts when 64 tasks do it at once.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from chatkeep.errors import StoredDataError

R = TypeVar("R")

_Loop = Callable[[Iterable[Iterable[Any]]], list[Any]]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a shape: where it comes from, and what reads it.

    Attributes:
        table: Name of the table in the database, for errors.
        column: Name of the column, for errors.
        read: Turns the driver's value into ours; None where it is ours already. NULL stays None.
    """

    table: str
    column: str
    read: Callable[[Any], Any] | None = None


class Shape(Generic[R]):
    """Builds one object for each row, by position: field n of the record is column n of the row."""

    __slots__ = ("_fields", "_loop", "_one", "width")

    def __init__(self, make: Callable[..., R], fields: Sequence[Field]) -> None:
        self._fields = tuple(fields)
        self._one, self._loop = _generated(make, self._fields)
        self.width = len(self._fields)

    def many(self, rows: Iterable[Iterable[Any]]) -> list[R]:
        """Build a record for each row.

        Raises:
            StoredDataError: A stored value does not have the shape that its column promises.
        """
        rows = rows if isinstance(rows, list) else list(rows)
        try:
            return self._loop(rows)
        except (msgspec.MsgspecError, ValueError, LookupError) as exc:
            index = self._culprit(rows)
            if index is None:
                raise
            kind = type(exc).__name__
        # Outside of the except: as a context the error would still hold what was stored.
        raise self._unreadable(index) from _without_content(kind)

    def one(self, row: Iterable[Any]) -> R:
        """Build a record of one row.

        Raises:
            StoredDataError: A stored value does not have the shape that its column promises.
        """
        try:
            return self._one(*row)
        except (msgspec.MsgspecError, ValueError, LookupError):
            pass
        return self.many([row])[0]  # says which column it is

    def _culprit(self, rows: list[Iterable[Any]]) -> int | None:
        """Find the column whose reader refuses a value."""
        for row in rows:
            for index, (field, value) in enumerate(zip(self._fields, row, strict=True)):
                if field.read is not None and value is not None:
                    try:
                        field.read(value)
                    except (msgspec.MsgspecError, ValueError, LookupError):
                        return index
        return None

    def _unreadable(self, index: int) -> StoredDataError:
        field = self._fields[index]
        return StoredDataError(
            f'A stored value in table "{field.table}", column "{field.column}", '
            "does not have the shape that the schema promises.",
            hint="Another program may have written it; correct the row, or widen the column's type.",
        )


class NestedShape(Generic[R]):
    """Builds a parent with its children from one row: the parent's columns, then one array a child column.

    Measured with 100 children of 9 columns, against two statements (376 microseconds): an array for
    each column 389, JSON 467, joined rows 446, an array of rows 540. And an array keeps the exact
    type of each column, which JSON does not.
    """

    __slots__ = ("_child", "_make", "_parent")

    def __init__(self, make: Callable[..., R], parent: Sequence[Field], child: Shape[Any]) -> None:
        self._make = make
        self._parent = Shape(_collect, parent)
        self._child = child

    def one(self, row: Iterable[Any]) -> R:
        """Build the parent and its children.

        Raises:
            StoredDataError: A stored value does not have the shape that its column promises.
        """
        width = self._parent.width
        values = tuple(row)
        children: list[Any] = []
        if values[width] is not None:  # array_agg of no rows is NULL
            children = self._child.many(zip(*values[width:], strict=True))
        return self._make(*self._parent.one(values[:width]), children)

    def many(self, rows: Iterable[Iterable[Any]]) -> list[R]:
        """Build each parent and its children.

        Raises:
            StoredDataError: A stored value does not have the shape that its column promises.
        """
        return [self.one(row) for row in rows]


class JoinedShape(Generic[R]):
    """Builds one parent with its children from the rows of an outer join.

    Each row has the parent's columns, then a child's. For a handful of children that is less work
    than arrays: a user with two accounts 34 microseconds, with arrays 39.
    """

    __slots__ = ("_child", "_key", "_make", "_parent")

    def __init__(
        self, make: Callable[..., R], parent: Sequence[Field], child: Shape[Any], key: int
    ) -> None:
        """Keep what builds them; `key` is the place of a child's column that is never NULL."""
        self._make = make
        self._parent = Shape(_collect, parent)
        self._child = child
        self._key = self._parent.width + key

    def whole(self, rows: Sequence[Any]) -> R:
        """Build the parent and its children of all rows, of which there is at least one.

        Raises:
            StoredDataError: A stored value does not have the shape that its column promises.
        """
        width, first = self._parent.width, rows[0]
        children: list[Any] = []
        if first[self._key] is not None:
            children = self._child.many([row[width:] for row in rows])
        return self._make(*self._parent.one(first[:width]), children)


def _generated(
    make: Callable[..., Any], fields: Sequence[Field]
) -> tuple[Callable[..., Any], _Loop]:
    """Generate what builds one record of its columns, and the loop over rows.

    Nothing of a caller's stands in their text, only numbers.
    """
    names = ", ".join(f"v{index}" for index in range(len(fields)))
    given = ", ".join(
        f"v{index}"
        if field.read is None
        else f"None if v{index} is None else read{index}(v{index})"
        for index, field in enumerate(fields)
    )
    known: dict[str, object] = {f"read{index}": field.read for index, field in enumerate(fields)}
    scope = {"make": make, **known}
    one: Callable[..., Any] = eval(f"lambda {names}: make({given})", scope)  # noqa: S307 - see above
    loop: _Loop = eval(f"lambda rows: [make({given}) for {names}, in rows]", scope)  # noqa: S307 - see above
    return one, loop


def _collect(*values: object) -> tuple[object, ...]:
    return values


def _without_content(kind: str) -> Exception:
    """Give an error that names the kind of another, and repeats nothing of what was stored."""
    return msgspec.ValidationError(f"{kind} while reading the stored value")
