"""Conversations into a database of vercel/chatbot.

A chat there is one thread: the branch that is shown is written. The product orders messages by
time alone, so of two that have one time the later gets a microsecond more; those that came from
such a database keep theirs.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import any_, select

from chatkeep.errors import BadRecordError, ExchangeError
from chatkeep.exchange.foreign import Foreign, same
from chatkeep.exchange.foreign_ids import chat_uuid, message_uuid, only_owner, owner_of, uuid_of
from chatkeep.exchange.foreign_json import objects, write_json
from chatkeep.exchange.model import Conversation, Node, Written
from chatkeep.exchange.thread import shown
from chatkeep.exchange.vercel_reading import FORMAT_NAME, find_owners
from chatkeep.exchange.vercel_shapes import MAX_EMAIL, Messages, Tables

_STEP = timedelta(microseconds=1)

_Rows = dict[str, list[dict[str, Any]]]


class VercelWriter:
    """Adds chats that are not there yet, with what they miss. See `Writer`.

    An owner without an account gets one that nobody can sign in to until a password is set.
    """

    def __init__(self, foreign: Foreign, tables: Tables, owner_id: UUID | None) -> None:
        self._foreign = foreign
        self._tables = tables
        self._owner_id = owner_id
        self._owners: dict[str, UUID] = {}

    async def write(self, conversation: Conversation) -> Written:
        """Write one conversation.

        Raises:
            BadRecordError: Another user has a chat of this id, or another chat one of its messages.
            ExchangeError: One of its messages was not written.
        """
        chat_id = chat_uuid(conversation, FORMAT_NAME)
        thread = shown(conversation)
        rows, votes = self._rows(conversation, chat_id, thread)
        there = 0
        for table in self._tables.messages:
            there += await self._there(table, chat_id, (row["id"] for row in rows[table.name]))
        owner_id = self._owner_id or await self._owner(owner_of(conversation))
        is_new = await self._write_chat(conversation, chat_id, owner_id)
        written = 0
        for table in self._tables.messages:
            written += await self._foreign.add(table.table, rows[table.name])
            await self._foreign.add(table.votes, votes[table.name])
        if written + there != len(thread):
            raise ExchangeError(
                f'Another program wrote messages of "Chat" {chat_id} at the same time.',
                hint="Nothing was written. Start the same command again.",
            )
        return Written(written, len(conversation.nodes) - len(thread), is_new)

    def _rows(
        self, conversation: Conversation, chat_id: UUID, thread: Iterable[Node]
    ) -> tuple[_Rows, _Rows]:
        """Give the rows of the messages and of the votes, by the name of the messages' table."""
        rows: _Rows = {each.name: [] for each in self._tables.messages}
        votes: _Rows = {each.name: [] for each in self._tables.messages}
        is_own = conversation.format == FORMAT_NAME
        last: datetime | None = None
        for node in thread:
            record = node.record if is_own else {}
            time = node.created_at or conversation.created_at or datetime.now(UTC)
            last = time if last is None or record else max(time, last + _STEP)
            table = self._table_of(record)
            # Elsewhere the id of a message is unique in its chat alone: "1", "2".
            node_id = uuid_of(node.id) if is_own else message_uuid(chat_id, node.id)
            row = {"id": node_id, "chatId": chat_id, "createdAt": _stored(last)}
            rows[table.name].append({**row, **_body(table, node, record)})
            if node.vote is not None:
                vote = {"messageId": row["id"], "isUpvoted": node.vote == 1}
                votes[table.name].append({"chatId": chat_id, **vote})
        return rows, votes

    async def _there(self, table: Messages, chat_id: UUID, ids: Iterable[UUID]) -> int:
        """Count the messages of the chat that are there; refuse when one is another chat's."""
        column = table.table.c
        found = await self._foreign.read(
            select(column.id, column.chatId).where(column.id == any_(same(list(ids))))
        )
        for message_id, of_chat in found:
            if of_chat != chat_id:
                raise BadRecordError(
                    f'Another chat of the target has its message "{table.name}" {message_id}.',
                    place=f'"{table.name}" {message_id}',
                )
        return len(found)

    async def _write_chat(self, conversation: Conversation, chat_id: UUID, owner_id: UUID) -> bool:
        """Write the chat where it is not there yet; tell whether it was not."""
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
        is_new = await self._foreign.add(chats, [row]) == 1
        stored = await self._foreign.read(select(chats.c.userId).where(chats.c.id == same(chat_id)))
        if stored[0][0] != owner_id:
            raise BadRecordError(
                "Another user of the target has a chat of this id.", place=f'"Chat" {chat_id}'
            )
        return is_new

    async def _owner(self, email: str) -> UUID:
        if email in self._owners:
            return self._owners[email]
        users = self._tables.users
        owner_id = only_owner(await find_owners(self._foreign, self._tables, email))
        if owner_id is None:
            if len(email) > MAX_EMAIL:
                raise BadRecordError(
                    f"The owner's e-mail has more than the {MAX_EMAIL} characters of the target."
                )
            owner_id = uuid_of(email.lower())
            await self._foreign.add(users, [{"id": owner_id, "email": email}])
        self._owners[email] = owner_id
        return owner_id

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
