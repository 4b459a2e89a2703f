"""A chat as somebody reads it: any branch, from any place, with what each message cost."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Text, any_, bindparam, literal, or_, select, true

from chatkeep.access.trashed import live
from chatkeep.database import Database
from chatkeep.errors import ChatNotFoundError, MessageNotFoundError
from chatkeep.records.deepsearch import Message, MessageFeedback, MessageUsage

AnyDatabase: TypeAlias = Database[Any, Any, Any, Any]

MAX_SIBLINGS = 2000
"""So many messages beside those of a page are told."""


class ChatHead(msgspec.Struct):
    """A chat, in the trash or not.

    Attributes:
        id: Of the chat.
        user_id: Its owner.
        title: As it is now.
        created_at: When it began.
        updated_at: Its last activity.
        head: The last message that it shows; None where none was said, or by the seed's code.
        revision: Grows with each change.
        is_branched: Whether there was ever more than one way through it.
        is_pinned: Retention keeps it.
        is_temporary: Retention takes it early.
        deleted_at: Since when it is in the trash; None where it is not.
    """

    id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    head: str | None
    revision: int
    is_branched: bool
    is_pinned: bool
    is_temporary: bool
    deleted_at: datetime | None


async def chat_head(db: AnyDatabase, chat_id: str) -> ChatHead:
    """Give a chat of any user, also one in the trash.

    Raises:
        ChatNotFoundError: No such chat.
        ConfigError: The schema has no chats.
    """
    chats = _table(db, "chats")
    columns = [chats.c[name] for name in ChatHead.__struct_fields__]
    found = await db.first(select(*columns).where(chats.c["id"] == chat_id), into=ChatHead)
    if found is None:
        raise ChatNotFoundError("No such chat.")
    return found


async def tip_below(db: AnyDatabase, chat: ChatHead, message_id: str) -> str:
    """Give the end of the branch to read for a message in it.

    It is the chat's head where the message is on the way there; else the last of what was said
    latest after it, again and again.

    Raises:
        MessageNotFoundError: No such message in this chat, or it is in the trash.
    """
    messages = _table(db, "messages")
    of_chat = _of_chat(messages, chat)
    if chat.head is not None:
        start = select(messages.c["id"], messages.c["parent_id"])
        up = start.where(*of_chat, messages.c["id"] == chat.head).cte("up", recursive=True)
        step = start.where(*of_chat, messages.c["id"] == up.c["parent_id"])
        walked = up.union_all(step)
        on_way = select(walked.c["id"]).where(walked.c["id"] == message_id).limit(1)
        if await db.scalar(on_way) is not None:
            return chat.head
    start = select(messages.c["id"], literal(0).label("depth"))
    start = start.where(*of_chat, messages.c["id"] == message_id, live(messages))
    down = start.cte("down", recursive=True)
    child = (
        select(messages.c["id"])
        .where(*of_chat, messages.c["parent_id"] == down.c["id"], live(messages))
        .order_by(messages.c["seq"].desc())
        .limit(1)
        .lateral("child")
    )
    step = select(child.c["id"], down.c["depth"] + 1).select_from(down).join(child, true())
    walked = down.union_all(step)
    tip = await db.scalar(select(walked.c["id"]).order_by(walked.c["depth"].desc()).limit(1))
    if tip is None:
        raise MessageNotFoundError("No such message in this chat.")
    return str(tip)


async def siblings(
    db: AnyDatabase, chat: ChatHead, messages: Sequence[Message]
) -> dict[str, list[str]]:
    """Give, for each message of a page that has others beside it, the ids of all of them in order."""
    if not chat.is_branched or not messages:
        return {}
    table = _table(db, "messages")
    parents = {message.parent_id for message in messages}
    named = bindparam("parents", [one for one in parents if one is not None], type_=ARRAY(Text()))
    beside: ColumnElement[bool] = table.c["parent_id"] == any_(named)
    if None in parents:
        beside = or_(beside, table.c["parent_id"].is_(None))
    statement = select(table.c["parent_id"], table.c["id"])
    statement = statement.where(*_of_chat(table, chat), live(table), beside)
    together: dict[str | None, list[str]] = {}
    for parent, id_ in await db.all(statement.order_by(table.c["seq"]).limit(MAX_SIBLINGS)):
        together.setdefault(parent, []).append(id_)
    found = {message.id: together.get(message.parent_id, []) for message in messages}
    return {id_: ids for id_, ids in found.items() if len(ids) > 1 and id_ in ids}


async def usage_of(
    db: AnyDatabase, chat: ChatHead, ids: Sequence[str]
) -> Mapping[str, MessageUsage]:
    """Give what some answers of a chat used, by message."""
    return await _beside(db, "message_usage", chat, ids)


async def feedback_of(
    db: AnyDatabase, chat: ChatHead, ids: Sequence[str]
) -> Mapping[str, MessageFeedback]:
    """Give what the owner of a chat thinks of some of its answers, by message."""
    return await _beside(db, "message_feedback", chat, ids)


async def trashed_messages(
    db: AnyDatabase, chat: ChatHead, after: int = 0, limit: int = 50
) -> list[Message]:
    """Give messages of a chat, those in the trash too and of all branches, oldest first.

    Args:
        db: An open database.
        chat: Which chat.
        after: The `seq` of the last message that is known.
        limit: At most so many.
    """
    table = _table(db, "messages")
    columns = [table.c[name] for name in Message.__struct_fields__]
    statement = select(*columns).where(*_of_chat(table, chat), table.c["seq"] > after)
    statement = statement.order_by(table.c["seq"]).limit(limit)
    return await db.all(statement, into=Message)


async def _beside(
    db: AnyDatabase, name: str, chat: ChatHead, ids: Sequence[str]
) -> Mapping[str, Any]:
    if not ids:
        return {}
    table = _table(db, name)
    named = bindparam("ids", list(ids), type_=ARRAY(Text()))
    where = (table.c["user_id"] == chat.user_id, table.c["message_id"] == any_(named))
    rows: list[Any] = await db.all(select(table).where(*where))
    return {row.message_id: row for row in rows}


def _of_chat(table: Any, chat: ChatHead) -> tuple[ColumnElement[bool], ...]:  # noqa: ANN401 - a table
    return table.c["user_id"] == chat.user_id, table.c["chat_id"] == chat.id


def _table(db: AnyDatabase, name: str) -> Any:  # noqa: ANN401 - a table of the schema
    """Give a table.

    Raises:
        ChatNotFoundError: The schema has none such: it keeps no conversations.
    """
    table = db.schema.tables.get(name)
    if table is None:
        raise ChatNotFoundError("This schema keeps no conversations.")
    return table
