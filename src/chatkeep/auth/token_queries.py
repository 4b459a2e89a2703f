"""The statements on tokens for one use, in the table that the libraries' tokens are in too."""

from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Interval,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
)

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.rows import COUNT_SHAPE
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query

_YES: Shape[bool] = Shape(bool, [Field("", "is_good")])


class TokenQueries:
    """The statements of one schema: `verification_tokens`, or `verifications` of Better Auth.

    Attributes:
        longest: Characters that an identifier's column takes; None where there is no bound.
        has_id: Rows have an id of their own.
    """

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        tables = catalogue.schema.tables
        is_auth_js = "verification_tokens" in tables or "verifications" not in tables
        name = "verification_tokens" if is_auth_js else "verifications"
        self._table = catalogue.rows(name).table
        columns = self._table.c
        self._token: ColumnElement[Any] = columns["token" if is_auth_js else "value"]
        self._ends: ColumnElement[Any] = columns["expires" if is_auth_js else "expires_at"]
        self.longest: int | None = getattr(columns["identifier"].type, "length", None)
        self.has_id = "id" in columns

    @cached_property
    def hold(self) -> Query[bool]:
        """Let of an identifier's tokens one at a time be issued: wait for the other transaction."""
        key = func.hashtextextended(
            self._given("identifier"), cast(literal_column("0"), BigInteger)
        )
        locked = func.pg_advisory_xact_lock(key).is_not(None)
        return Query(compile_statement("auth.tokens.hold", select(locked)), _YES)

    @cached_property
    def issue(self) -> Query[int]:
        """Store a token; of the identifier's others only the newest live ones stay."""
        table = self._table
        newest = (
            select(self._token)
            .where(self._is_theirs(), self._ends > func.now())
            .order_by(table.c["created_at"].desc(), self._token.desc())
            .limit(bindparam("kept", type_=Integer()))
        )
        gone = delete(table).where(self._is_theirs(), self._token.not_in(newest))
        names = ["identifier", *(["id"] if self.has_id else [])]
        values: dict[Any, Any] = {table.c[name]: self._given(name) for name in names}
        values[self._token] = self._given("token")
        values[self._ends] = func.now() + bindparam("lifetime", type_=Interval())
        # Not the time at which the transaction began: it may have waited for another one since.
        values[table.c["created_at"]] = func.clock_timestamp()
        clause = insert(table).values(values).add_cte(gone.cte("gone"))
        return self._query("issue", clause.returning(literal_column("1")))

    @cached_property
    def use(self) -> Query[bool]:
        """Take a token away, and with a good one all others of its identifier; say if it was good.

        Of several that try at once, with whichever token, one gets it. Whether it has expired is asked
        at the time of the statement: in a transaction `now()` stands still.
        """
        now = func.statement_timestamp()
        other = self._table.alias("other")
        token, ends = other.c[self._token.key or ""], other.c[self._ends.key or ""]
        is_good = exists(
            select(literal_column("1")).where(
                other.c["identifier"] == self._given("identifier"),
                token == self._given("token"),
                ends > now,
            )
        )
        is_it = self._token == self._given("token")
        gone = (
            delete(self._table)
            .where(self._is_theirs(), or_(is_it, is_good))
            .returning(and_(is_it, self._ends > now).label("is_good"), is_it.label("is_it"))
            .cte("gone")
        )
        clause = select(gone.c["is_good"]).where(gone.c["is_it"])
        statement = compile_statement("auth.tokens.use", clause, has_keys=True)
        return Query(statement, _YES)

    @cached_property
    def revoke(self) -> Query[int]:
        """Take all tokens of an identifier away, and count them."""
        gone = (
            delete(self._table)
            .where(self._is_theirs())
            .returning(literal_column("1").label("one"))
            .cte("gone")
        )
        return self._query("revoke", select(func.count()).select_from(gone))

    def _is_theirs(self) -> ColumnElement[bool]:
        column: ColumnElement[Any] = self._table.c["identifier"]
        condition: ColumnElement[bool] = column == self._given("identifier")
        return condition

    def _given(self, name: str) -> ColumnElement[Any]:
        return bindparam(name, type_=Text())

    def _query(self, name: str, clause: Any) -> Query[int]:  # noqa: ANN401 - of any kind
        return Query(compile_statement(f"auth.tokens.{name}", clause, has_keys=True), COUNT_SHAPE)


def token_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> TokenQueries:
    """Give the statements of a schema: they are compiled once, for all databases."""
    return catalogue.kept(TokenQueries)
