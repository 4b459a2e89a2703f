"""Whole trees of the Open Assistant project as the messages of one chat, and back without a loss."""

from collections.abc import Iterable, Iterator
from typing import Any

from chatkeep.demo.trees import ROLES
from chatkeep.inputs.deepsearch import NewMessage
from chatkeep.records.deepsearch import Message, MessageMetadata

_PROMPTERS = {role: name for name, role in ROLES.items()}
# What a message of ours says by itself; everything else of theirs goes into its parts.
_OWN = {"message_id", "parent_id", "role", "text", "replies"}


def messages_of(tree: dict[str, Any]) -> list[NewMessage]:
    """Turn a tree into messages for one call of `append`, with all replies in their order."""
    of_tree = {name: value for name, value in tree.items() if name != "prompt"}
    return list(_walk(tree["prompt"], None, {"tree": of_tree}))


def tree_of(messages: Iterable[Message]) -> dict[str, Any]:
    """Turn what `chats.tree` gives, from its first page to its last, back into the tree."""
    found: dict[str, dict[str, Any]] = {}
    of_tree: dict[str, Any] = {}
    root: dict[str, Any] = {}
    for message in messages:
        theirs = _theirs(message)
        found[message.id] = theirs
        if message.parent_id is None:
            root, of_tree = theirs, message.parts["tree"]
        else:
            found[message.parent_id]["replies"].append(theirs)
    return {**of_tree, "prompt": root}


def shown_of(tree: dict[str, Any]) -> str:
    """Give the id of the last message of the thread that a reader sees: the first replies."""
    message = tree["prompt"]
    while message["replies"]:
        message = message["replies"][0]
    return f"msg_{message['message_id']}"


def _walk(
    message: dict[str, Any], parent_id: str | None, more: dict[str, Any]
) -> Iterator[NewMessage]:
    model = message.get("model_name")
    message_id = f"msg_{message['message_id']}"
    rest = {name: value for name, value in message.items() if name not in _OWN}
    yield NewMessage(
        id=message_id,
        role=ROLES[message["role"]],
        content=message["text"],
        parent_id=parent_id,
        parts={"message": rest, **more},
        metadata=MessageMetadata(model=model) if model else None,
    )
    for reply in message["replies"]:
        yield from _walk(reply, message_id, {})


def _theirs(message: Message) -> dict[str, Any]:
    theirs: dict[str, Any] = {"message_id": message.id.removeprefix("msg_")}
    if message.parent_id is not None:
        theirs["parent_id"] = message.parent_id.removeprefix("msg_")
    theirs["text"] = message.content
    theirs["role"] = _PROMPTERS[message.role]
    return {**theirs, **message.parts["message"], "replies": []}
