"""Chats: `chats` in a user's scope, and `db.chats` for trusted code."""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeVar, overload

from sqlalchemy import DateTime, Integer, bindparam, func, insert, select, tuple_
from sqlalchemy.sql.selectable import NamedFromClause

from chatkeep.access.paging import (
    END,
    START,
    check_direction,
    check_limit,
    page_of,
    read_cursor,
    write_cursor,
)
from chatkeep.access.rows import Rows, Values, Where, gathered_query, set_values
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import ChatNotFoundError, InvalidInputError
from chatkeep.inputs.deepsearch import ChatChanges, NewChat, NewMessage
from chatkeep.inputs.text import check_id
from chatkeep.records.deepsearch import Chat, ChatWithMessages, Message
from chatkeep.records.page import Page

FoundT = TypeVar("FoundT")

_PLACE = (datetime, str)
_EARLIEST = (datetime.min.replace(tzinfo=UTC), "")


class ChatQueries:
    """The statements on chats, in a user's scope or (`is_scoped=False`) on all users' chats."""

    def __init__(self, chats: Rows[Chat], messages: Rows[Message], *, is_scoped: bool) -> None:
        self.rows = chats
        self.messages = messages
        self._is_scoped = is_scoped
        self._creates: dict[tuple[tuple[str, ...], tuple[str, ...]], Query[Chat]] = {}
        keys = ("user_id", "id") if is_scoped else ("id",)
        self.by_key: Where = chats.equal(*keys)

    @cached_property
    def find(self) -> Query[Chat]:
        """By id."""
        return self.rows.find(self.by_key)

    @cached_property
    def get_with_messages(self) -> Query[ChatWithMessages]:
        """By id, with its first messages."""
        return gathered_query(
            "get_with_messages",
            self.rows,
            self.by_key,
            self.messages,
            self._first_messages(),
            ChatWithMessages,
        )

    @cached_property
    def list(self) -> Query[Chat]:
        """By last activity, from the latest on."""
        return self._list("list", None, is_back=False)

    @cached_property
    def list_after(self) -> Query[Chat]:
        """The next page: after a place of the list, which is before a time."""
        return self._list("list_after", operator.lt, is_back=False)

    @cached_property
    def list_before(self) -> Query[Chat]:
        """The page back: before a place of the list, the oldest activity first."""
        return self._list("list_before", operator.gt, is_back=True)

    @cached_property
    def delete(self) -> Query[Chat]:
        """By id."""
        return self.rows.delete(self.by_key)

    @cached_property
    def count(self) -> Query[int]:
        """All of the scope."""
        table = self.rows.table
        clause = select(func.count()).select_from(table)
        if self._is_scoped:
            clause = clause.where(table.c["user_id"] == bindparam("user_id"))
        return self.rows.count("count", clause)

    def update(self, values: Values) -> Query[Chat]:
        """Give the update for this set of columns, by id."""
        name = "update" if self._is_scoped else "update_any"  # the table's rows keep both
        return self.rows.update(values, self.by_key, name)

    def create_with_message(self, values: Values, first: Values) -> Query[Chat]:
        """Give the insert of a chat and its first message, in one statement."""
        key = (tuple(values), tuple(first))
        query = self._creates.get(key)
        if query is None:
            table = self.messages.table
            made = (
                insert(self.rows.table)
                .values(self.rows.parameters(values))
                .returning(*self.rows.columns)
                .cte("made")
            )
            given = self.messages.parameters(first, "message_")
            said = (
                insert(table)
                .from_select(
                    ["chat_id", "user_id", *first],
                    select(made.c["id"], made.c["user_id"], *given.values()),
                )
                .returning(table.c["id"])
                .cte("said")
            )
            clause = select(*made.c).add_cte(said)
            query = self._creates[key] = self.rows.query("create_with_message", clause)
        return query

    def _list(
        self, name: str, compare: Callable[[Any, Any], Where] | None, *, is_back: bool
    ) -> Query[Chat]:
        table = self.rows.table
        place = (table.c["updated_at"], table.c["id"])
        given = tuple_(
            bindparam("updated_at", type_=DateTime(timezone=True)),
            bindparam("id", type_=table.c["id"].type),
        )
        clause = select(*self.rows.columns)
        if compare is not None:
            clause = clause.where(compare(tuple_(*place), given))
        if self._is_scoped:
            clause = clause.where(table.c["user_id"] == bindparam("user_id"))
        ordered = clause.order_by(*(key if is_back else key.desc() for key in place))
        return self.rows.query(name, ordered.limit(bindparam("limit", type_=Integer)))

    def _first_messages(self) -> NamedFromClause:
        chat, table = self.rows.table, self.messages.table
        chat_id = bindparam("id", type_=chat.c["id"].type)
        owner: Any = bindparam("user_id", type_=chat.c["user_id"].type)
        if not self._is_scoped:
            owner = select(chat.c["user_id"]).where(chat.c["id"] == chat_id).scalar_subquery()
        return (
            select(*self.messages.columns)
            .where(table.c["user_id"] == owner, table.c["chat_id"] == chat_id)
            .order_by(table.c["seq"])
            .limit(bindparam("messages", type_=Integer))
            .subquery("first_messages")
        )


class AnyChats:
    """Chats of all users, for trusted code; a request handler uses `db.as_user(id).chats`."""

    def __init__(
        self, runner: Runner, queries: ChatQueries, scope: Mapping[str, object] | None = None
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._scope: Mapping[str, object] = scope or {}

    @overload
    async def get(self, chat_id: str) -> Chat: ...
    @overload
    async def get(self, chat_id: str, *, messages: int) -> ChatWithMessages: ...
    async def get(self, chat_id: str, *, messages: int | None = None) -> Chat | ChatWithMessages:
        """Give a chat; with `messages=100` with its first 100 messages, oldest first.

        One statement either way.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            InvalidInputError: `messages` is not from 1 to 1000.
        """
        if messages is None:
            return _found(await self.find(chat_id))
        values = {**self._scope, "id": chat_id, "messages": check_limit(messages, "messages")}
        return _found(await self._queries.get_with_messages.first(self._runner, values))

    async def find(self, chat_id: str) -> Chat | None:
        """Give a chat, or None."""
        return await self._queries.find.first(self._runner, {**self._scope, "id": chat_id})

    async def list(
        self, limit: int = 50, *, after: str | None = None, before: str | None = None
    ) -> Page[Chat]:
        """Give chats by last activity, the latest first.

        In a user's scope an index serves it. Of all users' chats it is a scan: for reports.

        Args:
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before. A chat with new activity moves to the front,
                behind the reader's back; no other is lost or shown twice.
            before: `previous_cursor` of the page after, or `END`: the page towards later
                activity, also the latest first.

        Raises:
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this list.
        """
        check_direction("chats.list", after, before)
        name = f"{self._queries.rows.table.name}\0{self._scope.get('user_id', '')}"
        values: Values = {**self._scope, "limit": check_limit(limit) + 1}
        query = self._queries.list
        if before is not None:
            query = self._queries.list_before
            place = _EARLIEST if before == END else read_cursor(before, name, _PLACE)
            values["updated_at"], values["id"] = place
        elif after is not None and after != START:
            query = self._queries.list_after
            values["updated_at"], values["id"] = read_cursor(after, name, _PLACE)
        rows = await query.all(self._runner, values)
        return page_of(
            rows,
            limit,
            lambda row: write_cursor(name, row.updated_at, row.id),
            after=after,
            before=before,
        )

    async def update(
        self, chat_id: str, changes: ChatChanges | None = None, *, title: str | None = None
    ) -> Chat:
        """Change a chat; `title="..."` is short for `ChatChanges(title="...")`.

        Its last activity moves to now. Without any field set nothing is written.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            InvalidInputError: The title is too long, or these are not the changes of a chat.
        """
        if changes is None:
            changes = ChatChanges() if title is None else ChatChanges(title=title)
        elif title is not None:
            raise InvalidInputError(
                "chats.update takes changes or a title, not both.", field="title"
            )
        rows = self._queries.rows
        values = rows.changed_values(changes)
        if not values:
            return await self.get(chat_id)
        query = self._queries.update(values)
        given = {**set_values(values), **self._scope, "id": chat_id}
        return _found(await query.first(self._runner, given))

    async def delete(self, chat_id: str) -> None:
        """Delete a chat with its messages.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
        """
        _found(await self._queries.delete.first(self._runner, {**self._scope, "id": chat_id}))

    async def count(self) -> int:
        """Count the chats."""
        return await self._queries.count.first(self._runner, self._scope) or 0

    async def _create(self, user_id: str, new: NewChat, first: NewMessage | None) -> Chat:
        queries = self._queries
        values: Values = {**queries.rows.new_values(new), "user_id": user_id}
        if first is None:
            return _found(await queries.rows.insert(values).first(self._runner, values))
        said = queries.messages.new_values(first, "first_message")
        query = queries.create_with_message(values, said)
        given = {**values, **{f"message_{name}": value for name, value in said.items()}}
        return _found(await query.first(self._runner, given))


class TrustedChats(AnyChats):
    """Chats of all users, for trusted code; a request handler uses `db.as_user(id).chats`."""

    async def create(
        self,
        user_id: str,
        new: NewChat | None = None,
        *,
        title: str | None = None,
        first_message: NewMessage | None = None,
    ) -> Chat:
        """Start a chat of a user; see `Chats.create`.

        Raises:
            ReferencedRowError: No such user.
            AlreadyExistsError: A chat (or message) with this id exists.
            InvalidInputError: The title is too long, the input is of another table, or both were
                given.
        """
        new = _new_chat(new, title)
        return await self._create(check_id(user_id, "user_id"), new, first_message)


class Chats(AnyChats):
    """Chats of one user. Another user's chat is not found."""

    async def create(
        self,
        new: NewChat | None = None,
        *,
        title: str | None = None,
        first_message: NewMessage | None = None,
    ) -> Chat:
        """Start a chat; `title="..."` is short for `NewChat(title="...")`, without it "New Chat".

        With `first_message` chat and message are stored in one statement, both or neither.

        Raises:
            ReferencedRowError: No such user.
            AlreadyExistsError: A chat (or message) with this id exists.
            InvalidInputError: The title is too long, the input is of another table, or both were
                given.
        """
        user_id = str(self._scope["user_id"])
        new = _new_chat(new, title)
        return await self._create(user_id, new, first_message)


def _new_chat(new: NewChat | None, title: str | None) -> NewChat:
    if new is None:
        return NewChat(title="New Chat" if title is None else title)
    if title is None:
        return new
    raise InvalidInputError("chats.create takes an input or a title, not both.", field="title")


def _found(chat: FoundT | None) -> FoundT:
    if chat is None:
        raise ChatNotFoundError("No such chat.")
    return chat
