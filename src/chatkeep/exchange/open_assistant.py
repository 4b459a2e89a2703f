"""Trees of the Open Assistant project: JSON Lines, one tree of messages a line, also packed.

A tree has several replies to one message: a chat has a branch for each. What it shows is the thread
that a reader of the conversation would have seen: the first reply to each message.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import IO, Any, cast

import msgspec

from chatkeep.errors import BadRecordError
from chatkeep.exchange.checking import Unfit
from chatkeep.exchange.files import created, opened
from chatkeep.exchange.lines import records
from chatkeep.exchange.model import Conversation, Format, Node, Options, Place
from chatkeep.exchange.reading import FileReader, field_of
from chatkeep.records.deepsearch import MessageMetadata, Role

NAME = "open-assistant"
ROLES: dict[str, Role] = {"prompter": "user", "assistant": "assistant"}

_THEIRS = {role: name for name, role in ROLES.items()}
# What a node of ours says by itself; everything else of theirs goes into its record.
_OWN = frozenset({"message_id", "parent_id", "role", "text", "replies"})


def conversation(tree: Mapping[str, Any]) -> Conversation:
    """Turn a tree into a conversation, with all replies in their order.

    Raises:
        Unfit: It is no such tree.
    """
    nodes: list[Node] = []
    waiting: list[tuple[object, str | None]] = [(tree.get("prompt"), None)]
    while waiting:
        message, parent = waiting.pop()
        if not isinstance(message, dict):
            raise Unfit("it has no prompt, or a reply that is no object")
        node, replies = _node(cast("dict[str, Any]", message), parent)
        nodes.append(node)
        waiting += ((reply, node.id) for reply in reversed(replies))
    return Conversation(
        id=field_of(tree, "message_tree_id", str),
        title="",
        nodes=nodes,
        head=_first_thread(nodes),
        record={name: value for name, value in tree.items() if name != "prompt"},
        format=NAME,
    )


def _node(message: dict[str, Any], parent: str | None) -> tuple[Node, list[object]]:
    role = field_of(message, "role", str)
    if role not in ROLES:
        raise Unfit("a message has a role that is none of Open Assistant's")
    record = {name: value for name, value in message.items() if name not in _OWN}
    if message.get("parent_id", parent) != parent:
        raise Unfit("a reply says that it follows another message than the one it stands in")
    if ("parent_id" in message) is not (parent is not None):
        record["parent_id"] = message.get("parent_id")  # a root that says null, a reply without one
    if "replies" not in message:
        record["replies"] = None
    model = message.get("model_name")
    node = Node(
        id=field_of(message, "message_id", str),
        parent=parent,
        role=ROLES[role],
        content=field_of(message, "text", str),
        metadata=MessageMetadata(model=model) if isinstance(model, str) and model else None,
        record=record,
    )
    replies = message.get("replies", [])
    if not isinstance(replies, list):
        raise Unfit("the replies to a message are no list")
    return node, cast("list[object]", replies)


def _first_thread(nodes: list[Node]) -> str:
    """Follow the first reply to each message; the nodes stand thread after thread."""
    last = nodes[0]
    for node in nodes[1:]:
        if node.parent != last.id:
            break
        last = node
    return last.id


def trees_of(conversation: Conversation) -> Iterator[dict[str, Any]]:
    """Turn a conversation into trees: one for each message that begins a branch.

    Raises:
        BadRecordError: It has a message of a role that a tree does not have.
    """
    is_ours = conversation.format == NAME
    found: dict[str, dict[str, Any]] = {}
    roots: list[dict[str, Any]] = []
    for node in conversation.nodes:
        theirs = found[node.id] = _theirs(node, node.record if is_ours else {})
        if node.parent is None:
            roots.append(theirs)
        else:
            found[node.parent].setdefault("replies", []).append(theirs)
    for number, root in enumerate(roots):
        about: dict[str, Any] = {"message_tree_id": root["message_id"]}
        if is_ours and number == 0:
            about = {"message_tree_id": conversation.id, **conversation.record}
        yield {**about, "prompt": root}


def _theirs(node: Node, record: Mapping[str, Any]) -> dict[str, Any]:
    if node.role not in _THEIRS:
        raise BadRecordError(
            f"A tree of Open Assistant has no {node.role} messages, and this chat has one.",
            hint="Export it in another format.",
        )
    theirs: dict[str, Any] = {"message_id": node.id}
    if node.parent is not None:
        theirs["parent_id"] = node.parent
    theirs |= {"text": node.content, "role": _THEIRS[node.role]}
    more = dict(record)
    if "parent_id" in more and more["parent_id"] is None and node.parent is not None:
        theirs.pop("parent_id")
        more.pop("parent_id")
    has_replies = "replies" not in more
    more.pop("replies", None)
    if not record and node.metadata is not None and node.metadata.model:
        more["model_name"] = node.metadata.model
    return {**theirs, **more, **({"replies": []} if has_replies else {})}


def _found(_place: Place, value: object) -> Conversation:
    if not isinstance(value, dict):
        raise Unfit("it is no tree of messages")
    return conversation(cast("dict[str, Any]", value))


@asynccontextmanager
async def _open(source: str, _options: Options) -> AsyncGenerator[FileReader]:
    with opened(source, r".*\.jsonl") as file:
        yield FileReader(file, records, _found)


class _Writer:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    async def write(self, conversation: Conversation) -> None:
        """Write its trees, a line each."""
        for tree in trees_of(conversation):
            self._stream.write(msgspec.json.encode(tree) + b"\n")


@asynccontextmanager
async def _create(target: str, _options: Options) -> AsyncGenerator[_Writer]:
    with created(target, "trees.jsonl") as stream:
        yield _Writer(stream)


FORMAT = Format(NAME, reader=_open, writer=_create)
