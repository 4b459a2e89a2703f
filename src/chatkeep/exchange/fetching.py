"""Conversations out of the tables, in pages that follow an index: never all of a user's in memory."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy import tuple_ as row_of

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.trashed import live
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import StoredDataError
from chatkeep.exchange import identity
from chatkeep.exchange.checking import shown_title
from chatkeep.exchange.model import Conversation, Node
from chatkeep.exchange.rows import KEPT
from chatkeep.inputs.deepsearch import NewUsage
from chatkeep.records.deepsearch import MessageMetadata, Role, Source, Status

CHATS = 100
MESSAGES = 500
PAGE_BYTES = 4_000_000  # as they are stored, compressed; one message more than that

_CHAT = ("id", "title", "created_at", "updated_at", "head", "is_pinned")
_MESSAGE = (
    "id", "chat_id", "parent_id", "role", "content", "sources", "metadata", "parts", "status",
    "created_at", "seq",
)  # fmt: skip
_USAGE = (
    "model", "prompt_tokens", "completion_tokens", "total_tokens", "cost", "latency_ms",
)  # fmt: skip


class _Chat(NamedTuple):
    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    head: str | None
    is_pinned: bool


class _Message(NamedTuple):
    id: str
    chat_id: str
    parent_id: str | None
    role: Role
    content: str
    sources: list[Source] | None
    metadata: dict[str, Any] | None
    parts: Any
    status: Status
    created_at: datetime
    seq: int
    vote: int | None
    comment: str | None
    usage: tuple[Any, ...]


class _Gone(NamedTuple):
    id: str
    chat_id: str
    parent_id: str | None
    metadata: dict[str, Any] | None


class FetchQueries:
    """The statements, made when they are first needed and kept."""

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        """Find the tables.

        Raises:
            ConfigError: The schema has no chats or messages.
        """
        self._chats = catalogue.rows("chats").table
        self._messages = catalogue.rows("messages").table
        self._feedback = catalogue.rows("message_feedback").table
        self._usage = catalogue.rows("message_usage").table

    @cached_property
    def chats(self) -> Query[_Chat]:
        """A page of a user's chats by id, behind `after`."""
        chat = self._chats
        clause = select(*(chat.c[name] for name in _CHAT)).where(
            self._owned(chat),
            live(chat),
            chat.c["id"] > bindparam("after", type_=chat.c["id"].type),
        )
        return _query("exchange.chats", clause.order_by(chat.c["id"]).limit(CHATS), _Chat)

    @cached_property
    def chat(self) -> Query[_Chat]:
        """One chat of a user."""
        chat = self._chats
        clause = select(*(chat.c[name] for name in _CHAT)).where(
            self._owned(chat), live(chat), chat.c["id"] == bindparam("id", type_=chat.c["id"].type)
        )
        return _query("exchange.chat", clause, _Chat)

    @cached_property
    def messages(self) -> Query[_Message]:
        """A page of the messages of some chats, chat after chat, in their order; the first anyhow."""
        message, feedback, usage = self._messages, self._feedback, self._usage
        before = [
            bindparam("after_chat", type_=message.c["chat_id"].type),
            bindparam("after_seq", type_=BigInteger()),
        ]
        place = (message.c["chat_id"], message.c["seq"])
        joined = message
        for beside in (feedback, usage):
            joined = joined.outerjoin(
                beside,
                and_(
                    beside.c["user_id"] == message.c["user_id"],
                    beside.c["message_id"] == message.c["id"],
                ),
            )
        stored = [message.c[name] for name in ("content", "parts", "metadata", "sources")]
        size = sum((func.coalesce(func.pg_column_size(part), 0) for part in stored), literal(0))
        page = (
            select(
                *(message.c[name] for name in _MESSAGE),
                feedback.c["vote"],
                feedback.c["comment"],
                *(usage.c[name].label(f"used_{name}") for name in _USAGE),
                size.label("size"),
            )
            .select_from(joined)
            .where(self._owned(message), live(message), self._of(message))
            .where(message.c["status"] != "streaming", row_of(*place) > row_of(*before))
            # Where the plan walks along the index, it shall not walk on behind these chats.
            .where(message.c["chat_id"] <= bindparam("last_chat", type_=message.c["chat_id"].type))
            .order_by(*place)
            .limit(MESSAGES)
        ).subquery("page")
        # What is stored elsewhere leaves its place only for the rows that are sent.
        place = (page.c["chat_id"], page.c["seq"])
        before_it = (func.sum(page.c["size"]).over(order_by=place) - page.c["size"]).label("before")
        summed = select(*page.c, before_it).subquery("summed")
        columns = [column for column in summed.c if column.key not in {"size", "before"}]
        clause = select(*columns).where(summed.c["before"] < PAGE_BYTES)
        clause = clause.order_by(summed.c["chat_id"], summed.c["seq"])
        return _query("exchange.messages", clause, _made)

    @cached_property
    def gone(self) -> Query[_Gone]:
        """The messages of some chats that are in the trash, or still being written."""
        message = self._messages
        columns = [message.c[name] for name in ("id", "chat_id", "parent_id", "metadata")]
        is_gone = ~and_(live(message), message.c["status"] != "streaming")
        clause = select(*columns).where(self._owned(message), self._of(message), is_gone)
        return _query("exchange.gone", clause.order_by(message.c["seq"]), _gone)

    def _of(self, table: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a table
        chats: ColumnElement[bool] = table.c["chat_id"] == any_(
            bindparam("chats", type_=ARRAY(Text()))
        )
        return chats

    def _owned(self, table: Any) -> ColumnElement[bool]:  # noqa: ANN401 - a table
        owned: ColumnElement[bool] = table.c["user_id"] == bindparam(
            "user_id", type_=table.c["user_id"].type
        )
        return owned


class Fetch:
    """Reads one user's chats as conversations."""

    def __init__(self, runner: Runner, queries: FetchQueries, user_id: str) -> None:
        self._runner = runner
        self._queries = queries
        self._user_id = user_id

    async def all(self) -> AsyncGenerator[Conversation]:
        """Give every live chat that has a message, in the order of the ids."""
        after = ""
        while chats := await self._queries.chats.all(
            self._runner, {"user_id": self._user_id, "after": after}
        ):
            async for conversation in self._whole(chats):
                yield conversation
            after = chats[-1].id

    async def one(self, chat_id: str) -> Conversation | None:
        """Give one chat; None where there is none, or it has no message."""
        values = {"user_id": self._user_id, "id": chat_id}
        chat = await self._queries.chat.first(self._runner, values)
        async for conversation in self._whole([] if chat is None else [chat]):
            return conversation
        return None

    async def _whole(self, chats: Sequence[_Chat]) -> AsyncGenerator[Conversation]:
        """Give the chats of a page with their messages."""
        by_id = {chat.id: chat for chat in chats}
        values: dict[str, object] = {"user_id": self._user_id, "chats": list(by_id)}
        gone: dict[str, list[_Gone]] = {}
        for message in await self._queries.gone.all(self._runner, values) if chats else []:
            gone.setdefault(message.chat_id, []).append(message)
        held: list[_Message] = []
        async for message in self._messages(values):
            if held and held[0].chat_id != message.chat_id:
                chat_id = held[0].chat_id
                yield self._of(by_id[chat_id], held, gone)
                held = []
            held.append(message)
        if held:
            yield self._of(by_id[held[0].chat_id], held, gone)

    def _of(
        self, chat: _Chat, messages: Sequence[_Message], gone: Mapping[str, Sequence[_Gone]]
    ) -> Conversation:
        return conversation_of(self._user_id, chat, messages, gone.get(chat.id, ()))

    async def _messages(self, values: Mapping[str, object]) -> AsyncGenerator[_Message]:
        if not values["chats"]:
            return
        last = cast("list[str]", values["chats"])[-1]
        place: dict[str, object] = {"after_chat": "", "after_seq": 0, "last_chat": last}
        while page := await self._queries.messages.all(self._runner, {**values, **place}):
            for message in page:
                yield message
            place |= {"after_chat": page[-1].chat_id, "after_seq": page[-1].seq}


def conversation_of(
    user_id: str, chat: _Chat, messages: Sequence[_Message], gone: Sequence[_Gone]
) -> Conversation:
    """Make a conversation of a chat and its live messages.

    What it was elsewhere counts where it is that chat still. Another one with copies of its
    messages, a fork, began here: two of the same ids would be one there, or none.
    """
    about = _about(user_id, chat.id, (*messages[:1], *gone))
    ids = {m.id: _source_id(m) for m in messages} if about else {m.id: m.id for m in messages}
    above = {m.id: m.parent_id for m in gone}
    conversation = Conversation(
        id=about.get("id", chat.id),
        title=about.get("title", chat.title),
        nodes=[_node(m, ids, above) for m in messages],
        head=_standing(chat.head, ids, above),
        created_at=chat.created_at,
        updated_at=chat.updated_at,
        is_pinned=chat.is_pinned,
        record=about.get("record", {}),
        format=about.get("format", ""),
    )
    if conversation.title != chat.title and shown_title(conversation) != chat.title:
        conversation.title = chat.title  # it got another one since
    return conversation


def _about(user_id: str, chat_id: str, messages: Sequence[_Message | _Gone]) -> dict[str, Any]:
    """Give what was kept of the conversation that was imported as this chat; else nothing."""
    for message in messages:
        about = _kept(message.metadata).get("conversation")
        if isinstance(about, dict):
            theirs = cast("dict[str, Any]", about)
            made_of = (str(theirs.get("format")), str(theirs.get("id")))
            return theirs if identity.chat_id(user_id, *made_of) == chat_id else {}
    return {}


def _source_id(message: _Message) -> str:
    """Give the id that an imported message has there; of one that began here, or a copy, ours."""
    kept = _kept(message.metadata).get("id")
    if kept is None or identity.message_id(message.chat_id, str(kept)) != message.id:
        return message.id
    return str(kept)


def _standing(
    message_id: str | None, ids: Mapping[str, str], above: Mapping[str, str | None]
) -> str | None:
    """Give the source's id of a message, or of the next one above it that is not gone."""
    while message_id is not None and message_id not in ids:
        message_id = above.get(message_id)
    return None if message_id is None else ids[message_id]


def _node(message: _Message, ids: Mapping[str, str], above: Mapping[str, str | None]) -> Node:
    metadata = {k: v for k, v in (message.metadata or {}).items() if k != KEPT}
    model, prompt, completion, total, cost, latency = message.usage
    usage = None
    if total is not None:
        usage = NewUsage(
            model=model, prompt_tokens=prompt, completion_tokens=completion, total_tokens=total,
            cost=cost, latency_ms=latency,
        )  # fmt: skip
    return Node(
        id=ids[message.id],
        parent=_standing(message.parent_id, ids, above),
        role=message.role,
        content=message.content,
        parts=message.parts,
        sources=message.sources,
        metadata=_metadata(metadata),
        status=message.status,
        created_at=message.created_at,
        usage=usage,
        vote=cast("Any", message.vote),
        comment=message.comment,
        record={} if ids[message.id] == message.id else _kept(message.metadata).get("record", {}),
    )


def _metadata(metadata: Mapping[str, Any]) -> MessageMetadata | None:
    if not metadata:
        return None
    try:
        return msgspec.convert(metadata, MessageMetadata)
    except msgspec.ValidationError:
        pass  # its text may hold what is stored
    raise StoredDataError("The metadata of a message does not have the shape of MessageMetadata.")


def _kept(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    kept = (metadata or {}).get(KEPT)
    return cast("dict[str, Any]", kept) if isinstance(kept, dict) else {}


def _made(*values: Any) -> _Message:  # noqa: ANN401 - columns of any type
    return _Message._make((*values[:13], values[13:]))


def _gone(*values: Any) -> _Gone:  # noqa: ANN401 - columns of any type
    return _Gone(*values)


_READERS = {
    "metadata": msgspec.json.Decoder(dict[str, Any]).decode,
    "sources": msgspec.json.Decoder(list[Source]).decode,
    "parts": msgspec.json.decode,
}


def _query(name: str, clause: Select[Any], make: Any) -> Query[Any]:  # noqa: ANN401 - of its rows
    names = [column.key or "" for column in clause.selected_columns]
    fields = [Field(name, column, _READERS.get(column)) for column in names]
    return Query(compile_statement(name, clause, has_keys=True), Shape(make, fields))
