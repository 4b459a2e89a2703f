"""The statements of a sweep: a walk for each kind of row, in bounded steps along an index.

A walk reads a window of so many rows in the order of an index and gives the keys of those that may
go by their age: no statement reads more than a window, however few of its rows are old. `look`
then says of such keys which policy takes the row away and what goes with it; it is asked again
under the lock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Integer,
    Label,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    false,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.types import TypeEngine

from chatkeep.engine.compile import Statement, compile_statement
from chatkeep.personal.sweep_belongings import Belonging, Belongings
from chatkeep.personal.sweep_rules import Number, Where

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Walk:
    """One kind of row, and how it is found, looked at, locked and removed.

    Attributes:
        name: The table's attribute of the schema.
        key: Columns by which a row is named.
        order: Columns of the index along which the walk goes; the key is among them.
        takes: Numbers of the policies whose rows it removes.
        children: Tables whose rows go with a row, in the order in which `look` counts them.
        window: The keys of the next rows that may go, and how far it read.
        look: Policy, time and counts of those keys whose rows go.
        lock: Locks rows by key, passing over those that somebody holds, and gives their keys.
        remove: Removes rows by key; gives how many.
        start: Where the walk begins.
    """

    name: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    takes: frozenset[int]
    children: tuple[str, ...]
    window: Statement
    look: Statement
    lock: Statement
    remove: Statement
    start: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """What the statements on one table have in common.

    Attributes:
        name: The table's attribute of the schema.
        table: The table.
        key: Columns by which a row is named.
        source: The table joined with what its rule looks at.
        number: The rule.
        at: The time that a report tells.
        belongings: What the foreign keys take along.
    """

    name: str
    table: Table
    key: tuple[str, ...]
    source: Any
    number: Number
    at: ColumnElement[Any]
    belongings: Belongings

    @property
    def children(self) -> list[Belonging]:
        """The tables whose rows go with its rows."""
        return self.belongings.of(self.name)


def window(
    name: str, order: Sequence[ColumnElement[Any]], is_in: Where, may_go: Where
) -> Statement:
    """Compile the read of the next rows behind a place, in the order of an index.

    It gives those that may go and, with `is_last`, the last one that it read.

    Args:
        name: Of the statement.
        order: Columns of the index.
        is_in: Which of the table's rows the index holds.
        may_go: Which of the rows that are read may go.
    """
    places = [bindparam(f"after_{column.key}", type_=column.type) for column in order]
    read = (
        select(*order, may_go.label("may_go"))
        .where(is_in, tuple_(*order) > tuple_(*places))
        .order_by(*order)
        .limit(bindparam("limit", type_=Integer()))
        .cte("read")
    )
    names = [read.c[column.key or ""] for column in order]
    old = select(*names, false().label("is_last")).where(read.c["may_go"])
    last = select(*names, true().label("is_last"))
    last = last.order_by(*(column.desc() for column in names)).limit(1)
    return compile_statement(f"sweep.{name}_window", union_all(old, last.subquery("last").select()))


def look(kind: Kind) -> Statement:
    """Compile the look at rows by key: which of them go, why, since when, and with what."""
    counts = _counts(kind)
    given = given_keys(kind)
    clause = (
        select(*_keys(kind), kind.number.label("policy"), kind.at.label("at"), *counts)
        .select_from(kind.source.join(given, is_given(kind, given)))
        .where(kind.number.is_not(None))
    )
    return compile_statement(f"sweep.{kind.name}_look", clause)


def lock(kind: Kind, held: Table | None = None) -> Statement:
    """Compile the lock of rows by key, or of what `held` is; who is held by somebody is left out."""
    given = given_keys(kind)
    clause = select(*_keys(kind)).select_from(kind.source.join(given, is_given(kind, given)))
    of = kind.table if held is None else held
    clause = clause.with_for_update(of=of, key_share=held is not None, skip_locked=True)
    return compile_statement(f"sweep.{kind.name}_lock", clause)


def remove(kind: Kind) -> Statement:
    """Compile the removal of rows by key."""
    given = given_keys(kind)
    clause = delete(kind.table).where(is_given(kind, given))
    gone = clause.returning(literal_column("1").label("one")).cte("gone")
    return compile_statement(f"sweep.{kind.name}_remove", select(func.count()).select_from(gone))


def sums(kind: Kind) -> Statement:
    """Compile the count of what goes with rows by key."""
    given = given_keys(kind)
    counts = _counts(kind)
    one = select(*counts, true().label("is"))
    one = one.select_from(kind.table.join(given, is_given(kind, given)))
    each = one.subquery("each")
    totals = [
        func.coalesce(func.sum(each.c[count.name]), 0).cast(BigInteger()).label(count.name)
        for count in counts
    ]
    return compile_statement(f"sweep.{kind.name}_sums", select(*totals, func.count(each.c["is"])))


def start(columns: Sequence[ColumnElement[Any]]) -> tuple[object, ...]:
    """Give a place before every row."""
    return tuple(_first(column.type) for column in columns)


def _first(type_: TypeEngine[Any]) -> object:
    """Give the first value of a type, in the order of an index."""
    if isinstance(type_, String):
        return ""
    if isinstance(type_, LargeBinary):
        return b""
    if isinstance(type_, BigInteger):
        return -(2**63)
    if isinstance(type_, Integer):
        return -(2**31)
    return date.min if isinstance(type_, Date) else _LONG_AGO


def _counts(kind: Kind) -> list[Label[int]]:
    return [
        kind.belongings.count(child, kind.table).label(f"n_{number}")
        for number, child in enumerate(kind.children)
    ]


def given_keys(kind: Kind) -> Any:  # noqa: ANN401 - a table of values
    """Give the keys of a call as a table."""
    columns = [kind.table.c[name] for name in kind.key]
    types = [Text() if isinstance(c.type, String) else c.type for c in columns]
    arrays = [
        bindparam(f"given_{name}", type_=ARRAY(type_))
        for name, type_ in zip(kind.key, types, strict=True)
    ]
    return func.unnest(*arrays).table_valued(*kind.key).render_derived(name="given")


def is_given(kind: Kind, given: Any) -> Where:  # noqa: ANN401 - a table of values
    """Say that a row is among the keys of a call."""
    return and_(true(), *(kind.table.c[name] == given.c[name] for name in kind.key))


def _keys(kind: Kind) -> list[ColumnElement[Any]]:
    return [kind.table.c[name] for name in kind.key]
