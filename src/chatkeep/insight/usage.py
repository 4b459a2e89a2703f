"""What answers used: by user, by model and day; and what stands in metadata alone."""

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import (
    ColumnElement,
    Integer,
    Numeric,
    Table,
    bindparam,
    cast,
    exists,
    func,
    literal_column,
    select,
)

from chatkeep.access.catalogue import Catalogue, catalogue_of
from chatkeep.engine.query import Query
from chatkeep.errors import ConfigError, InvalidInputError
from chatkeep.insight.period import Period
from chatkeep.insight.reading import as_day, day_of, during, query_of, read, times
from chatkeep.records.base import Record
from chatkeep.schema.schema import Schema

_SUMS = ("prompt_tokens", "completion_tokens", "total_tokens")
_WHOLE = dict.fromkeys(_SUMS, int)  # a sum of whole numbers is numeric to PostgreSQL
_MOST = 1000
_AnySchema: TypeAlias = Schema[Any, Any, Any, Any]


class UsageSums(Record, rename="camel"):
    """What several answers used.

    Attributes:
        answers: How many.
        cost: In the currency that the application counts in; None where no answer has one.
        priced: How many of the answers have a cost: where fewer, the sum is not of all.
    """

    answers: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: Decimal | None
    priced: int


class ModelSums(UsageSums):
    """What the answers of one model used; None for those that were recorded without."""

    model: str | None


class DaySums(UsageSums):
    """What the answers of one day in UTC used."""

    day: date


class UserSums(UsageSums):
    """What the answers of one user used. The name is None where they gave none."""

    user_id: str
    name: str | None
    email: str | None


class MetadataSums(Record, rename="camel"):
    """Tokens that stand in `message.metadata` alone, of one model."""

    model: str | None
    answers: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class UsageFigureQueries:
    """The statements of one schema."""

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        """Find the tables.

        Raises:
            ConfigError: The schema has no ledger.
        """
        tables = catalogue.schema.tables
        if "message_usage" not in tables:
            raise ConfigError(
                "The schema has no table `message_usage`.",
                hint="`chatkeep.presets.deepsearch` has it, in the hardened edition.",
            )
        self.usage, self._users = tables["message_usage"], tables["users"]
        self.message = tables["messages"]

    @cached_property
    def totals(self) -> Query[UsageSums]:
        """All of a time."""
        return query_of(
            "usage.totals", select(*self._sums()).where(self._during()), UsageSums, **_WHOLE
        )

    @cached_property
    def by_model(self) -> Query[ModelSums]:
        """The models with the most tokens first, no more than `limit`."""
        model, tokens = self.usage.c["model"], func.sum(self.usage.c["total_tokens"])
        clause = (
            select(*self._sums(), model)
            .where(self._during())
            .group_by(model)
            .order_by(tokens.desc(), model)
            .limit(bindparam("limit", type_=Integer()))
        )
        return query_of("usage.by_model", clause, ModelSums, **_WHOLE)

    @cached_property
    def by_day(self) -> Query[DaySums]:
        """Each day with an answer."""
        day = day_of(self.usage.c["created_at"])
        clause = (
            select(*self._sums(), day.label("day"))
            .where(self._during())
            .group_by(day)
            .order_by(day)
        )
        return query_of("usage.by_day", clause, DaySums, day=as_day, **_WHOLE)

    @cached_property
    def by_user(self) -> Query[UserSums]:
        """The users with the most tokens first, no more than `limit`: these alone are looked up."""
        user_id = self.usage.c["user_id"]
        tokens = func.sum(self.usage.c["total_tokens"])
        most = (
            select(*self._sums(), user_id)
            .where(self._during())
            .group_by(user_id)
            .order_by(tokens.desc(), user_id)
            .limit(bindparam("limit", type_=Integer()))
            .subquery("most")
        )
        user = self._users
        clause = (
            select(*most.c, user.c["name"], user.c["email"])
            .select_from(most.outerjoin(user, user.c["id"] == most.c["user_id"]))
            .order_by(most.c["total_tokens"].desc(), most.c["user_id"])
        )
        return query_of("usage.by_user", clause, UserSums, **_WHOLE)

    @cached_property
    def in_metadata(self) -> Query[MetadataSums]:
        """Answers with tokens in their metadata and no row in the ledger, by model.

        A check of the table says that each count is a number.
        """
        message, usage = self.message, self.usage
        model = _metadata(message, "model").label("model")
        sums = [
            func.coalesce(func.sum(cast(_metadata(message, "tokens", part), Numeric())), 0).label(
                f"{part}_tokens"
            )
            for part in ("prompt", "completion", "total")
        ]
        recorded = exists(
            select(usage.c["message_id"]).where(
                usage.c["user_id"] == message.c["user_id"],
                usage.c["message_id"] == message.c["id"],
            )
        )
        clause = (
            select(model, func.count().label("answers"), *sums)
            .where(
                during(message.c["created_at"]),
                _metadata(message, "tokens", "total").is_not(None),
                ~recorded,
            )
            .group_by(model)
            .order_by(func.count().desc(), model)
            .limit(bindparam("limit", type_=Integer()))
        )
        return query_of("usage.in_metadata", clause, MetadataSums, **_WHOLE)

    def _sums(self) -> list[ColumnElement[Any]]:
        column = self.usage.c
        return [
            func.count().label("answers"),
            *(func.coalesce(func.sum(column[name]), 0).label(name) for name in _SUMS),
            func.sum(column["cost"]).label("cost"),
            func.count(column["cost"]).label("priced"),
        ]

    def _during(self) -> ColumnElement[bool]:
        return during(self.usage.c["created_at"])


def _metadata(message: Table, *path: str) -> ColumnElement[str]:
    # Written out: a parameter would be another one in GROUP BY.
    keys = [literal_column(f"'{key}'") for key in path]
    return func.jsonb_extract_path_text(message.c["metadata"], *keys)


def usage_figure_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> UsageFigureQueries:
    """Give the statements of a schema: they are compiled once, for all databases."""
    return catalogue.kept(UsageFigureQueries)


def usage_table(schema: _AnySchema, *, in_metadata: bool = False) -> Table:
    """Give the table that a figure reads.

    Raises:
        ConfigError: The schema has no ledger.
    """
    queries = usage_figure_queries(catalogue_of(schema))
    return queries.message if in_metadata else queries.usage


class UsageFigures:
    """What answers used in a period, as the ledger has it.

    Each figure reads the ledger's rows of the period, over all of it where no index begins with
    `created_at`: give the connection's transaction a time-out.

    Raises:
        ConfigError: The schema has no ledger.
    """

    def __init__(self, connection: asyncpg.Connection, schema: _AnySchema, period: Period) -> None:
        self._connection = connection
        self._queries = usage_figure_queries(catalogue_of(schema))
        self._times = times(period)

    async def totals(self) -> UsageSums:
        """Add all of it up."""
        (found,) = await read(self._connection, self._queries.totals, self._times)
        return found

    async def by_model(self, limit: int = 50) -> list[ModelSums]:
        """Give the models with the most tokens, these first."""
        return await read(self._connection, self._queries.by_model, self._at_most(limit))

    async def by_day(self) -> list[DaySums]:
        """Give each day with an answer, the earliest first."""
        return await read(self._connection, self._queries.by_day, self._times)

    async def by_user(self, limit: int = 50) -> list[UserSums]:
        """Give the users with the most tokens, these first."""
        return await read(self._connection, self._queries.by_user, self._at_most(limit))

    async def in_metadata(self, limit: int = 50) -> list[MetadataSums]:
        """Give what stands in `message.metadata` alone, by model: the seeds' writers keep it there.

        This reads the messages of the period. There is no cost: metadata has none.
        """
        return await read(self._connection, self._queries.in_metadata, self._at_most(limit))

    def _at_most(self, limit: int) -> dict[str, object]:
        if not 1 <= limit <= _MOST:
            raise InvalidInputError(f"`limit` is from 1 to {_MOST}.", field="limit")
        return {**self._times, "limit": limit}
