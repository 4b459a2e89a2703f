"""Sessions: `db.sessions`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
)

from chatkeep.access.devices import DeviceCount, device_of
from chatkeep.access.paging import (
    END,
    START,
    check_direction,
    check_limit,
    page_of,
    read_cursor,
    write_cursor,
)
from chatkeep.access.rows import Rows, Values, Where
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import SessionNotFoundError
from chatkeep.inputs.base import Changes, Input
from chatkeep.inputs.text import check_id
from chatkeep.records.base import Record
from chatkeep.records.page import Page

SessionT = TypeVar("SessionT", bound=Record)
NewSessionT = TypeVar("NewSessionT", bound=Input)

_NEWEST = datetime.max.replace(tzinfo=UTC)
_OLDEST = datetime.min.replace(tzinfo=UTC)


class SessionQueries(Generic[SessionT]):
    """The statements on sessions. Their token is `session_token` in one preset, `token` in the other."""

    def __init__(self, sessions: Rows[SessionT]) -> None:
        self.rows = sessions
        columns = sessions.table.c
        self.key = "token" if "token" in columns else "session_token"
        self.ends = columns["expires_at" if "expires_at" in columns else "expires"]
        self.by_key = sessions.equal(self.key)

    @cached_property
    def find(self) -> Query[SessionT]:
        """By key."""
        return self.rows.find(self.by_key)

    @cached_property
    def delete(self) -> Query[SessionT]:
        """By key."""
        return self.rows.delete(self.by_key)

    @cached_property
    def list(self) -> Query[SessionT]:
        """Those of a user, newest first.

        The key is a secret, so the place of a row is told by its hash.
        """
        return self._list("list", is_back=False)

    @cached_property
    def list_before(self) -> Query[SessionT]:
        """The page back: after a place, the oldest first."""
        return self._list("list_before", is_back=True)

    @cached_property
    def count(self) -> Query[int]:
        """All live ones."""
        clause = select(func.count()).select_from(self.rows.table)
        return self.rows.count("count", clause.where(self._is_live()))

    @cached_property
    def count_of_user(self) -> Query[int]:
        """Live ones of a user."""
        clause = select(func.count()).select_from(self.rows.table)
        return self.rows.count("count_of_user", clause.where(self._is_mine(), self._is_live()))

    @cached_property
    def count_by_agent(self) -> Query[DeviceCount]:
        """Live ones of a user, by what the browser said of itself."""
        table = self.rows.table
        agent = table.c["user_agent"]
        clause = (
            select(agent, func.count(), func.max(table.c["updated_at"]))
            .where(self._is_mine(), self._is_live())
            .group_by(agent)
        )
        statement = compile_statement(f"{self.rows.name}.count_by_agent", clause, has_keys=True)
        fields = [Field(table.name, name) for name in ("user_agent", "count", "updated_at")]
        return Query(statement, Shape(DeviceCount, fields))

    def _is_mine(self) -> Where:
        user_id = self.rows.table.c["user_id"]
        condition: Where = user_id == bindparam("user_id", type_=user_id.type)
        return condition

    def _is_live(self) -> Where:
        condition: Where = self.ends > func.now()
        return condition

    def _list(self, name: str, *, is_back: bool) -> Query[SessionT]:
        table = self.rows.table
        place: tuple[ColumnElement[Any], ...] = (
            table.c["created_at"],
            func.encode(
                func.sha256(func.convert_to(table.c[self.key], literal_column("'UTF8'"))),
                literal_column("'hex'"),
            ),
        )
        given = tuple_(
            bindparam("created_at", type_=DateTime(timezone=True)),
            bindparam("hash", type_=Text()),
        )
        clause = (
            select(*self.rows.columns)
            .where(
                table.c["user_id"] == bindparam("user_id"),
                tuple_(*place) > given if is_back else tuple_(*place) < given,
            )
            .order_by(*(key if is_back else key.desc() for key in place))
            .limit(bindparam("limit", type_=Integer))
        )
        return self.rows.query(name, clause)


class Sessions(Generic[SessionT, NewSessionT]):
    """Sign-ins of users. The token is a secret.

    An expired session is given like any other: compare its time of expiry.
    """

    def __init__(self, runner: Runner, queries: SessionQueries[SessionT]) -> None:
        self._runner = runner
        self._queries = queries

    async def create(self, new: NewSessionT) -> SessionT:
        """Record a sign-in.

        Raises:
            AlreadyExistsError: The token is in use.
            ReferencedRowError: No such user.
            InvalidInputError: It is not the input of this schema's sessions.
        """
        values = self._queries.rows.new_values(new)
        return _found(await self._queries.rows.insert(values).first(self._runner, values))

    async def get(self, token: str) -> SessionT:
        """Give a session.

        Raises:
            SessionNotFoundError: No such session.
        """
        return _found(await self.find(token))

    async def find(self, token: str) -> SessionT | None:
        """Give a session, or None."""
        return await self._queries.find.first(self._runner, {self._queries.key: token})

    async def list(
        self,
        user_id: str,
        limit: int = 50,
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[SessionT]:
        """Give a user's sessions, newest first.

        Args:
            user_id: Whose. An unknown user has none.
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before.
            before: `previous_cursor` of the page after, or `END`: the page towards newer ones,
                also newest first.

        Raises:
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this list.
        """
        check_direction("sessions.list", after, before)
        name = f"{self._queries.rows.table.name}\0{user_id}"
        cursor, query, start, place = after, self._queries.list, START, _NEWEST
        if before is not None:
            cursor, query, start, place = before, self._queries.list_before, END, _OLDEST
        created_at, hashed = (
            (place, "") if cursor in (None, start) else read_cursor(cursor, name, (datetime, str))
        )
        values = {
            "user_id": user_id,
            "created_at": created_at,
            "hash": hashed,
            "limit": check_limit(limit) + 1,
        }
        rows = await query.all(self._runner, values)
        return page_of(rows, limit, lambda row: self._cursor(name, row), after=after, before=before)

    async def count(self, user_id: str | None = None) -> int:
        """Count the live sessions of a user, or of all.

        Raises:
            InvalidInputError: It cannot be a user's id.
        """
        queries = self._queries
        if user_id is None:
            return await queries.count.first(self._runner, {}) or 0
        values: Values = {"user_id": check_id(user_id, "user_id")}
        return await queries.count_of_user.first(self._runner, values) or 0

    async def count_by_device(self, user_id: str) -> Sequence[DeviceCount]:
        """Count a user's live sessions by kind of device, most of them first. One statement.

        Sessions that a library of the front end began count too, as far as it stores what the
        browser says of itself: Better Auth does, Auth.js does not, and its are those of None.

        Raises:
            InvalidInputError: It cannot be a user's id.
        """
        found: dict[str | None, DeviceCount] = {}
        values: Values = {"user_id": check_id(user_id, "user_id")}
        for row in await self._queries.count_by_agent.all(self._runner, values):
            device = device_of(row.device)
            seen = found.setdefault(device, DeviceCount(device, 0, row.used_at))
            seen.sessions += row.sessions
            seen.used_at = max(seen.used_at, row.used_at)
        return sorted(found.values(), key=lambda each: (-each.sessions, each.device or ""))

    async def update(self, token: str, changes: Changes) -> SessionT:
        """Change the fields that were set, such as a later expiry.

        Raises:
            SessionNotFoundError: No such session.
            InvalidInputError: They are not the changes of a session.
        """
        queries = self._queries
        key: Values = {queries.key: token}
        return _found(
            await queries.rows.change(self._runner, queries.find, queries.by_key, key, changes)
        )

    async def delete(self, token: str) -> None:
        """End a session.

        Raises:
            SessionNotFoundError: No such session.
        """
        _found(await self._queries.delete.first(self._runner, {self._queries.key: token}))

    def _cursor(self, name: str, row: SessionT) -> str:
        created_at: datetime = getattr(row, "created_at")  # noqa: B009 - the preset's record has it
        token: str = getattr(row, self._queries.key)
        return write_cursor(name, created_at, sha256(token.encode()).hexdigest())


def _found(session: SessionT | None) -> SessionT:
    if session is None:
        raise SessionNotFoundError("No such session.")
    return session
