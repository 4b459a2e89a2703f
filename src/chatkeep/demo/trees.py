"""Conversations of the Open Assistant project as chats, and back without a loss.

A tree has several replies to one message: a chat has a branch for each. What it shows is the thread
that a reader of the conversation would have seen: the first reply to each message.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, NamedTuple

from chatkeep.exchange import model as exchange
from chatkeep.exchange import open_assistant
from chatkeep.exchange.checking import cut as title
from chatkeep.exchange.model import Node
from chatkeep.inputs.deepsearch import NewMessage
from chatkeep.records.deepsearch import Message


class Conversation(NamedTuple):
    """One chat to import; ids come from the tree, so that a second import finds them.

    Attributes:
        messages: All replies, each after what it follows, for one call of `append`.
        shown: Id of the last message of the thread that is shown.
    """

    chat_id: str
    title: str
    messages: tuple[NewMessage, ...]
    shown: str


def trees() -> Iterator[dict[str, Any]]:
    """Give the 100 trees that come with the package, in the file's order."""
    packed = files("chatkeep.demo").joinpath("oasst_en_100_tree.jsonl.gz").read_bytes()
    for line in gzip.decompress(packed).decode("utf-8").splitlines():
        yield json.loads(line)


def conversation(tree: dict[str, Any]) -> Conversation:
    """Turn a tree into a chat, with all replies in their order."""
    found = open_assistant.conversation(tree)
    more: dict[str, Any] = {"tree": found.record}
    messages: list[NewMessage] = []
    for node in found.nodes:
        messages.append(_message(node, more))
        more = {}
    first = messages[0]
    return Conversation(
        f"chat_{found.id}", title(first.content), tuple(messages), f"msg_{found.head}"
    )


def tree_of(messages: Iterable[Message]) -> dict[str, Any]:
    """Turn what `chats.tree` gives, from its first page to its last, back into the tree."""
    record: dict[str, Any] = {}
    nodes: list[Node] = []
    for message in messages:
        if message.parent_id is None:
            record = message.parts["tree"]
        nodes.append(_node(message))
    found = exchange.Conversation(
        record["message_tree_id"], "", nodes, record=record, format=open_assistant.NAME
    )
    return next(open_assistant.trees_of(found))


def _message(node: Node, more: dict[str, Any]) -> NewMessage:
    return NewMessage(
        id=f"msg_{node.id}",
        role=node.role,
        content=node.content,
        parent_id=None if node.parent is None else f"msg_{node.parent}",
        parts={"message": node.record, **more},
        metadata=node.metadata,
    )


def _node(message: Message) -> Node:
    parent = message.parent_id
    return Node(
        message.id.removeprefix("msg_"),
        None if parent is None else parent.removeprefix("msg_"),
        message.role,
        message.content,
        record=message.parts["message"],
    )
