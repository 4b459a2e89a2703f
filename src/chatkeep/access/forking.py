"""The statement that copies a branch into a chat of its own."""

from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Table,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
)
from sqlalchemy import cast as cast_to

from chatkeep.access.appending import the_chat
from chatkeep.access.branching import Branch
from chatkeep.access.rows import Rows, Where
from chatkeep.engine.query import Query
from chatkeep.records.deepsearch import Chat

# What a copy has of its own.
_OWN = frozenset({"id", "chat_id", "parent_id", "seq", "created_at", "updated_at", "deleted_at"})


def fork_query(chats: Rows[Chat], branch: Branch) -> Query[Chat]:
    """Compile it. Parameters: `id` of the chat, in a scope `user_id`; `tip`, `new_id`, `title`.

    Without `tip` (NULL) the branch that the chat shows is copied, without `title` the chat's. What
    is in the trash is left out, and an answer that is still being written: nobody would end the
    copy. Copies keep their times; their ids are new, as PostgreSQL makes them.
    """
    chat, message = chats.table, branch.messages.table
    tip = bindparam("tip", type_=message.c["id"].type)
    the_old = the_chat(chats, is_scoped=branch.is_scoped, name="id")
    path = branch.path(_start(chat, branch, the_old, tip))
    new_id = (literal("msg_") + cast_to(func.gen_random_uuid(), Text())).label("new_id")
    kept = (
        select(message, new_id)
        .where(message.c["user_id"] == path.c["user_id"], message.c["id"] == path.c["id"])
        .where(branch.messages.live, message.c["status"] != "streaming")
        .cte("kept")
        .prefix_with("MATERIALIZED")
    )
    last = select(kept.c["new_id"]).order_by(kept.c["seq"].desc()).limit(1).scalar_subquery()
    names = ["id", "user_id", "title", "head", "revision"]
    title = func.coalesce(bindparam("title", type_=chat.c["title"].type), chat.c["title"])
    fresh = bindparam("new_id", type_=chat.c["id"].type)
    is_there = case(
        (tip.is_(None), True), else_=select(path.c["id"]).limit(1).scalar_subquery().is_not(None)
    )
    made = (
        insert(chat)
        .from_select(
            names,
            select(fresh, chat.c["user_id"], title, last, literal(1)).where(the_old, is_there),
        )
        .returning(*chats.columns)
        .cte("made")
    )
    copied = _copied(message, kept, made)
    return chats.query("fork", select(*made.c).add_cte(copied))


def _start(
    chat: Table, branch: Branch, the_old: Where, tip: ColumnElement[Any]
) -> Select[*tuple[Any, ...]]:
    """Give the row where the walk begins: `tip`, or else the chat's head, which may be trashed."""
    message = branch.messages.table
    return (
        select(message.c["id"], message.c["user_id"], message.c["parent_id"], message.c["seq"])
        .join(
            chat,
            (message.c["user_id"] == chat.c["user_id"]) & (message.c["chat_id"] == chat.c["id"]),
        )
        .where(the_old, message.c["id"] == func.coalesce(tip, chat.c["head"]))
        .where(or_(tip.is_(None), branch.messages.live))
    )


def _copied(message: Table, kept: CTE, made: CTE) -> CTE:
    """Store the copies, each after the one before it."""
    before: Any = func.lag(kept.c["new_id"]).over(order_by=kept.c["seq"])
    same = [column for column in message.c if column.key not in _OWN and column.key != "user_id"]
    return (
        insert(message)
        .from_select(
            ["id", "chat_id", "user_id", "parent_id", "created_at", *(c.key for c in same)],
            select(
                kept.c["new_id"],
                made.c["id"],
                made.c["user_id"],
                before,
                kept.c["created_at"],
                *(kept.c[c.key] for c in same),
            )
            .select_from(kept.join(made, literal(True)))
            .order_by(kept.c["seq"]),
        )
        .returning(message.c["id"])
        .cte("copied")
    )
