"""The statements on chats."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from chatkeep.access.appending import owned, there
from chatkeep.access.branching import Branch
from chatkeep.access.forking import fork_query
from chatkeep.access.latest import LatestQueries
from chatkeep.access.rows import Rows, Values, Where, gathered_query
from chatkeep.access.trash_queries import ChatTrashQueries
from chatkeep.access.trees import tree_query
from chatkeep.engine.query import Query
from chatkeep.records.deepsearch import Chat, ChatWithMessages, Message


class ChatQueries(LatestQueries[Chat]):
    """The statements on chats, in a user's scope or (`is_scoped=False`) on all users' chats."""

    at = "updated_at"  # their last activity

    def __init__(
        self,
        chats: Rows[Chat],
        messages: Rows[Message],
        tables: Mapping[str, Table],
        *,
        is_scoped: bool,
    ) -> None:
        super().__init__(chats)
        self.messages = messages
        self.trash = ChatTrashQueries(chats, messages, tables, is_scoped=is_scoped)
        self._is_scoped = is_scoped
        self._branch = Branch(messages, chats, is_scoped, "id")
        self._moves: dict[bool, Query[Chat]] = {}
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
            self._branch.shown("after", "messages").subquery("first_messages"),
            ChatWithMessages,
        )

    @cached_property
    def fork(self) -> Query[Chat]:
        """A new chat with copies of the messages up to one, or up to the head, and their order."""
        return fork_query(self.rows, self._branch)

    @cached_property
    def tree(self) -> Query[Message]:
        """The messages of all branches after a place, oldest first."""
        return tree_query(self.rows, self.messages, is_scoped=self._is_scoped)

    def move_head(self, *, has_expected: bool) -> Query[Chat]:
        """Show the branch that ends with a message, if it is one of the chat's."""
        query = self._moves.get(has_expected)
        if query is None:
            chat, message = self.rows.table, self.messages.table
            head = bindparam("head", type_=chat.c["head"].type)
            held = select(chat.c["user_id"], chat.c["id"]).where(self.by_key)
            if has_expected:
                held = held.where(self._is_expected())
            held = held.with_for_update(of=chat, key_share=True).cte("held")
            is_head = and_(message.c["id"] == head, self.messages.live)
            if self._is_scoped:
                is_head = and_(owned(message), is_head)
            found = there(message, held, is_head)
            values = {
                "head": head,
                "revision": chat.c["revision"] + 1,
                "is_branched": or_(chat.c["is_branched"], chat.c["head"].is_distinct_from(head)),
            }
            clause = (
                update(chat)
                .where(chat.c["user_id"] == held.c["user_id"], chat.c["id"] == held.c["id"])
                .where(exists(select(found.c["id"])))
                .values({**values, **self.rows.touch()})
                .returning(*self.rows.columns)
            )
            query = self._moves[has_expected] = self.rows.query("move_head", clause)
        return query

    @cached_property
    def count(self) -> Query[int]:
        """All of the scope."""
        table = self.rows.table
        clause = select(func.count()).select_from(table).where(self.rows.live)
        if self._is_scoped:
            clause = clause.where(table.c["user_id"] == bindparam("user_id"))
        return self.rows.count("count", clause)

    def update(self, values: Values, *, has_expected: bool = False) -> Query[Chat]:
        """Give the update for this set of columns, by id."""
        name = "update" if self._is_scoped else "update_any"  # the table's rows keep both
        if not has_expected:
            return self.rows.update(values, self.by_key, name)
        return self.rows.update(values, and_(self.by_key, self._is_expected()), f"{name}_expected")

    def _is_expected(self) -> Where:
        expected = bindparam("expected_revision", type_=BigInteger())
        return self.rows.table.c["revision"] == expected

    def create_with_message(self, values: Values, first: Values) -> Query[Chat]:
        """Give the insert of a chat and its first message, in one statement."""
        key = (tuple(values), tuple(first))
        query = self._creates.get(key)
        if query is None:
            table = self.messages.table
            head = bindparam("message_id", type_=table.c["id"].type)
            # The message is the chat's head, and the first revision.
            made = (
                insert(self.rows.table)
                .values({**self.rows.parameters(values), "head": head, "revision": 1})
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

    def source(self) -> Select[Any]:
        """Give the chats of the scope."""
        clause = select(*self.rows.columns).where(self.rows.live)
        if self._is_scoped:
            clause = clause.where(self.rows.table.c["user_id"] == bindparam("user_id"))
        return clause
