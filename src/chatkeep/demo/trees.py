"""Conversations of the Open Assistant project, as plain chats.

A tree has several replies to one message. Until chats have branches, the path of the first
replies is what a reader of the conversation would have seen.
"""

import gzip
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, NamedTuple

from chatkeep.records.deepsearch import Role

ROLES: dict[str, Role] = {"prompter": "user", "assistant": "assistant"}
TITLE_CHARACTERS = 80


class Turn(NamedTuple):
    """One message of a conversation; `model` is None for what a person wrote."""

    id: str
    role: Role
    content: str
    model: str | None


class Conversation(NamedTuple):
    """One chat to import; ids come from the tree, so that a second import finds them."""

    chat_id: str
    title: str
    turns: tuple[Turn, ...]


def conversations() -> Iterator[Conversation]:
    """Give the 100 conversations that come with the package, in the file's order."""
    packed = files("chatkeep.demo").joinpath("oasst_en_100_tree.jsonl.gz").read_bytes()
    for line in gzip.decompress(packed).decode("utf-8").splitlines():
        yield conversation(json.loads(line))


def conversation(tree: dict[str, Any]) -> Conversation:
    """Turn one tree into a chat: the prompt, then the first reply to each message."""
    turns = tuple(first_path(tree["prompt"]))
    return Conversation(f"chat_{tree['message_tree_id']}", title(turns[0].content), turns)


def first_path(message: dict[str, Any]) -> Iterator[Turn]:
    """Walk from a message along the first replies."""
    current: dict[str, Any] | None = message
    while current is not None:
        yield Turn(
            id=f"msg_{current['message_id']}",
            role=ROLES[current["role"]],
            content=current["text"],
            model=current.get("model_name"),
        )
        replies: list[dict[str, Any]] = current["replies"]
        current = replies[0] if replies else None


def title(text: str) -> str:
    """Cut a first message to a title: one line, at a word's end."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARACTERS:
        return line
    return line[: TITLE_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"
