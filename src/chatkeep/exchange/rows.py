"""A conversation as rows: what is stored of it, column by column, and its way back.

What no column holds is kept in the metadata of the messages, under the key `imported`: the format,
the source's id, its `record`; in the first message those of the conversation too. Our records do
not show the key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import msgspec

from chatkeep.engine.parameters import json_text
from chatkeep.errors import InvalidInputError
from chatkeep.exchange import identity
from chatkeep.exchange.checking import Unfit, check_time, check_tree, shown_title
from chatkeep.exchange.model import Conversation, Node
from chatkeep.inputs.deepsearch import NewFeedback, NewMessage
from chatkeep.inputs.text import first_fault

KEPT = "imported"

CHAT = ("id", "title", "created_at", "updated_at", "head", "is_branched", "is_pinned")
MESSAGE = (
    "id", "chat_id", "parent_id", "role", "content", "sources", "metadata", "parts", "status",
    "created_at",
)  # fmt: skip
FEEDBACK = ("message_id", "chat_id", "vote", "comment")
USAGE = (
    "message_id", "chat_id", "model", "prompt_tokens", "completion_tokens", "total_tokens", "cost",
    "latency_ms", "created_at",
)  # fmt: skip

Row = tuple[object, ...]


@dataclass(slots=True)
class Rows:
    """Rows of one conversation or of several, in the order of the columns above."""

    chats: list[Row] = field(default_factory=list[Row])
    messages: list[Row] = field(default_factory=list[Row])
    feedback: list[Row] = field(default_factory=list[Row])
    usage: list[Row] = field(default_factory=list[Row])
    weight: int = 0

    def add(self, other: "Rows") -> None:
        """Put the rows of another one behind these."""
        self.chats += other.chats
        self.messages += other.messages
        self.feedback += other.feedback
        self.usage += other.usage
        self.weight += other.weight


def rows_of(conversation: Conversation, chat_id: str) -> Rows:
    """Turn a conversation into rows, with every check that our inputs make.

    Args:
        conversation: What to store.
        chat_id: Its id with us.

    Raises:
        Unfit: It cannot be stored; says why.
    """
    if not conversation.nodes:
        raise Unfit("it has no message")
    check_tree(conversation)
    made = check_time(conversation.created_at, "the conversation")
    active = check_time(conversation.updated_at, "its last activity")
    ids = {node.id: identity.message_id(chat_id, node.id) for node in conversation.nodes}
    rows = Rows()
    previous: str | None = None
    is_branched, latest = False, made
    for number, node in enumerate(conversation.nodes, 1):
        at = check_time(node.created_at, f"message {number}") or made
        latest = max(latest, at) if latest and at else at or latest
        is_branched |= node.parent != previous
        previous = node.id
        about = _about(conversation) if number == 1 else None
        try:
            _add(rows, node, ids, chat_id, (at, about))
        except InvalidInputError as exc:
            raise Unfit(f"message {number}: {exc.args[0]}".rstrip(".")) from None
        except ValueError:  # what has no JSON, with its value in the text
            raise Unfit(f"message {number} holds JSON that cannot be stored") from None
    head = conversation.nodes[-1].id if conversation.head is None else conversation.head
    title = shown_title(conversation)
    is_branched |= head != previous
    rows.chats.append(
        (chat_id, title, made, active or latest, ids[head], is_branched, conversation.is_pinned)
    )
    return rows


def _add(
    rows: Rows,
    node: Node,
    ids: Mapping[str, str],
    chat_id: str,
    more: tuple[datetime | None, dict[str, Any] | None],
) -> None:
    at, about = more
    message_id = ids[node.id]
    if node.status == "streaming":
        raise Unfit("one of its messages is still being written")
    new = NewMessage(
        id=message_id,
        role=node.role,
        content=node.content,
        sources=node.sources,
        metadata=node.metadata,
        parts=node.parts,
        status=node.status,
    )
    if first_fault(node.record) is not None:
        raise InvalidInputError("its facts hold a text or number that cannot be stored")
    sources, parts = _json(new.sources), json_text(new.parts)
    metadata = json_text(_metadata(node, about))
    parent = None if node.parent is None else ids[node.parent]
    rows.messages.append(
        (
            message_id,
            chat_id,
            parent,
            new.role,
            new.content,
            sources,
            metadata,
            parts,
            new.status,
            at,
        )
    )
    rows.weight += len(new.content) + len(metadata or "") + len(parts or "") + len(sources or "")
    if node.vote is not None or node.comment is not None:
        thought = NewFeedback(vote=node.vote, comment=node.comment)
        rows.feedback.append((message_id, chat_id, thought.vote, thought.comment))
    if node.usage is not None:
        used = node.usage
        total = used.total_tokens
        total = used.prompt_tokens + used.completion_tokens if total is None else total
        rows.usage.append(
            (message_id, chat_id, used.model, used.prompt_tokens, used.completion_tokens, total,
             used.cost, used.latency_ms, at)
        )  # fmt: skip


def _json(value: object) -> str | None:
    return None if value is None else json_text(msgspec.to_builtins(value))


def _metadata(node: Node, about: dict[str, Any] | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if node.metadata is not None:
        metadata = cast("dict[str, Any]", msgspec.to_builtins(node.metadata))
    kept: dict[str, Any] = {"id": node.id}
    if node.record:
        kept["record"] = dict(node.record)
    if about is not None:
        kept["conversation"] = about
    return {**metadata, KEPT: kept}


def _about(conversation: Conversation) -> dict[str, Any]:
    about: dict[str, Any] = {"format": conversation.format, "id": conversation.id}
    if shown_title(conversation) != conversation.title:
        about["title"] = conversation.title
    if conversation.record:
        about["record"] = dict(conversation.record)
    return about
