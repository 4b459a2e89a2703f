"""Conversations of the Open Assistant project as chats, and back without a loss.

A tree has several replies to one message: a chat has a branch for each. What it shows is the thread
that a reader of the conversation would have seen: the first reply to each message.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any, NamedTuple

from chatkeep.inputs.deepsearch import NewMessage
from chatkeep.records.deepsearch import Message, MessageMetadata, Role

ROLES: dict[str, Role] = {"prompter": "user", "assistant": "assistant"}
TITLE_CHARACTERS = 80

_PROMPTERS = {role: name for name, role in ROLES.items()}
# What a message of ours says by itself; everything else of theirs goes into its parts.
_OWN = {"message_id", "parent_id", "role", "text", "replies"}


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
    of_tree = {name: value for name, value in tree.items() if name != "prompt"}
    messages = tuple(_walk(tree["prompt"], None, {"tree": of_tree}))
    last: dict[str, Any] = tree["prompt"]
    while last["replies"]:
        last = last["replies"][0]
    chat_id = f"chat_{tree['message_tree_id']}"
    return Conversation(chat_id, title(messages[0].content), messages, f"msg_{last['message_id']}")


def tree_of(messages: Iterable[Message]) -> dict[str, Any]:
    """Turn what `chats.tree` gives, from its first page to its last, back into the tree."""
    found: dict[str, dict[str, Any]] = {}
    tree: dict[str, Any] = {}
    for message in messages:
        theirs = found[message.id] = _theirs(message)
        if message.parent_id is None:
            tree = {**message.parts["tree"], "prompt": theirs}
        else:
            found[message.parent_id]["replies"].append(theirs)
    return tree


def title(text: str) -> str:
    """Cut a first message to a title: one line, at a word's end."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARACTERS:
        return line
    return line[: TITLE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"


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
