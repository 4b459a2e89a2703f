"""The statements on what is in the trash: into it, out of it, and away for good.

Each locks the chat first, as every change of its messages does. Where a message must not slip in
between the lock and what follows, the lock is a statement of its own: the next one sees everything
that was stored before it was given.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    any_,
    bindparam,
    delete,
    func,
    null,
    select,
    update,
)

from chatkeep.access.latest import LatestQueries
from chatkeep.access.rows import Rows, Where
from chatkeep.access.trash_removal import PurgeQueries, Removal, belongs, ids
from chatkeep.access.trashed import is_trashed, trashed_record
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.records.base import Record
from chatkeep.records.deepsearch import Chat, Message, TrashedChat, TrashedMessage

R = TypeVar("R", bound=Record)

_FLAGS: Shape[bool] = Shape(bool, [Field("message", "deleted_at")])


class ChatTrashQueries:
    """The statements on chats, in a user's scope or (`is_scoped=False`) on all users' chats."""

    def __init__(
        self,
        chats: Rows[Chat],
        messages: Rows[Message],
        tables: Mapping[str, Table],
        *,
        is_scoped: bool,
    ) -> None:
        self.purge = PurgeQueries(chats, messages, tables["chat_shares"])
        self._rows = chats
        self._messages = messages
        self._is_scoped = is_scoped
        trashed = Rows(chats.name, chats.table, trashed_record(chats.record, TrashedChat))
        self.pages = TrashPages(trashed, select(*trashed.columns), is_scoped=is_scoped)

    @cached_property
    def mark(self) -> Query[Chat]:
        """A chat goes into the trash; its messages follow."""
        chat = self._rows.table
        clause = update(chat).where(self._by_id(), self._rows.live)
        clause = clause.values(deleted_at=func.clock_timestamp(), revision=chat.c["revision"] + 1)
        return self._rows.query("delete", clause.returning(*self._rows.columns))

    @cached_property
    def mark_messages(self) -> Query[Message]:
        """What is left of a chat's messages goes into the trash with it, at the same time."""
        chat, message = self._rows.table, self._messages.table
        clause = update(message).where(
            self._by_id(), is_trashed(chat), belongs(message, chat), self._messages.live
        )
        clause = clause.values(deleted_at=chat.c["deleted_at"])
        return self._messages.query("delete_with_chat", clause)

    @cached_property
    def hold(self) -> Query[Chat]:
        """Lock a chat in the trash."""
        chat = self._rows.table
        clause = select(*self._rows.columns).where(self._by_id(), is_trashed(chat))
        return self._rows.query("hold", clause.with_for_update(of=chat, key_share=True))

    @cached_property
    def restore(self) -> Query[Chat]:
        """A chat comes back, with the messages that went with it."""
        chat, message = self._rows.table, self._messages.table
        back = (
            update(message)
            .where(
                self._by_id(),
                belongs(message, chat),
                message.c["deleted_at"] == chat.c["deleted_at"],
            )
            .values(deleted_at=null())
            .returning(message.c["id"])
            .cte("back")
        )
        clause = update(chat).where(self._by_id(), is_trashed(chat))
        clause = clause.values(deleted_at=null(), revision=chat.c["revision"] + 1)
        return self._rows.query("restore", clause.returning(*self._rows.columns).add_cte(back))

    @cached_property
    def remove(self) -> Query[Chat]:
        """A chat goes for good, from wherever it is; its messages go with it."""
        chat = self._rows.table
        clause = delete(chat).where(self._by_id()).returning(*self._rows.columns)
        return self._rows.query("delete_hard", clause)

    def _by_id(self) -> Where:
        return _keys(self._rows, is_scoped=self._is_scoped)


class MessageTrashQueries:
    """The statements on messages, in a user's scope or (`is_scoped=False`) of all users."""

    def __init__(
        self,
        messages: Rows[Message],
        chats: Rows[Chat],
        tables: Mapping[str, Table],
        *,
        is_scoped: bool,
    ) -> None:
        self.purge = PurgeQueries(chats, messages, tables["chat_shares"])
        self._rows = messages
        self._chat = chats
        self._shares = tables["chat_shares"]
        self._is_scoped = is_scoped
        record = trashed_record(messages.record, TrashedMessage)
        trashed = Rows(messages.name, messages.table, record)
        clause = select(*trashed.columns).join(chats.table, belongs(messages.table, chats.table))
        clause = clause.where(chats.live)  # what went with its chat comes back with it alone
        self.pages = TrashPages(trashed, clause, is_scoped=is_scoped)

    @cached_property
    def mark(self) -> Query[Message]:
        """A message goes into the trash, and stays where it is in its branch."""
        return self._moved("delete", self._rows.live, func.clock_timestamp())

    @cached_property
    def restore(self) -> Query[Message]:
        """A message comes back to its place, unless its chat is in the trash."""
        return self._moved("restore", is_trashed(self._rows.table), null())

    @cached_property
    def hold(self) -> Query[int]:
        """Lock the chat of a message, wherever the message is."""
        chat, message = self._chat.table, self._rows.table
        clause = select(chat.c["revision"]).join(message, belongs(message, chat))
        clause = clause.where(_keys(self._rows, is_scoped=self._is_scoped))
        return self._rows.count("hold", clause.with_for_update(of=chat, key_share=True))

    @cached_property
    def remove(self) -> Query[int]:
        """Messages go for good; gives how many. Their chats are locked already."""
        where = [self._rows.table.c["user_id"] == self._owner()] if self._is_scoped else []
        return Removal(self._rows, self._chat, self._shares).query("delete_hard", where)

    @cached_property
    def taken(self) -> Query[bool]:
        """For each of these ids that is taken, whether it is in the trash."""
        table = self._rows.table
        where = [table.c["id"] == any_(ids())]
        if self._is_scoped:
            where.append(table.c["user_id"] == self._owner())
        clause = select(is_trashed(table)).where(*where)
        return Query(compile_statement("messages.taken", clause), _FLAGS)

    def _moved(self, name: str, which: Where, deleted_at: ColumnElement[Any]) -> Query[Message]:
        """Lock the chat, mark the message, and count the change if there was one."""
        chat, message = self._chat.table, self._rows.table
        held = (
            select(message.c["user_id"], message.c["id"])
            .join(chat, belongs(message, chat))
            .where(_keys(self._rows, is_scoped=self._is_scoped), which, self._chat.live)
            .with_for_update(of=chat, key_share=True)
            .cte("held")
        )
        marked = (
            update(message)
            .where(message.c["user_id"] == held.c["user_id"], message.c["id"] == held.c["id"])
            .where(which)
            .values(deleted_at=deleted_at)
            .returning(*self._rows.columns)
            .cte("marked")
        )
        counted = (
            update(chat)
            .where(chat.c["user_id"] == marked.c["user_id"], chat.c["id"] == marked.c["chat_id"])
            .values(revision=chat.c["revision"] + 1)
            .returning(chat.c["id"])
            .cte("counted")
        )
        return self._rows.query(name, select(*marked.c).add_cte(counted))

    def _owner(self) -> ColumnElement[Any]:
        return bindparam("user_id", type_=self._rows.table.c["user_id"].type)


class TrashPages(LatestQueries[R]):
    """The statements that list a trash, what was deleted last first."""

    at = "deleted_at"
    name = "trash"

    def __init__(self, rows: Rows[R], clause: Select[*tuple[Any, ...]], *, is_scoped: bool) -> None:
        super().__init__(rows)
        self._clause = clause
        self._is_scoped = is_scoped

    def source(self) -> Select[Any]:
        """Give what is in the trash of the scope."""
        table = self.rows.table
        clause = self._clause.where(is_trashed(table))
        if self._is_scoped:
            user_id = bindparam("user_id", type_=table.c["user_id"].type)
            clause = clause.where(table.c["user_id"] == user_id)
        return clause


def _keys(rows: Rows[Any], *, is_scoped: bool) -> Where:
    """Compare the key with parameters, whether the row is in the trash or not."""
    names = ("user_id", "id") if is_scoped else ("id",)
    table = rows.table
    return and_(*(table.c[name] == bindparam(name, type_=table.c[name].type) for name in names))
