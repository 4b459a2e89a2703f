"""Conversations into a database of vercel/chatbot.

A chat there is one thread: the branch that is shown is written. The product orders messages by
time alone, so of two that have one time the later gets a microsecond more; those that came from
such a database keep theirs.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from chatkeep.errors import BadRecordError
from chatkeep.exchange.foreign import Foreign, same
from chatkeep.exchange.foreign_ids import branch, owner_of, uuid_of
from chatkeep.exchange.foreign_json import objects, write_json
from chatkeep.exchange.model import Conversation, Node
from chatkeep.exchange.vercel_reading import FORMAT_NAME
from chatkeep.exchange.vercel_shapes import MAX_EMAIL, Messages, Tables

_STEP = timedelta(microseconds=1)


class VercelWriter:
    """Adds chats that are not there yet, with what they miss. See `Writer`.

    An owner without an account gets one that nobody can sign in to until a password is set.
    """

    def __init__(self, foreign: Foreign, tables: Tables, owner_id: UUID | None) -> None:
        self._foreign = foreign
        self._tables = tables
        self._owner_id = owner_id
        self._owners: dict[str, UUID] = {}

    async def write(self, conversation: Conversation) -> None:
        """Write one conversation.

        Raises:
            BadRecordError: Another user has a chat of this id.
        """
        owner_id = self._owner_id or await self._owner(owner_of(conversation))
        chat_id = uuid_of(conversation.id)
        await self._write_chat(conversation, chat_id, owner_id)
        rows: dict[str, list[dict[str, Any]]] = {each.name: [] for each in self._tables.messages}
        votes: dict[str, list[dict[str, Any]]] = {each.name: [] for each in self._tables.messages}
        last: datetime | None = None
        for node in branch(conversation):
            record = node.record if conversation.format == FORMAT_NAME else {}
            time = node.created_at or conversation.created_at or datetime.now(UTC)
            last = time if last is None or record else max(time, last + _STEP)
            table = self._table_of(record)
            row = {"id": uuid_of(node.id), "chatId": chat_id, "createdAt": _stored(last)}
            rows[table.name].append({**row, **_body(table, node, record)})
            if node.vote is not None:
                vote = {"messageId": row["id"], "isUpvoted": node.vote == 1}
                votes[table.name].append({"chatId": chat_id, **vote})
        for table in self._tables.messages:
            await self._foreign.add(table.table, rows[table.name])
            await self._foreign.add(table.votes, votes[table.name])

    async def _write_chat(self, conversation: Conversation, chat_id: UUID, owner_id: UUID) -> None:
        chats, record = self._tables.chats, conversation.record
        if conversation.format != FORMAT_NAME:
            record = {}
        row = {
            "id": chat_id,
            "createdAt": _stored(conversation.created_at or datetime.now(UTC)),
            "title": conversation.title,
            "userId": owner_id,
            "visibility": record.get("visibility", "private"),
        }
        if record.get("lastContext") is not None and "lastContext" in chats.c:
            row["lastContext"] = write_json(record["lastContext"])
        await self._foreign.add(chats, [row])
        stored = await self._foreign.read(select(chats.c.userId).where(chats.c.id == same(chat_id)))
        if stored[0][0] != owner_id:
            raise BadRecordError(
                "Another user of the target has a chat of this id.", place=f'"Chat" {chat_id}'
            )

    async def _owner(self, email: str) -> UUID:
        if email in self._owners:
            return self._owners[email]
        users = self._tables.users
        found = select(users.c.id).where(func.lower(users.c.email) == same(email.lower()))
        rows = await self._foreign.read(found.order_by(users.c.id).limit(1))
        if not rows:
            if len(email) > MAX_EMAIL:
                raise BadRecordError(
                    f"The owner's e-mail has more than the {MAX_EMAIL} characters of the target."
                )
            await self._foreign.add(users, [{"id": uuid_of(email.lower()), "email": email}])
            rows = [[uuid_of(email.lower())]]
        self._owners[email] = rows[0][0]
        return rows[0][0]

    def _table_of(self, record: Mapping[str, Any]) -> Messages:
        for table in self._tables.messages:
            if table.name == record.get("table"):
                return table
        return self._tables.messages[0]


def _body(table: Messages, node: Node, record: Mapping[str, Any]) -> dict[str, Any]:
    if record.get("table") == table.name:
        row = {"role": node.role}
        if table.name == "Message":
            return {**row, "content": write_json(node.parts)}
        attachments = record.get("attachments", [])
        return {**row, "parts": write_json(node.parts), "attachments": write_json(attachments)}
    if table.name == "Message":
        return {"role": node.role, "content": write_json(node.content)}
    # A message of the AI SDK has no role for what a tool gave.
    role = "assistant" if node.role == "tool" else node.role
    return {"role": role, "parts": write_json(_parts(node)), "attachments": "[]"}


def _parts(node: Node) -> list[dict[str, Any]]:
    """Give a message as the AI SDK has it: its own parts, or what ours says."""
    own = objects(node.parts)
    if node.role == "tool":
        return [{"type": "data-tool", "data": {"text": node.content, "parts": node.parts}}]
    known = own and own == node.parts and all(isinstance(part.get("type"), str) for part in own)
    if known and not any(part["type"] in {"tool-call", "tool-result"} for part in own):
        return own
    text = [{"type": "text", "text": node.content}] if node.content else []
    cited = [
        {"type": "source-url", "sourceId": str(number), "url": source.url, "title": source.title}
        for number, source in enumerate(node.sources or [], 1)
    ]
    return [*cited, *text]


def _stored(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(tzinfo=None)
