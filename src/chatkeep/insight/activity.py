"""What happened on each day: messages, chats, users; of all rows, or of a sample of them."""

from datetime import date
from functools import cached_property
from typing import Any, Literal, TypeAlias

import asyncpg
from sqlalchemy import ColumnElement, Float, FromClause, Table, bindparam, distinct, func, select

from chatkeep.access.catalogue import Catalogue, catalogue_of
from chatkeep.engine.query import Query
from chatkeep.errors import ConfigError
from chatkeep.insight.advice import name_of
from chatkeep.insight.period import Period
from chatkeep.insight.reading import as_day, day_of, during, query_of, read, times
from chatkeep.records.base import Record
from chatkeep.schema.schema import Schema

What: TypeAlias = Literal["messages", "chats", "users", "active"]
"""Messages by role; new chats; new users; users who wrote."""

SAMPLED = 200_000
"""About so many rows a sample has."""
_AnySchema: TypeAlias = Schema[Any, Any, Any, Any]


class DayCount(Record, rename="camel"):
    """How many there were on a day in UTC.

    Attributes:
        role: Of messages; None of others.
    """

    day: date
    count: int
    role: str | None = None


class ActivityQueries:
    """The statements of one schema. A table that it lacks is named when it is asked for."""

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        self._tables = catalogue.schema.tables

    @cached_property
    def messages(self) -> Query[DayCount]:
        """By day and role, those in the trash too: they were written."""
        return self._by_role("messages", self._table("messages"))

    @cached_property
    def messages_of_sample(self) -> Query[DayCount]:
        """The same of a share of the table's pages."""
        return self._by_role("messages_of_sample", _sample(self._table("messages")))

    @cached_property
    def chats(self) -> Query[DayCount]:
        """New ones by day."""
        return self._new("chats", self._table("chats"))

    @cached_property
    def chats_of_sample(self) -> Query[DayCount]:
        """The same of a share of the table's pages."""
        return self._new("chats_of_sample", _sample(self._table("chats")))

    @cached_property
    def users(self) -> Query[DayCount]:
        """New ones by day."""
        return self._new("users", self._table("users"))

    @cached_property
    def users_of_sample(self) -> Query[DayCount]:
        """The same of a share of the table's pages."""
        return self._new("users_of_sample", _sample(self._table("users")))

    @cached_property
    def active(self) -> Query[DayCount]:
        """Users by day who wrote; answers do not count."""
        message = self._table("messages")
        day = day_of(message.c["created_at"])
        clause = (
            select(day.label("day"), func.count(distinct(message.c["user_id"])).label("count"))
            .where(during(message.c["created_at"]), message.c["role"] == "user")
            .group_by(day)
            .order_by(day)
        )
        return query_of("activity.active", clause, DayCount, day=as_day)

    def query(self, what: What, *, is_sample: bool) -> Query[DayCount]:
        """Give the statement of a figure; users who wrote are not to be had of a sample."""
        query: Query[DayCount] = getattr(self, f"{what}_of_sample" if is_sample else what)
        return query

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            raise ConfigError(
                f"The schema has no table `{name}`.",
                hint="`chatkeep.presets.deepsearch` has users, chats and messages.",
            )
        return self._tables[name]

    def table_of(self, what: What) -> Table:
        """Give the table that a figure reads.

        Raises:
            ConfigError: The schema has none.
        """
        return self._table("messages" if what == "active" else what)

    def _by_role(self, name: str, table: FromClause) -> Query[DayCount]:
        day, role = day_of(table.c["created_at"]), table.c["role"]
        clause = (
            select(day.label("day"), _count(), role)
            .where(during(table.c["created_at"]))
            .group_by(day, role)
            .order_by(day, role)
        )
        return query_of(f"activity.{name}", clause, DayCount, day=as_day)

    def _new(self, name: str, table: FromClause) -> Query[DayCount]:
        day = day_of(table.c["created_at"])
        clause = (
            select(day.label("day"), _count())
            .where(during(table.c["created_at"]))
            .group_by(day)
            .order_by(day)
        )
        return query_of(f"activity.{name}", clause, DayCount, day=as_day)


def _count() -> ColumnElement[int]:
    return func.count().label("count")


def _sample(table: Table) -> FromClause:
    return table.tablesample(func.system(bindparam("percent", type_=Float())), name="sample")


def activity_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> ActivityQueries:
    """Give the statements of a schema: they are compiled once, for all databases."""
    return catalogue.kept(ActivityQueries)


def activity_table(schema: _AnySchema, what: What) -> Table:
    """Give the table that a figure reads.

    Raises:
        ConfigError: The schema has none.
    """
    return activity_queries(catalogue_of(schema)).table_of(what)


async def read_activity(
    connection: asyncpg.Connection, schema: _AnySchema, what: What, period: Period
) -> list[DayCount]:
    """Count by day; days without any are left out.

    It reads all of the table where no index begins with its `created_at`: give the connection's
    transaction a time-out.

    Raises:
        ConfigError: The schema has no such table.
    """
    query = activity_queries(catalogue_of(schema)).query(what, is_sample=False)
    return await read(connection, query, times(period))


async def sample_activity(
    connection: asyncpg.Connection,
    schema: _AnySchema,
    what: Literal["messages", "chats", "users"],
    period: Period,
) -> tuple[list[DayCount], float]:
    """Estimate by day from a share of the table's pages, taken by chance.

    Returns:
        The counts, extrapolated; and which share of the rows was read, from above 0 to 1.

    Raises:
        ConfigError: The schema has no such table.
    """
    queries = activity_queries(catalogue_of(schema))
    table = queries.table_of(what)
    rows = await connection.fetchval(
        "select c.reltuples::float8 from pg_catalog.pg_class c where c.oid = to_regclass($1)",
        name_of(table),
    )
    share = min(1.0, SAMPLED / rows) if rows and rows > 0 else 1.0
    values = {**times(period), "percent": share * 100}
    found = await read(connection, queries.query(what, is_sample=True), values)
    return [DayCount(each.day, round(each.count / share), each.role) for each in found], share
