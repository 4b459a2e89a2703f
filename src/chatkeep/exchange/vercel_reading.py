"""Conversations of a database of vercel/chatbot, read one by one.

A chat there is one thread, in the order of time. What its rows hold beyond our columns goes into
the records: the visibility of a chat, the attachments of a message.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import any_, func, select

from chatkeep.exchange.foreign import Foreign, same
from chatkeep.exchange.foreign_json import BadValueError, is_web_url, objects, read_json
from chatkeep.exchange.model import Account, BadRecord, Conversation, Node, Place
from chatkeep.exchange.vercel_shapes import Messages, Tables
from chatkeep.inputs.deepsearch import MAX_CONTENT
from chatkeep.records.deepsearch import Role, Source

FORMAT_NAME: Final = "vercel"
PAGE = 500
TOGETHER = 10  # chats whose messages are read at once: they are in memory together
_ROLES: Mapping[str, Role] = {
    "user": "user", "assistant": "assistant", "system": "system", "tool": "tool",
}  # fmt: skip


class VercelReader:
    """Reads all chats, or those of one user, by their ids. See `Reader`."""

    def __init__(
        self, foreign: Foreign, tables: Tables, user_id: UUID | None, size: int | None
    ) -> None:
        self.size = size
        self.done = 0
        self._foreign = foreign
        self._tables = tables
        self._user_id = user_id

    async def __aiter__(self) -> AsyncIterator[Conversation | BadRecord]:
        after: object | None = None
        self.done = 0
        while page := await self._page(after):
            for start in range(0, len(page), TOGETHER):
                group = page[start : start + TOGETHER]
                found = await self._messages([row[0] for row in group])
                for row in group:
                    yield self._one(row, found)
                    self.done += 1
            after = page[-1][0]

    async def _page(self, after: object | None) -> Sequence[Sequence[Any]]:
        chats, users = self._tables.chats, self._tables.users
        statement = (
            select(*chats.c, users.c.email)
            .select_from(chats.outerjoin(users, users.c.id == chats.c.userId))
            .order_by(chats.c.id)
            .limit(PAGE)
        )
        if self._user_id is not None:
            statement = statement.where(chats.c.userId == same(self._user_id))
        if after is not None:
            statement = statement.where(chats.c.id > same(after))
        return await self._foreign.read(statement)

    async def _messages(self, chat_ids: list[UUID]) -> "_Found":
        """Give the rows of the messages of some chats, by chat, for each of the tables."""
        found: _Found = []
        for messages in self._tables.messages:
            table, votes = messages.table, messages.votes
            rows = await self._foreign.read(
                select(table.c.chatId, *messages.columns, votes.c.isUpvoted)
                .select_from(
                    table.outerjoin(
                        votes,
                        (votes.c.chatId == table.c.chatId) & (votes.c.messageId == table.c.id),
                    )
                )
                .where(table.c.chatId == any_(same(chat_ids)))
                .order_by(table.c.createdAt, messages.written)
            )
            of_chat: dict[UUID, list[Sequence[Any]]] = {}
            for chat_id, *row in rows:
                of_chat.setdefault(chat_id, []).append(row)
            found.append((messages, of_chat))
        return found

    def _one(self, row: Sequence[Any], found: "_Found") -> Conversation | BadRecord:
        *values, email = row
        chat = dict(zip(self._tables.chats.c.keys(), values, strict=True))
        place = Place(self._foreign.where, key=f'"Chat" {chat["id"]}')
        try:
            return _conversation(chat, email, _nodes(chat["id"], found), place)
        except BadValueError as exc:
            return BadRecord(Place(self._foreign.where, key=exc.key), exc.problem)


_Found = list[tuple[Messages, dict[UUID, list[Sequence[Any]]]]]


def _nodes(chat_id: UUID, found: _Found) -> list[Node]:
    dated: list[tuple[datetime, Node]] = []
    for messages, of_chat in found:
        older = [_dated(messages, row) for row in of_chat.get(chat_id, ())]
        # The product's own way from the older table to the newer one kept ids: these are copies.
        if not {node.id for _, node in dated} & {node.id for _, node in older}:
            dated = sorted([*older, *dated], key=_time)
    nodes = [node for _, node in dated]
    for node, before in zip(nodes[1:], nodes, strict=False):
        node.parent = before.id
    return nodes


def _dated(messages: Messages, row: Sequence[Any]) -> tuple[datetime, Node]:
    *values, is_upvoted = row
    names = (column.name for column in messages.columns)
    node = _node(messages.name, dict(zip(names, values, strict=True)))
    if is_upvoted is not None:
        node.vote = 1 if is_upvoted else -1
    return cast("datetime", node.created_at), node


async def find_users(foreign: Foreign, tables: Tables, account: str) -> list[UUID]:
    """Give the id of the user of an id; else those of all with an e-mail, letter case aside."""
    users = tables.users
    with suppress(ValueError):  # an e-mail is no UUID
        of_id = users.c.id == same(UUID(account))
        if rows := await foreign.read(select(users.c.id).where(of_id)):
            return [rows[0][0]]
    return await find_owners(foreign, tables, account)


async def find_owners(foreign: Foreign, tables: Tables, email: str) -> list[UUID]:
    """Give the ids of all users with an e-mail, letter case aside."""
    users = tables.users
    of_email = func.lower(users.c.email) == same(email.lower())
    rows = await foreign.read(select(users.c.id).where(of_email).order_by(users.c.id))
    return [row[0] for row in rows]


async def count_chats(foreign: Foreign, tables: Tables, user_id: UUID | None) -> int:
    """Count what there is to read."""
    statement = select(func.count()).select_from(tables.chats)
    if user_id is not None:
        statement = statement.where(tables.chats.c.userId == same(user_id))
    return int((await foreign.read(statement))[0][0])


def _conversation(
    chat: Mapping[str, Any], email: str | None, nodes: list[Node], place: Place
) -> Conversation:
    record: dict[str, Any] = {"visibility": chat["visibility"]}
    if chat.get("lastContext") is not None:
        record["lastContext"] = read_json(chat["lastContext"], f"{place.key}.lastContext")
    return Conversation(
        id=str(chat["id"]),
        title=chat["title"],
        nodes=nodes,
        created_at=in_utc(chat["createdAt"], f"{place.key}.createdAt"),
        owner=email,
        record=record,
        format=FORMAT_NAME,
        place=place,
    )


def _node(table: str, row: Mapping[str, Any]) -> Node:
    key = f'"{table}" {row["id"]}'
    role = _ROLES.get(row["role"])
    if role is None:
        raise BadValueError("its role is none of user, assistant, system and tool", f"{key}.role")
    name = "content" if "content" in row else "parts"
    body = read_json(row[name], f"{key}.{name}")
    record: dict[str, Any] = {"table": table}
    node = Node(str(row["id"]), None, role, text_of(body)[:MAX_CONTENT], parts=body, record=record)
    node.created_at = in_utc(row["createdAt"], f"{key}.createdAt")
    node.sources = _sources(body)
    if "attachments" in row:
        record["attachments"] = read_json(row["attachments"], f"{key}.attachments")
    return node


def text_of(body: object) -> str:
    """Give the text of a message's parts, or of what the older table holds instead."""
    if isinstance(body, str):
        return body
    texts = [part.get("text") for part in objects(body) if part.get("type") == "text"]
    return "\n\n".join(text for text in texts if isinstance(text, str) and text)


def _sources(body: object) -> list[Source] | None:
    found: list[Source] = []
    for part in objects(body):
        url, title = part.get("url"), part.get("title")
        if part.get("type") == "source-url" and isinstance(url, str) and is_web_url(url):
            found.append(Source(title if isinstance(title, str) else url, url, ""))
    return found or None


def _time(dated: tuple[datetime, Node]) -> datetime:
    return dated[0]


def in_utc(time: datetime, key: str) -> datetime:
    """Give a time of a column without a zone, in which the product keeps UTC."""
    if time in {datetime.max, datetime.min}:  # noqa: DTZ901 - as the driver gives the infinities
        raise BadValueError("its time is infinite", key)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


async def list_accounts(foreign: Foreign, tables: Tables) -> list[Account]:
    """Give everybody who has chats."""
    chats, users = tables.chats, tables.users
    rows = await foreign.read(
        select(users.c.id, users.c.email, func.count())
        .select_from(users.join(chats, users.c.id == chats.c.userId))
        .group_by(users.c.id, users.c.email)
        .order_by(users.c.id)
    )
    return [Account(str(user_id), email, number) for user_id, email, number in rows]
