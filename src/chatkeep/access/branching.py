"""A chat's messages along one branch, as a piece of a statement.

In a chat that never branched, the messages in the order of `seq` are the branch: one range of an
index. In one that did, the branch is walked from its last message to the first, from each message
to its parent. Both are in one statement, and the chat's `is_branched` says which of them runs:
PostgreSQL looks at it once, and never starts the other.
"""

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    literal,
    select,
    union_all,
)
from sqlalchemy import cast as cast_to

from chatkeep.access.appending import the_chat
from chatkeep.access.rows import Rows
from chatkeep.records.deepsearch import Chat, Message

Direction = Literal["before", "after"]


@dataclass(frozen=True)
class Branch:
    """Reads messages of one chat along the branch that is shown, or along that of a message.

    Parameters of what it builds: `chat_id`, in a scope `user_id`, `limit`, `seq` (the place, not
    itself included), and `tip` where the branch is that of a message.

    Attributes:
        messages: The table that is read.
        chats: The table of their chats.
        is_scoped: Whether the chat must be one of the user in the parameter `user_id`.
        chat_id: Name of the parameter with the chat's id.
    """

    messages: Rows[Message]
    chats: Rows[Chat]
    is_scoped: bool
    chat_id: str = "chat_id"

    def shown(self, direction: Direction, limit: str = "limit") -> Select[*tuple[Any, ...]]:
        """Give the messages of the branch that is shown, before or after a place.

        Args:
            direction: `before`: the newest first; `after`: the oldest first.
            limit: Name of the parameter.
        """
        line = self._line(direction, limit).subquery("line")
        walked = self._walked(self._start(), direction, limit).subquery("walked")
        both = union_all(select(*line.c), select(*walked.c)).subquery("shown")
        seq = both.c["seq"]  # each side has the order for itself, which does not hold for both
        return select(*both.c).order_by(seq.desc() if direction == "before" else seq)

    def of_tip(self, direction: Direction, limit: str = "limit") -> Select[Any]:
        """Give the messages up to the message `tip`, before or after a place."""
        return self._walked(self._tip(), direction, limit)

    def path(self, start: Select[*tuple[Any, ...]], name: str = "path") -> CTE:
        """Walk from a message to the first: `id`, `parent_id`, `seq` of each, deleted ones too."""
        table = self.messages.table
        path = start.cte(name, recursive=True)
        step = select(table.c["id"], table.c["user_id"], table.c["parent_id"], table.c["seq"])
        return path.union_all(
            step.where(
                table.c["user_id"] == path.c["user_id"], table.c["id"] == path.c["parent_id"]
            )
        )

    def _line(self, direction: Direction, limit: str) -> Select[Any]:
        table = self.messages.table
        owner, chat_id = self._owner(), bindparam(self.chat_id, type_=table.c["chat_id"].type)
        return self._page(
            select(*self.messages.columns).where(
                table.c["user_id"] == owner,
                table.c["chat_id"] == chat_id,
                self.messages.live,
                ~self._is_branched(),
            ),
            direction,
            limit,
        )

    def _walked(
        self, start: Select[*tuple[Any, ...]], direction: Direction, limit: str
    ) -> Select[Any]:
        """Walk to the place and not further; backwards, not further than the page is long."""
        table = self.messages.table
        place = bindparam("seq", type_=BigInteger())
        counts = and_(self.messages.live, table.c["seq"] < place)
        found = cast_to(counts, Integer()) if direction == "before" else literal(0, Integer())
        path = start.add_columns(found.label("found")).cte("path", recursive=True)
        step = select(
            table.c["id"],
            table.c["user_id"],
            table.c["parent_id"],
            table.c["seq"],
            path.c["found"] + found,
        ).where(table.c["user_id"] == path.c["user_id"], table.c["id"] == path.c["parent_id"])
        if direction == "before":
            step = step.where(path.c["found"] < bindparam(limit, type_=Integer()))
        else:
            step = step.where(path.c["seq"] > place)
        path = path.union_all(step)
        clause = select(*self.messages.columns).where(
            table.c["user_id"] == path.c["user_id"],
            table.c["id"] == path.c["id"],
            self.messages.live,
        )
        return self._page(clause, direction, limit)

    def _page(self, clause: Select[Any], direction: Direction, limit: str) -> Select[Any]:
        seq = self.messages.table.c["seq"]
        place = bindparam("seq", type_=BigInteger())
        clause = clause.where(seq < place if direction == "before" else seq > place)
        order = seq.desc() if direction == "before" else seq
        return clause.order_by(order).limit(bindparam(limit, type_=Integer()))

    def _start(self) -> Select[*tuple[Any, ...]]:
        """Give the row where the walk begins: the head of a chat that branched."""
        chat, table = self.chats.table, self.messages.table
        return (
            select(table.c["id"], table.c["user_id"], table.c["parent_id"], table.c["seq"])
            .join(chat, self._is_head())
            .where(self._the_chat(), chat.c["is_branched"])
        )

    def _tip(self) -> Select[*tuple[Any, ...]]:
        chat, table = self.chats.table, self.messages.table
        tip = bindparam("tip", type_=table.c["id"].type)
        link = and_(table.c["user_id"] == chat.c["user_id"], table.c["chat_id"] == chat.c["id"])
        return (
            select(table.c["id"], table.c["user_id"], table.c["parent_id"], table.c["seq"])
            .join(chat, link)
            .where(self._the_chat(), table.c["id"] == tip, self.messages.live)
        )

    def _the_chat(self) -> ColumnElement[bool]:
        return the_chat(self.chats, is_scoped=self.is_scoped, name=self.chat_id)

    def _is_head(self) -> ColumnElement[bool]:
        chat, table = self.chats.table, self.messages.table
        return and_(table.c["user_id"] == chat.c["user_id"], table.c["id"] == chat.c["head"])

    def _is_branched(self) -> ColumnElement[bool]:
        chat = self.chats.table
        return select(chat.c["is_branched"]).where(self._the_chat()).scalar_subquery()

    def _owner(self) -> ColumnElement[Any]:
        chat, table = self.chats.table, self.messages.table
        if self.is_scoped:
            return bindparam("user_id", type_=table.c["user_id"].type)
        chat_id = bindparam(self.chat_id, type_=chat.c["id"].type)
        return select(chat.c["user_id"]).where(chat.c["id"] == chat_id).scalar_subquery()
