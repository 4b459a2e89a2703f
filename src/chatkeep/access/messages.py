"""Messages: `messages` in a user's scope, and `db.messages` for trusted code."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    column,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.types import TypeEngine

from chatkeep.access.paging import (
    END,
    START,
    check_direction,
    check_limit,
    page_of,
    read_cursor,
    write_cursor,
)
from chatkeep.access.rows import Rows, Values, Where, element_type
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import ChatNotFoundError, InvalidInputError, MessageNotFoundError
from chatkeep.inputs.deepsearch import NewMessage
from chatkeep.records.deepsearch import Chat, Message
from chatkeep.records.page import Page

MAX_APPEND = 1000
_MAX_SEQ = 2**63 - 1
_MIN_SEQ = -(2**63)


class MessageQueries:
    """The statements on messages, in a user's scope or (`is_scoped=False`) on all users' messages.

    Without a scope a chat's owner is looked up first, so that the same index serves.
    """

    def __init__(self, messages: Rows[Message], chats: Rows[Chat], *, is_scoped: bool) -> None:
        self.rows = messages
        self._chat = chats
        self._is_scoped = is_scoped
        self._appends: dict[tuple[str, ...], Query[Message]] = {}
        self._appends_of_one: dict[tuple[str, ...], Query[Message]] = {}
        self.by_key: Where = messages.equal("user_id", "id") if is_scoped else messages.equal("id")

    @cached_property
    def find(self) -> Query[Message]:
        """By id."""
        return self.rows.find(self.by_key)

    @cached_property
    def delete(self) -> Query[Message]:
        """By id."""
        return self.rows.delete(self.by_key)

    @cached_property
    def list_before(self) -> Query[Message]:
        """Those of a chat before a place, newest first."""
        seq = self.rows.table.c["seq"]
        where = and_(self._of_chat(), seq < bindparam("seq", type_=BigInteger()))
        return self._list("list_before", where, seq.desc())

    @cached_property
    def list_after(self) -> Query[Message]:
        """Those of a chat after a place, oldest first."""
        seq = self.rows.table.c["seq"]
        where = and_(self._of_chat(), seq > bindparam("seq", type_=BigInteger()))
        return self._list("list_after", where, seq)

    @cached_property
    def count(self) -> Query[int]:
        """Those of a chat; no row when there is no such chat."""
        messages = select(func.count()).select_from(self.rows.table).where(self._of_chat())
        clause = select(messages.scalar_subquery()).select_from(self._chat.table)
        return self.rows.count("count", clause.where(self._the_chat()))

    @cached_property
    def chat_exists(self) -> Query[int]:
        """One row when there is such a chat."""
        return self.rows.count(
            "chat_exists",
            select(column("1", is_literal=True))
            .select_from(self._chat.table)
            .where(self._the_chat()),
        )

    def append_one(self, names: tuple[str, ...]) -> Query[Message]:
        """Give the statement that moves the chat and inserts one message with these columns.

        What `append` does, without arrays: they cost more than the message.
        """
        query = self._appends_of_one.get(names)
        if query is None:
            moved = self._moved_chat()
            given = self.rows.parameters(dict.fromkeys(names))
            source = select(moved.c["id"], moved.c["user_id"], *given.values())
            clause = insert(self.rows.table).from_select(["chat_id", "user_id", *names], source)
            query = self.rows.query("append_one", clause.returning(*self.rows.columns))
            self._appends_of_one[names] = query
        return query

    def append(self, names: tuple[str, ...]) -> Query[Message]:
        """Give the statement that moves the chat and inserts messages with these columns.

        The insert is fed by the update's RETURNING: it waits for the chat's row, so the order of
        `seq` within a chat is the order of the commits.
        """
        query = self._appends.get(names)
        if query is None:
            table = self.rows.table
            moved = self._moved_chat()
            types = {name: element_type(table.c[name].type) for name in names}
            arrays = [bindparam(name, type_=ARRAY(types[name])) for name in names]
            given = (
                func.unnest(*arrays)
                .table_valued(
                    *(column(name, types[name]) for name in names),
                    with_ordinality="position",
                )
                .render_derived(name="given")
            )
            source = (
                select(
                    moved.c["id"],
                    moved.c["user_id"],
                    *(_stored(given.c[name], table.c[name].type) for name in names),
                )
                .select_from(moved.join(given, column("true", is_literal=True)))
                .order_by(given.c["position"])
            )
            clause = insert(table).from_select(["chat_id", "user_id", *names], source)
            query = self.rows.query("append", clause.returning(*self.rows.columns))
            self._appends[names] = query
        return query

    def _moved_chat(self) -> CTE:
        chat = self._chat.table
        return (
            update(chat)
            .where(self._the_chat())
            .values(self._chat.touch())
            .returning(chat.c["id"], chat.c["user_id"])
            .cte("moved")
        )

    def _list(self, name: str, where: Where, order: ColumnElement[Any]) -> Query[Message]:
        clause = select(*self.rows.columns).where(where).order_by(order)
        return self.rows.query(name, clause.limit(bindparam("limit", type_=Integer)))

    def _of_chat(self) -> Where:
        table, chat = self.rows.table, self._chat.table
        chat_id = bindparam("chat_id", type_=table.c["chat_id"].type)
        owner: Any = bindparam("user_id", type_=table.c["user_id"].type)
        if not self._is_scoped:
            owner = select(chat.c["user_id"]).where(chat.c["id"] == chat_id).scalar_subquery()
        return and_(table.c["user_id"] == owner, table.c["chat_id"] == chat_id)

    def _the_chat(self) -> Where:
        chat = self._chat.table
        by_id = chat.c["id"] == bindparam("chat_id", type_=chat.c["id"].type)
        if not self._is_scoped:
            return by_id
        return and_(chat.c["user_id"] == bindparam("user_id", type_=chat.c["user_id"].type), by_id)


class Messages:
    """Messages of one user; of all users where it is `db.messages`, for trusted code.

    Another user's chat or message is not found.
    """

    def __init__(
        self, runner: Runner, queries: MessageQueries, scope: Mapping[str, object] | None = None
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._scope: Mapping[str, object] = scope or {}

    async def append(self, chat_id: str, *messages: NewMessage) -> list[Message]:
        """Add messages to the end of a chat, in the order given, and give them as stored.

        All are stored in one statement, or none. The chat's `updated_at` moves, so `chats.list()`
        shows it first. Appends to one chat wait for each other, to the end of their transactions:
        `seq` follows the order of the commits, and a reader that follows it misses nothing.

        Args:
            chat_id: Which chat.
            messages: 1 to 1000.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            AlreadyExistsError: A message with this id exists.
            InvalidInputError: No message, or more than 1000, or something that is no message.
        """
        if not 1 <= len(messages) <= MAX_APPEND:
            raise InvalidInputError(
                f"append takes 1 to {MAX_APPEND} messages, not {len(messages)}.", field="messages"
            )
        if len(messages) == 1:
            return await self._append_one(chat_id, messages[0])
        rows = [self._queries.rows.new_values(message, "messages") for message in messages]
        names = tuple(rows[0])
        if any(row.keys() != rows[0].keys() for row in rows):
            names = tuple(dict.fromkeys(name for row in rows for name in row))
        values: Values = {name: [row.get(name) for row in rows] for name in names}
        values.update(self._scope, chat_id=chat_id)
        stored = await self._queries.append(names).all(self._runner, values)
        if not stored:
            raise _no_chat()
        return stored

    async def _append_one(self, chat_id: str, message: NewMessage) -> list[Message]:
        values = self._queries.rows.new_values(message, "messages")
        query = self._queries.append_one(tuple(values))
        values.update(self._scope, chat_id=chat_id)
        stored = await query.all(self._runner, values)
        if not stored:
            raise _no_chat()
        return stored

    async def list(
        self, chat_id: str, limit: int = 50, *, before: str | None = None, after: str | None = None
    ) -> Page[Message]:
        """Give a page of a chat's messages, newest first; with `after`, oldest first.

        `next_cursor` leads on with the same argument, `previous_cursor` turns round with the
        other one. An empty page costs a second statement, which tells an empty chat from none.

        Args:
            chat_id: Which chat.
            limit: At most so many, 1 to 1000.
            before: A cursor of this chat, or `END`: pages back from there.
            after: A cursor of this chat, or `START`: pages forward from there.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this chat.
        """
        check_direction("messages.list", after, before)
        table = self._queries.rows.table
        name = f"{table.name}\0{self._scope.get('user_id', '')}\0{chat_id}"
        values: Values = {**self._scope, "chat_id": chat_id, "limit": check_limit(limit) + 1}
        if after is None:
            query, begin, end = self._queries.list_before, END, START
            values["seq"] = _MAX_SEQ if before in (None, END) else _seq(before, name)
        else:
            query, begin, end = self._queries.list_after, START, END
            values["seq"] = _MIN_SEQ if after == START else _seq(after, name)
        rows = await query.all(self._runner, values)
        if not rows:
            await self._insist_on_chat(chat_id)
        given = before if after is None else after
        return page_of(
            rows,
            limit,
            lambda row: write_cursor(name, row.seq),
            after=None if given == begin else given,
            far_end=end,
        )

    async def get(self, message_id: str) -> Message:
        """Give a message.

        Raises:
            MessageNotFoundError: No such message, or it belongs to another user.
        """
        return _found(await self.find(message_id))

    async def find(self, message_id: str) -> Message | None:
        """Give a message, or None."""
        return await self._queries.find.first(self._runner, {**self._scope, "id": message_id})

    async def delete(self, message_id: str) -> None:
        """Delete a message. The chat's last activity stays what it is.

        Raises:
            MessageNotFoundError: No such message, or it belongs to another user.
        """
        _found(await self._queries.delete.first(self._runner, {**self._scope, "id": message_id}))

    async def count(self, chat_id: str) -> int:
        """Count the messages of a chat.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
        """
        values = {**self._scope, "chat_id": chat_id}
        number = await self._queries.count.first(self._runner, values)
        if number is None:
            raise _no_chat()
        return number

    async def _insist_on_chat(self, chat_id: str) -> None:
        values = {**self._scope, "chat_id": chat_id}
        if await self._queries.chat_exists.first(self._runner, values) is None:
            raise _no_chat()


def _stored(given: ColumnElement[Any], type_: TypeEngine[Any]) -> ColumnElement[Any]:
    """Give a column of `append` in its stored type: an array came as JSON, see `element_type`."""
    if not isinstance(type_, ARRAY):
        return given
    elements = func.jsonb_array_elements_text(given).column_valued("element")
    array = func.array(select(elements).scalar_subquery())
    return case((given.is_not(None), cast_to(array, type_)), else_=null())


def _seq(cursor: str | None, name: str) -> int:
    (seq,) = cast("Sequence[int]", read_cursor(cursor, name, (int,)))
    return seq


def _no_chat() -> ChatNotFoundError:
    return ChatNotFoundError("No such chat.")


def _found(message: Message | None) -> Message:
    if message is None:
        raise MessageNotFoundError("No such message.")
    return message
