"""The statements on our own sessions, in the table that the libraries' sessions are in too."""

from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    update,
)

from chatkeep.access.catalogue import Catalogue
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query

R = TypeVar("R")


class Stored(NamedTuple):
    """A row of a session without its token; `now` is the time of the database."""

    user_id: str
    created_at: datetime
    updated_at: datetime
    ends_at: datetime
    ip_address: str | None
    user_agent: str | None
    now: datetime


class Listed(NamedTuple):
    """A row of any session without its token."""

    hash: str
    row_id: str | None
    user_agent: str | None
    created_at: datetime
    updated_at: datetime
    ends_at: datetime
    ip_address: str | None


class OwnSessionQueries:
    """The statements of one schema. Every time is the database's.

    Whether a session has ended is asked at the time of the statement: in a transaction `now()` stands
    still, and what has ended since would be found, and extended.
    """

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        self._table: Table = catalogue.sessions.rows.table
        self._users: Table = catalogue.users.rows.table
        self._token = self._table.c[catalogue.sessions.key]
        self._ends = catalogue.sessions.ends
        self.has_id = "id" in self._table.c

    @cached_property
    def find(self) -> Query[Stored]:
        """By token, if it has not expired. One parameter: what else there is to say, Python says."""
        clause = select(*self._columns()).where(
            self._is_the_one(), self._ends > func.statement_timestamp()
        )
        return self._query("find", clause, Stored)

    @cached_property
    def extend(self) -> Query[int]:
        """Move the end of a session that has the end that was seen; waits for nobody."""
        seen = bindparam("seen", type_=DateTime(timezone=True))
        held = (
            select(self._token)
            .where(self._is_the_one(), self._ends == seen)
            .with_for_update(key_share=True, skip_locked=True)
            .cte("held")
        )
        clause = (
            update(self._table)
            .where(self._token == held.c[self._token.key])
            .values({self._ends: bindparam("extended", type_=DateTime(timezone=True))})
            .values(self._touched())
            .returning(literal_column("1"))
        )
        return self._query("extend", clause, int)

    @cached_property
    def may_extend(self) -> Query[bool]:
        """Say whether the transaction may write: an update would break one that only reads."""
        setting = func.current_setting(literal_column("'transaction_read_only'"))
        clause = select((setting == literal_column("'off'")).label("may_extend"))
        return self._query("may_extend", clause, bool)

    @cached_property
    def hold(self) -> Query[str]:
        """Lock the user, so that of their sessions one begins at a time."""
        user = self._users
        clause = select(user.c["id"]).where(user.c["id"] == bindparam("user_id", type_=Text()))
        return self._query("hold", clause.with_for_update(key_share=True), str)

    @cached_property
    def create(self) -> Query[Stored]:
        """Begin a session."""
        return self._query("create", self._insert(), Stored)

    @cached_property
    def create_within(self) -> Query[Stored]:
        """Begin a session; of the user's live ones only the newest stay."""
        table = self._table
        doomed = (
            select(self._token)
            .where(self._is_mine(), self._ends > func.now())
            .order_by(table.c["created_at"].desc(), self._token.desc())
            .offset(bindparam("kept", type_=Integer()))
            .cte("doomed")
        )
        gone = delete(table).where(self._token.in_(select(doomed.c[self._token.key])))
        clause = self._insert().add_cte(gone.cte("gone"))
        return self._query("create_within", clause, Stored)

    @cached_property
    def rotate(self) -> Query[Stored]:
        """Give a live session another token and a later end: of two that try, one gets it."""
        longest = func.least(func.now() + bindparam("lifetime", type_=Interval()), self._last())
        is_live = func.least(self._ends, self._last()) > func.statement_timestamp()
        clause = (
            update(self._table)
            .where(self._is_the_one(), is_live)
            .values({self._token: bindparam("new_token", type_=self._token.type)})
            .values({self._ends: longest, **self._touched()})
            .returning(*self._columns())
        )
        return self._query("rotate", clause, Stored)

    @cached_property
    def end(self) -> Query[int]:
        """End a session, by token."""
        clause = delete(self._table).where(self._is_the_one()).returning(literal_column("1"))
        return self._query("end", clause, int)

    @cached_property
    def revoke(self) -> Query[int]:
        """End a session of a user, by its id."""
        clause = delete(self._table).where(self._is_mine(), self._is_named())
        return self._query("revoke", clause.returning(literal_column("1")), int)

    @cached_property
    def revoke_all(self) -> Query[int]:
        """End all sessions of a user but those that are named, and count them."""
        gone = (
            delete(self._table)
            .where(self._is_mine(), ~self._is_named())
            .returning(literal_column("1").label("one"))
            .cte("gone")
        )
        return self._query("revoke_all", select(func.count()).select_from(gone), int)

    @cached_property
    def list(self) -> Query[Listed]:
        """Live ones of a user, newest first."""
        return self._list("list", is_back=False)

    @cached_property
    def list_before(self) -> Query[Listed]:
        """The page back: after a place, the oldest first."""
        return self._list("list_before", is_back=True)

    def _list(self, name: str, *, is_back: bool) -> Query[Listed]:
        table = self._table
        place = (table.c["created_at"], self._hash())
        given = tuple_(
            bindparam("created_at", type_=DateTime(timezone=True)), bindparam("hash", type_=Text())
        )
        clause = (
            select(
                self._hash().label("hash"),
                (table.c["id"] if self.has_id else cast(null(), Text())).label("row_id"),
                *(table.c[each] for each in ("user_agent", "created_at", "updated_at")),
                self._ends,
                table.c["ip_address"],
            )
            .where(self._is_mine(), self._ends > func.statement_timestamp())
            .where(tuple_(*place) > given if is_back else tuple_(*place) < given)
            .order_by(*(key if is_back else key.desc() for key in place))
            .limit(bindparam("limit", type_=Integer()))
        )
        return self._query(name, clause, Listed)

    def _hash(self) -> ColumnElement[str]:
        """Give a session's id: the token itself never leaves the database."""
        text = func.convert_to(self._token, literal_column("'UTF8'"))
        return func.encode(func.sha256(text), literal_column("'hex'"))

    def _is_mine(self) -> ColumnElement[bool]:
        user_id = self._table.c["user_id"]
        condition: ColumnElement[bool] = user_id == bindparam("user_id", type_=user_id.type)
        return condition

    def _is_named(self) -> ColumnElement[bool]:
        """Say that a session has one of these ids; where rows have ids of their own, those too."""
        ids = any_(bindparam("ids", type_=ARRAY(Text())))
        names = [self._hash(), *([self._table.c["id"]] if self.has_id else [])]
        return or_(*(name == ids for name in names))

    def _insert(self) -> Any:  # noqa: ANN401 - an insert that returns rows
        table = self._table
        given = [self._token, table.c["user_id"], table.c["ip_address"], table.c["user_agent"]]
        if self.has_id:
            given.append(table.c["id"])
        values: dict[Any, Any] = {
            column: bindparam("token" if column is self._token else column.key, type_=column.type)
            for column in given
        }
        values[self._ends] = func.now() + bindparam("lifetime", type_=Interval())
        return insert(table).values(values).returning(*self._columns())

    def _columns(self) -> tuple[ColumnElement[Any], ...]:
        """Give the columns of `Stored`."""
        column = self._table.c
        return (
            *(column[name] for name in ("user_id", "created_at", "updated_at")),
            self._ends.label("ends_at"),
            column["ip_address"],
            column["user_agent"],
            func.statement_timestamp().label("now"),
        )

    def _last(self) -> ColumnElement[Any]:
        """Give how long a session may last at all."""
        last: ColumnElement[Any] = self._table.c["created_at"] + bindparam(
            "maximum", type_=Interval()
        )
        return last

    def _is_the_one(self) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = self._token == bindparam("token", type_=self._token.type)
        return condition

    def _touched(self) -> dict[ColumnElement[Any], ColumnElement[datetime]]:
        column = self._table.c["updated_at"]
        return {column: func.greatest(column, func.current_timestamp())}

    def _query(self, name: str, clause: Any, make: type[R]) -> Query[R]:  # noqa: ANN401 - of any kind
        statement = compile_statement(f"auth.sessions.{name}", clause, has_keys=True)
        fields = [Field(self._table.name, field) for field in getattr(make, "_fields", ("one",))]
        return Query(statement, Shape(make, fields))


def own_session_queries(catalogue: Catalogue[Any, Any, Any, Any]) -> OwnSessionQueries:
    """Give the statements of a schema: they are compiled once, for all databases."""
    return catalogue.kept(OwnSessionQueries)
