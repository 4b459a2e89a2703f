"""Conversations into a database of open-webui: the JSON of each chat, and the rows beside."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from chatkeep.errors import BadRecordError, ExchangeError
from chatkeep.exchange.foreign import Foreign, same
from chatkeep.exchange.foreign_ids import chat_uuid, only_owner, owner_of, uuid_of
from chatkeep.exchange.foreign_json import mapping, write_json
from chatkeep.exchange.model import Conversation, Node, Written
from chatkeep.exchange.open_webui_bodies import Body, body_of
from chatkeep.exchange.open_webui_messages import moment
from chatkeep.exchange.open_webui_reading import find_owners
from chatkeep.exchange.open_webui_rows import derived, row_id
from chatkeep.exchange.open_webui_shapes import (
    FORMAT_NAME,
    JSON_OF_CHAT,
    JSON_OF_MESSAGE,
    Tables,
)


class OpenWebuiWriter:
    """Adds chats that are not there yet. See `Writer`. A chat that is there is left as it is.

    An owner without an account gets one that waits for an administrator, and has no password.
    """

    def __init__(self, foreign: Foreign, tables: Tables, owner_id: str | None) -> None:
        self._foreign = foreign
        self._tables = tables
        self._owner_id = owner_id
        self._owners: dict[str, str] = {}

    async def write(self, conversation: Conversation) -> Written:
        """Write one conversation.

        Raises:
            BadRecordError: Another chat of the target has its id or the link that it is shared by.
            ExchangeError: A row of one of its messages is another's.
        """
        owner_id = self._owner_id or await self._owner(owner_of(conversation))
        is_own = conversation.format == FORMAT_NAME
        chat_id = conversation.id if is_own else str(chat_uuid(conversation, FORMAT_NAME))
        if await self._is_there(chat_id, owner_id):
            return Written(0, is_new=False)
        body = body_of(conversation, conversation.record if is_own else {})
        await self._write_chat(conversation, chat_id, owner_id, body)
        table = self._tables.messages
        if table is None:
            return Written(len(body.messages))
        rows = [
            self._row(node, message, owner_id, row_id(chat_id, message_id), chat_id)
            for message_id, (node, message) in body.messages.items()
            if not (is_own and "row" in node.record and node.record["row"] is None)
        ]
        if await self._foreign.add(table, rows) != len(rows):
            raise ExchangeError(
                f"The target has rows of chat_message already that chat {chat_id!r} would get.",
                hint="They are of no chat, or of one with a like id. Nothing was written.",
            )
        return Written(len(body.messages))

    async def _write_chat(
        self, conversation: Conversation, chat_id: str, owner_id: str, body: Body
    ) -> None:
        chats = self._tables.chats
        row = {**_chat_row(conversation, body), "id": chat_id, "user_id": owner_id}
        row = {name: row.get(name) for name in chats.c.keys()}  # noqa: SIM118 - no mapping
        await self._foreign.add(chats, [_encoded(row, JSON_OF_CHAT)])
        if not await self._is_there(chat_id, owner_id):
            raise BadRecordError(
                "Another chat of the target is shared by the same link.", place=f"chat {chat_id!r}"
            )

    async def _is_there(self, chat_id: str, owner_id: str) -> bool:
        chats = self._tables.chats
        stored = await self._foreign.read(
            select(chats.c.user_id).where(chats.c.id == same(chat_id))
        )
        if stored and stored[0][0] != owner_id:
            raise BadRecordError(
                "Another user of the target has a chat of this id.", place=f"chat {chat_id!r}"
            )
        return bool(stored)

    def _row(
        self, node: Node, message: Mapping[str, Any], owner_id: str, key: str, chat_id: str
    ) -> dict[str, Any]:
        table = self._tables.messages
        assert table is not None  # noqa: S101 - the caller looked
        kept = mapping(node.record.get("row"))
        row = {**derived(message, owner_id), **kept, "id": key, "chat_id": chat_id}
        named = {name: row.get(name) for name in table.c.keys()}  # noqa: SIM118 - no mapping
        return _encoded(named, JSON_OF_MESSAGE)

    async def _owner(self, email: str) -> str:
        if email in self._owners:
            return self._owners[email]
        owner_id = only_owner(await find_owners(self._foreign, self._tables, email))
        if owner_id is None:
            owner_id = str(uuid_of(email.lower()))
            await self._foreign.add(self._tables.users, [self._new_user(owner_id, email)])
        self._owners[email] = owner_id
        return owner_id

    def _new_user(self, owner_id: str, email: str) -> dict[str, Any]:
        now = int(datetime.now(UTC).timestamp())
        user = {
            "id": owner_id,
            "email": email,
            "name": email.partition("@")[0],
            "role": "pending",
            "profile_image_url": "/user.png",
            "last_active_at": now,
            "created_at": now,
            "updated_at": now,
        }
        return {name: user[name] for name in self._tables.users.c.keys()}  # noqa: SIM118 - no mapping


def _chat_row(conversation: Conversation, body: Body) -> dict[str, Any]:
    is_own = conversation.format == FORMAT_NAME
    kept = mapping(conversation.record.get("row")) if is_own else {}
    made = conversation.created_at or datetime.now(UTC)
    row: dict[str, Any] = {
        "archived": False,
        "meta": {},
        **kept,
        "title": conversation.title,
        "chat": write_json(write_json(body.chat) if body.is_encoded else body.chat),
        "pinned": conversation.is_pinned,
        "current_message_id": body.head,
        "created_at": _epoch(kept, "created_at", made),
        "updated_at": _epoch(kept, "updated_at", conversation.updated_at or made),
    }
    if is_own:
        for name, value in (("title", conversation.title), ("pinned", conversation.is_pinned)):
            if kept.get(name) is None and not value:
                row[name] = kept.get(name)
        if not body.has_moved:
            row["current_message_id"] = kept.get("current_message_id")
    row.setdefault("last_read_at", row["updated_at"])
    return row


def _epoch(kept: Mapping[str, Any], name: str, time: datetime) -> int | None:
    if name in kept and moment(kept[name]) in {time, None}:
        return kept[name]
    return int(time.timestamp())


def _encoded(row: Mapping[str, Any], as_json: frozenset[str]) -> dict[str, Any]:
    return {
        name: write_json(value) if name in as_json and value is not None else value
        for name, value in row.items()
    }
