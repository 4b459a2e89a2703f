"""All messages of a chat, of every branch: the statement that gives its tree."""

from sqlalchemy import BigInteger, Integer, bindparam, select

from chatkeep.access.appending import the_chat
from chatkeep.access.rows import Rows
from chatkeep.engine.query import Query
from chatkeep.records.deepsearch import Chat, Message


def tree_query(chats: Rows[Chat], messages: Rows[Message], *, is_scoped: bool) -> Query[Message]:
    """Compile it. Parameters: `id` of the chat, in a scope `user_id`; `seq`, `limit`."""
    chat, message = chats.table, messages.table
    # A value of its own, not a join: the one range of an index in the order of `seq` stays one.
    owner = select(chat.c["user_id"]).where(the_chat(chats, is_scoped=is_scoped, name="id"))
    clause = (
        select(*messages.columns)
        .where(
            message.c["user_id"] == owner.scalar_subquery(),
            message.c["chat_id"] == bindparam("id", type_=message.c["chat_id"].type),
            messages.live,
            message.c["seq"] > bindparam("seq", type_=BigInteger()),
        )
        .order_by(message.c["seq"])
        .limit(bindparam("limit", type_=Integer()))
    )
    return messages.query("tree", clause)
