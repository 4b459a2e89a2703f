"""Running a statement of ours on a connection that the caller has bounded."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import ColumnElement, DateTime, Select, and_, bindparam, func, literal_column

from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.insight.period import Period

R = TypeVar("R")


async def read(
    connection: asyncpg.Connection, query: Query[R], values: Mapping[str, object]
) -> list[R]:
    """Give all rows of a statement that has its own bound.

    Args:
        connection: In a transaction with a `statement_timeout`: some figures read whole tables.
        query: The statement.
        values: Its parameters, by name.
    """
    statement = query.statement
    rows = await connection.fetch(statement.sql, *statement.arguments(values))
    return query.shape.many([tuple(row) for row in rows])


def query_of(
    name: str,
    clause: Select[*tuple[Any, ...]],
    make: type[R],
    **readers: Callable[[Any], object],
) -> Query[R]:
    """Compile a statement whose columns have the names and the order of the fields of `make`."""
    statement = compile_statement(f"insight.{name}", clause, is_kept=False, has_keys=True)
    columns = [column.name for column in clause.selected_columns]
    return Query(statement, Shape(make, [Field("", each, readers.get(each)) for each in columns]))


def during(column: ColumnElement[datetime]) -> ColumnElement[bool]:
    """Say that a time is within the period of `times`."""
    since = bindparam("since", type_=DateTime(timezone=True))
    until = bindparam("until", type_=DateTime(timezone=True))
    return and_(column >= since, column < until)


def times(period: Period) -> dict[str, object]:
    """Give the parameters that `during` asks for."""
    return {"since": period.since, "until": period.until}


def day_of(column: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Give the beginning of a time's day in UTC; written out, so that GROUP BY knows it again."""
    return func.date_trunc(literal_column("'day'"), column, literal_column("'UTC'"))


def as_day(midnight: datetime) -> date:
    """Read what `day_of` gave."""
    return midnight.astimezone(UTC).date()
