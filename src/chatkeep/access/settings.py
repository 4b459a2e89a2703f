"""Settings of users: `db.settings`, and `settings` in a user's scope."""

from functools import cached_property
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DefaultClause,
    bindparam,
    case,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.sql.elements import TextClause

from chatkeep.access.rows import Rows, Values, set_values
from chatkeep.access.settings_memory import settings_memory
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import NotFoundError, ReferencedRowError, UserNotFoundError
from chatkeep.inputs.deepsearch import SettingsChanges
from chatkeep.inputs.text import check_id
from chatkeep.records.deepsearch import UserSettings


class SettingsQueries:
    """The statements on settings."""

    def __init__(self, settings: Rows[UserSettings], users: Rows[Any]) -> None:
        self.rows = settings
        self._users = users
        self._updates: dict[tuple[str, ...], Query[UserSettings]] = {}
        self._by_user = settings.equal("user_id")

    @cached_property
    def get(self) -> Query[UserSettings]:
        """The stored row, or the table's own defaults for a user who has none."""
        users, table = self._users.table, self.rows.table
        columns = [self._or_default(column) for column in self.rows.columns]
        clause = (
            select(*columns)
            .select_from(users.outerjoin(table, table.c["user_id"] == users.c["id"]))
            .where(users.c["id"] == bindparam("user_id"))
        )
        return self.rows.query("get", clause)

    @cached_property
    def find(self) -> Query[UserSettings]:
        """The stored row."""
        return self.rows.find(self._by_user)

    @cached_property
    def delete(self) -> Query[UserSettings]:
        """The stored row."""
        return self.rows.delete(self._by_user)

    def update(self, values: Values) -> Query[UserSettings]:
        """Give the upsert for this set of columns."""
        key = tuple(values)
        query = self._updates.get(key)
        if query is None:
            table = self.rows.table
            given = self.rows.parameters(values, "set_")
            clause = (
                insert_or(table)
                .values({"user_id": bindparam("user_id", type_=table.c["user_id"].type), **given})
                .on_conflict_do_update(
                    index_elements=[table.c["user_id"]], set_={**given, **self.rows.touch()}
                )
                .returning(*self.rows.columns)
            )
            query = self._updates[key] = self.rows.query("update", clause)
        return query

    def _or_default(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        users, table = self._users.table, self.rows.table
        if column.key == "user_id":
            return users.c["id"]
        if column.key in {"created_at", "updated_at"}:
            default: ColumnElement[Any] = users.c[column.key]
        else:
            server_default = table.c[column.key or ""].server_default
            if not isinstance(server_default, DefaultClause):
                return column  # NULL, as the row would have it
            default = _expression(server_default)
        absent = table.c["user_id"].is_(None)
        return case((absent, default), else_=column).label(column.key)


class Settings:
    """Preferences of any user, for trusted code; a request handler uses `db.as_user(id).settings`."""

    def __init__(self, runner: Runner, queries: SettingsQueries) -> None:
        self._runner = runner
        self._queries = queries

    async def get(self, user_id: str) -> UserSettings:
        """Give a user's settings: the stored ones, or the defaults while none are stored.

        Defaults carry the user's own `created_at` and `updated_at`. Stored settings cost one
        statement, defaults a second one.

        Raises:
            UserNotFoundError: No such user.
        """
        settings = await self.find(user_id)
        if settings is not None:
            return settings
        settings = await self._queries.get.first(self._runner, {"user_id": user_id})
        if settings is None:
            raise UserNotFoundError("No such user.")
        return settings

    async def cached(self, user_id: str) -> UserSettings:
        """Give a user's settings, as they were at most 30 seconds ago.

        This process remembers those of up to 10,000 users. What it changes itself by `update`,
        `create` and `delete` is seen at once; a change by another process, by SQL, or a deletion of
        the user after 30 seconds at the latest. In a transaction nothing is remembered: it is `get`.

        Raises:
            UserNotFoundError: No such user.
            InvalidInputError: It cannot be an id.
        """
        user_id = check_id(user_id, "user_id")
        if self._runner.background is None:
            return await self.get(user_id)
        memory = settings_memory(self._runner)
        found = memory.find(user_id)
        if found is None:
            version, read_at = memory.version, memory.clock()
            found = await self.get(user_id)
            memory.keep(found, version, read_at)
        return found

    async def find(self, user_id: str) -> UserSettings | None:
        """Give the stored settings, or None while none are stored."""
        return await self._queries.find.first(self._runner, {"user_id": user_id})

    async def create(self, user_id: str, given: SettingsChanges | None = None) -> UserSettings:
        """Store settings where none are stored: those given, and the defaults of the others.

        `update` does it too, whether some are stored or not.

        Raises:
            AlreadyExistsError: Some are stored.
            UserNotFoundError: No such user.
            InvalidInputError: They are not the changes of settings.
        """
        rows = self._queries.rows
        values = {
            "user_id": check_id(user_id, "user_id"),
            **rows.changed_values(SettingsChanges() if given is None else given),
        }
        return await self._write(rows.insert(values), values)

    async def update(self, user_id: str, changes: SettingsChanges) -> UserSettings:
        """Change the settings that were set; the others keep their value or their default.

        Raises:
            UserNotFoundError: No such user.
            InvalidInputError: They are not the changes of settings.
        """
        values = self._queries.rows.changed_values(changes)
        if not values:
            return await self.get(user_id)
        given = {**set_values(values), "user_id": check_id(user_id, "user_id")}
        return await self._write(self._queries.update(values), given)

    async def delete(self, user_id: str) -> None:
        """Delete the stored settings: the defaults hold again.

        Raises:
            NotFoundError: None are stored.
            InvalidInputError: It cannot be an id.
        """
        user_id = check_id(user_id, "user_id")
        try:
            gone = await self._queries.delete.first(self._runner, {"user_id": user_id})
        finally:
            self._changed(user_id)
        if gone is None:
            raise NotFoundError("No settings of this user are stored.")

    async def _write(self, query: Query[UserSettings], values: Values) -> UserSettings:
        try:
            settings = await query.first(self._runner, values)
        except ReferencedRowError as exc:
            raise UserNotFoundError("No such user.") from exc
        finally:
            self._changed(str(values["user_id"]))
        if settings is None:
            raise UserNotFoundError("No such user.")
        return settings

    def _changed(self, user_id: str) -> None:
        """Forget what `cached` knows, also when it is not known whether something was stored."""
        is_settled = self._runner.background is not None
        settings_memory(self._runner).drop(user_id, is_settled=is_settled)


def _expression(default: DefaultClause) -> ColumnElement[Any]:
    argument = default.arg
    if isinstance(argument, ColumnElement):
        return argument
    if isinstance(argument, TextClause):
        return literal_column(argument.text)
    return literal(str(argument))
