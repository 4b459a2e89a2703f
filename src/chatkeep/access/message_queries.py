"""The statements on messages."""

from collections.abc import Mapping
from functools import cached_property

from sqlalchemy import (
    ARRAY,
    Table,
    Text,
    any_,
    bindparam,
    func,
    select,
    union_all,
)

from chatkeep.access.answer_queries import AnswerQueries
from chatkeep.access.appending import AppendQueries, the_chat
from chatkeep.access.branching import Branch
from chatkeep.access.rows import Rows, Where
from chatkeep.access.trash_queries import MessageTrashQueries
from chatkeep.engine.query import Query
from chatkeep.records.deepsearch import Chat, Message


class MessageQueries:
    """The statements on messages, in a user's scope or (`is_scoped=False`) on all users' messages.

    Without a scope a chat's owner is looked up first, so that the same index serves.
    """

    def __init__(
        self,
        messages: Rows[Message],
        chats: Rows[Chat],
        tables: Mapping[str, Table],
        *,
        is_scoped: bool,
    ) -> None:
        self.rows = messages
        self.answers = AnswerQueries(messages, chats, tables, is_scoped=is_scoped)
        self._chat = chats
        self._is_scoped = is_scoped
        self._branch = Branch(messages, chats, is_scoped)
        self.trash = MessageTrashQueries(messages, chats, tables, is_scoped=is_scoped)
        self.append = AppendQueries(messages, chats, is_scoped=is_scoped)
        self.by_key: Where = messages.equal("user_id", "id") if is_scoped else messages.equal("id")

    @cached_property
    def find(self) -> Query[Message]:
        """By id."""
        return self.rows.find(self.by_key)

    @cached_property
    def list_before(self) -> Query[Message]:
        """Those of the branch that is shown before a place, newest first."""
        return self.rows.query("list_before", self._branch.shown("before"))

    @cached_property
    def list_after(self) -> Query[Message]:
        """Those of the branch that is shown after a place, oldest first."""
        return self.rows.query("list_after", self._branch.shown("after"))

    @cached_property
    def list_branch_before(self) -> Query[Message]:
        """Those up to a message before a place, newest first."""
        return self.rows.query("list_branch_before", self._branch.of_tip("before"))

    @cached_property
    def list_branch_after(self) -> Query[Message]:
        """Those up to a message after a place, oldest first."""
        return self.rows.query("list_branch_after", self._branch.of_tip("after"))

    @cached_property
    def siblings(self) -> Query[Message]:
        """Those that follow the same message as one does, itself among them."""
        table = self.rows.table
        found = select(table.c["user_id"], table.c["chat_id"], table.c["parent_id"])
        one = found.where(self.by_key).cte("one")
        beside = (
            select(*self.rows.columns)
            .join(one, table.c["user_id"] == one.c["user_id"])
            .where(table.c["chat_id"] == one.c["chat_id"], self.rows.live)
        )
        both = union_all(  # each by the index on the parent
            beside.where(table.c["parent_id"] == one.c["parent_id"]),
            beside.where(table.c["parent_id"].is_(None), one.c["parent_id"].is_(None)),
        ).subquery("siblings")
        return self.rows.query("siblings", select(*both.c).order_by(both.c["seq"]))

    @cached_property
    def stored(self) -> Query[Message]:
        """Those of a chat with these ids."""
        table = self.rows.table
        ids = bindparam("ids", type_=ARRAY(Text()))
        chat_id = bindparam("chat_id", type_=table.c["chat_id"].type)
        where = [table.c["id"] == any_(ids), table.c["chat_id"] == chat_id, self.rows.live]
        if self._is_scoped:
            where.append(self.rows.equal("user_id"))
        return self.rows.query("stored", select(*self.rows.columns).where(*where))

    @cached_property
    def count(self) -> Query[int]:
        """Those of a chat, of all its branches; no row when there is no such chat."""
        table, chat = self.rows.table, self._chat.table
        messages = (
            select(func.count())
            .select_from(table)
            .where(table.c["user_id"] == chat.c["user_id"], table.c["chat_id"] == chat.c["id"])
            .where(self.rows.live)
        )
        clause = select(messages.scalar_subquery()).select_from(chat)
        return self.rows.count("count", clause.where(self._the_chat()))

    @cached_property
    def chat_revision(self) -> Query[int]:
        """The revision of a chat; no row when there is no such chat."""
        chat = self._chat.table
        clause = select(chat.c["revision"]).where(self._the_chat())
        return self.rows.count("chat_revision", clause)

    def _the_chat(self) -> Where:
        return the_chat(self._chat, is_scoped=self._is_scoped)
