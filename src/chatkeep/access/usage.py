"""The ledger of what answers used: `usage` in a user's scope, and `db.usage` for trusted code."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal, cast, overload

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from chatkeep.access.latest import Latest, LatestQueries
from chatkeep.access.rows import Rows, Values, Where
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import AlreadyExistsError, InvalidInputError, MessageNotFoundError
from chatkeep.inputs.deepsearch import NewUsage
from chatkeep.records.deepsearch import (
    DailyUsage,
    Message,
    MessageUsage,
    ModelUsage,
    UsageTotals,
)
from chatkeep.records.page import Page

_KEY = ("user_id", "message_id")
_SUMS = ("prompt_tokens", "completion_tokens", "total_tokens")
# The driver sends these as the infinities.
_FIRST, _LAST = datetime.min, datetime.max  # noqa: DTZ901 - the driver's own have none


class UsageQueries(LatestQueries[MessageUsage]):
    """The statements on usage, in a user's scope or (`is_scoped=False`) on all users'."""

    key = "message_id"

    def __init__(
        self, usage: Rows[MessageUsage], messages: Rows[Message], *, is_scoped: bool
    ) -> None:
        super().__init__(usage)
        self._message = messages.table
        self._is_scoped = is_scoped
        self._records: dict[tuple[str, ...], Query[MessageUsage]] = {}

    @cached_property
    def find(self) -> Query[MessageUsage]:
        """By message; without a scope as long as the message is there."""
        return self.rows.find(self._stored())

    @cached_property
    def totals(self) -> Query[UsageTotals]:
        """The sums of a time."""
        return self._totals("totals", UsageTotals, self._sums())

    @cached_property
    def totals_by_model(self) -> Query[ModelUsage]:
        """The sums of a time for each model, the most tokens first."""
        model = self.rows.table.c["model"]
        tokens = func.sum(self.rows.table.c["total_tokens"])
        clause = self._sums(model).group_by(model).order_by(tokens.desc(), model)
        return self._totals("totals_by_model", ModelUsage, clause, Field("", "model"))

    @cached_property
    def totals_by_day(self) -> Query[DailyUsage]:
        """The sums of a time for each of its days in UTC on which there was an answer."""
        # Written out: a parameter would be another one in GROUP BY.
        unit, zone = literal_column("'day'"), literal_column("'UTC'")
        day = func.date_trunc(unit, self.rows.table.c["created_at"], zone)
        clause = self._sums(day).group_by(day).order_by(day)
        return self._totals("totals_by_day", DailyUsage, clause, Field("", "day", _day))

    def record(self, values: Values) -> Query[MessageUsage]:
        """Give the statement that stores these columns, or gives what was stored before."""
        key = tuple(values)
        query = self._records.get(key)
        if query is None:
            message, usage = self._message, self.rows.table
            # An answer in the trash was paid for too.
            source = select(
                message.c["user_id"],
                message.c["id"],
                message.c["chat_id"],
                *self.rows.parameters(values).values(),
            ).where(self._of_message())
            added = (
                insert(usage)
                .from_select([*_KEY, "chat_id", *values], source)
                .on_conflict_do_nothing(index_elements=_KEY)
                .returning(*self.rows.columns)
                .cte("added")
            )
            stored = select(*self.rows.columns).where(self._stored(), ~exists(added.select()))
            clause = union_all(select(*added.c), stored)
            query = self._records[key] = self.rows.query("record", clause)
        return query

    def source(self) -> Select[Any]:
        """Give the usage of a time."""
        return select(*self.rows.columns).where(self._in_time())

    def _sums(self, *group: ColumnElement[Any]) -> Select[Any]:
        usage = self.rows.table
        sums = [func.coalesce(func.sum(usage.c[name]), 0).label(name) for name in _SUMS]
        return select(
            func.count().label("answers"), *sums, func.sum(usage.c["cost"]).label("cost"), *group
        ).where(self._in_time())

    def _totals(self, name: str, record: type[Any], clause: Select[Any], *group: Field) -> Any:  # noqa: ANN401 - a query of that record
        table = self.rows.table.name
        # A sum of whole numbers is numeric to PostgreSQL.
        sums = [Field(table, column, int) for column in _SUMS]
        fields = [Field(table, "answers"), *sums, Field(table, "cost"), *group]
        statement = compile_statement(f"{self.rows.name}.{name}", clause, has_keys=True)
        return Query(statement, Shape(record, fields))

    def _in_time(self) -> Where:
        created_at = self.rows.table.c["created_at"]
        since = bindparam("since", type_=DateTime(timezone=True))
        until = bindparam("until", type_=DateTime(timezone=True))
        during = and_(created_at >= since, created_at < until)
        return and_(self.rows.equal("user_id"), during) if self._is_scoped else during

    def _of_message(self) -> Where:
        message = self._message
        by_id = message.c["id"] == bindparam("message_id", type_=message.c["id"].type)
        if not self._is_scoped:
            return by_id
        user_id = bindparam("user_id", type_=message.c["user_id"].type)
        return and_(message.c["user_id"] == user_id, by_id)

    def _stored(self) -> Where:
        if self._is_scoped:
            return self.rows.equal(*_KEY)
        usage, message = self.rows.table, self._message
        owner = select(message.c["user_id"]).where(self._of_message()).scalar_subquery()
        return and_(usage.c["user_id"] == owner, self.rows.equal("message_id"))


class Usage:
    """What the answers of one user used; of all users where it is `db.usage`, for trusted code.

    It is a ledger: written once for each answer, never changed, and kept when the message or its
    chat is deleted. It goes with its user.
    """

    def __init__(
        self, runner: Runner, queries: UsageQueries, scope: Mapping[str, object] | None = None
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._scope: Mapping[str, object] = scope or {}

    async def record(self, message_id: str, new: NewUsage) -> MessageUsage:
        """Write down what an answer used, and give it as stored.

        Once for each answer: a second call with the same values gives what the first one stored,
        and adds nothing. Without `total_tokens` they are the sum of the two others. An answer in
        the trash was paid for too; one that was deleted for good is not found.

        Raises:
            MessageNotFoundError: No such message, or it belongs to another user.
            AlreadyExistsError: Other values were recorded for this answer.
            InvalidInputError: It is not the input of usage.
        """
        queries = self._queries
        values = queries.rows.new_values(new)
        if new.total_tokens is None:
            values["total_tokens"] = new.prompt_tokens + new.completion_tokens
        key: Values = {**self._scope, "message_id": message_id}
        stored = await queries.record(values).first(self._runner, {**values, **key})
        if stored is None:  # or it was recorded at the same time, and the statement did not see it
            stored = await self.find(message_id)
        if stored is None:
            raise MessageNotFoundError("No such message.")
        fields = type(new).model_fields
        if any(getattr(stored, name) != values.get(name) for name in fields):
            raise AlreadyExistsError(
                "message_usage: other values were recorded for this answer before.",
                hint="An answer is recorded once; an answer that is made anew is another message.",
                table="message_usage",
                fields=_KEY,
            )
        return stored

    async def find(self, message_id: str) -> MessageUsage | None:
        """Give what an answer used, or None where nothing was recorded.

        In a user's scope also after the message was deleted; without one, as long as it is there.
        """
        key = {**self._scope, "message_id": message_id}
        return await self._queries.find.first(self._runner, key)

    async def list(
        self,
        limit: int = 50,
        *,
        after: str | None = None,
        before: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Page[MessageUsage]:
        """Give a page of the ledger, the latest first.

        In a user's scope an index serves it. Of all users it is a scan: for reports.

        Args:
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before.
            before: `previous_cursor` of the page after, or `END`.
            since: Only what was recorded then or later.
            until: Only what was recorded before.

        Raises:
            InvalidInputError: The limit is out of bounds, both cursors were given, or a time has
                no zone.
            InvalidCursorError: The cursor is not one of this list.
        """
        user_id = str(self._scope.get("user_id", ""))
        pages = Latest(self._runner, self._queries, "usage.list", user_id)
        return await pages.page(self._time(since, until), limit, after, before)

    @overload
    async def totals(
        self, *, since: datetime | None = None, until: datetime | None = None, by: None = None
    ) -> UsageTotals: ...
    @overload
    async def totals(
        self, *, since: datetime | None = None, until: datetime | None = None, by: Literal["model"]
    ) -> "list[ModelUsage]": ...
    @overload
    async def totals(
        self, *, since: datetime | None = None, until: datetime | None = None, by: Literal["day"]
    ) -> "list[DailyUsage]": ...
    async def totals(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        by: Literal["model", "day"] | None = None,
    ) -> "UsageTotals | list[ModelUsage] | list[DailyUsage]":
        """Add up what answers used, as PostgreSQL reads it in one statement.

        Args:
            since: Only what was recorded then or later.
            until: Only what was recorded before.
            by: None: one sum. "model": one for each model, the most tokens first; `model` is None
                for answers without one. "day": one for each day in UTC that had an answer.

        Raises:
            InvalidInputError: A time has no zone, or `by` is something else.
        """
        queries, values = self._queries, self._time(since, until)
        if by not in {"model", "day", None}:
            raise InvalidInputError('by is "model", "day" or None.', field="by")
        if by == "model":
            return await queries.totals_by_model.all(self._runner, values)
        if by == "day":
            return await queries.totals_by_day.all(self._runner, values)
        (total,) = await queries.totals.all(self._runner, values)
        return total

    def _time(self, since: datetime | None, until: datetime | None) -> Values:
        start, end = _FIRST if since is None else since, _LAST if until is None else until
        return {**self._scope, "since": start, "until": end}


def _day(midnight: object) -> object:
    return cast("datetime", midnight).astimezone(UTC).date()
