"""OpenAI's fine-tuning examples in chat format: JSON Lines, one conversation a line.

An example has no id: it is known by its content, and one that stands there several times by which
of them it is. So an import of a longer file brings what is new in it.
"""

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import IO, Any, cast

import msgspec

from chatkeep.errors import BadRecordError
from chatkeep.exchange.checking import Unfit
from chatkeep.exchange.files import created, opened
from chatkeep.exchange.lines import records
from chatkeep.exchange.model import Conversation, Format, Node, Options, Place, Written
from chatkeep.exchange.reading import FileReader, field_of
from chatkeep.exchange.thread import said, shown
from chatkeep.inputs.deepsearch import MAX_CONTENT
from chatkeep.records.deepsearch import Role

NAME = "fine-tuning"
_ROLES: Mapping[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "assistant": "assistant",
    "tool": "tool", "function": "tool",
}  # fmt: skip
# What a message says beside a text: it becomes the parts.
_RICH = ("content", "refusal", "audio", "tool_calls", "function_call")

Json = dict[str, Any]


def conversation(example: Json, source_id: str) -> Conversation:
    """Turn an example into a conversation.

    Raises:
        Unfit: It is none in chat format.
    """
    messages = field_of(example, "messages", list)
    nodes = [_node(number, message) for number, message in enumerate(messages, 1)]
    return Conversation(
        id=source_id,
        title="",
        nodes=nodes,
        record={name: value for name, value in example.items() if name != "messages"},
        format=NAME,
    )


def _node(number: int, message: object) -> Node:
    if not isinstance(message, dict):
        raise Unfit(f"message {number} is no object")
    theirs = cast("Json", message)
    role = field_of(theirs, "role", str)
    if role not in _ROLES:
        raise Unfit(f"message {number} has a role that is none of the format's")
    content = theirs.get("content")
    is_plain = isinstance(content, str) and content != ""
    parts = {n: theirs[n] for n in _RICH if n in theirs and not (n == "content" and is_plain)}
    text = content if isinstance(content, str) else "\n".join(_texts(content))[:MAX_CONTENT]
    if not text and not parts:
        raise Unfit(f"message {number} has no content")
    rest = {n: v for n, v in theirs.items() if n not in _RICH and n != "role"}
    if role != _ROLES[role]:
        rest["role"] = role
    return Node(
        id=str(number),
        parent=str(number - 1) if number > 1 else None,
        role=_ROLES[role],
        content=text,
        parts=parts or None,
        record=rest,
    )


def _texts(content: object) -> list[str]:
    found: list[str] = []
    for part in cast("list[object]", content) if isinstance(content, list) else []:
        text = cast("Json", part).get("text") if isinstance(part, dict) else None
        if isinstance(text, str):
            found.append(text)
    return found


def example_of(conversation: Conversation) -> Json:
    """Turn the thread that a conversation shows into an example.

    One that came from such a file is as it was. Of another the hidden and blank messages are left
    out.

    Raises:
        BadRecordError: It makes no valid example.
    """
    nodes = _thread(conversation)
    is_theirs = conversation.format == NAME
    if not is_theirs and any(node.role == "tool" for node in nodes):
        raise BadRecordError(
            "A fine-tuning example names the call that a tool answers; this chat has an answer "
            "of a tool without one.",
            hint="Export it in another format.",
        )
    if not is_theirs and (not nodes or nodes[-1].role != "assistant"):
        raise BadRecordError(
            "A fine-tuning example ends with an answer, and this chat does not.",
            hint="Export it in another format.",
        )
    messages = [_message(node, is_theirs=is_theirs) for node in nodes]
    return {"messages": messages, **(conversation.record if is_theirs else {})}


def _thread(conversation: Conversation) -> list[Node]:
    return shown(conversation) if conversation.format == NAME else said(conversation)


def _message(node: Node, *, is_theirs: bool) -> Json:
    parts = cast("Json", node.parts) if is_theirs and isinstance(node.parts, dict) else {}
    message: Json = {"role": node.role}
    if node.content:
        message["content"] = node.content
    elif not parts:
        message["content"] = ""
    return {**message, **parts, **(node.record if is_theirs else {})}


class _Numbers:
    """Gives each example of a source its id."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._again: dict[int, int] = {}

    def turn(self, _place: Place, value: object) -> Conversation:
        """Make a conversation of a record."""
        if not isinstance(value, dict):
            raise Unfit("it is no object")
        digest = hashlib.sha256(msgspec.json.encode(value, order="sorted"))
        # Half of it is enough to tell those of one file apart, and a file may have millions.
        short = int.from_bytes(digest.digest()[:7], "big")
        times = ""
        if short in self._seen:
            self._again[short] = self._again.get(short, 1) + 1
            times = f"#{self._again[short]}"
        self._seen.add(short)
        return conversation(cast("Json", value), f"{digest.hexdigest()[:40]}{times}")


@asynccontextmanager
async def _open(source: str, _options: Options) -> AsyncGenerator[FileReader]:
    with opened(source, r".*\.jsonl") as file:
        yield FileReader(file, records, _Numbers().turn)


class _Writer:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    async def write(self, conversation: Conversation) -> Written:
        """Write one line.

        Raises:
            BadRecordError: It makes no valid example.
        """
        self._stream.write(msgspec.json.encode(example_of(conversation)) + b"\n")
        thread = len(_thread(conversation))
        return Written(thread, len(conversation.nodes) - thread)


@asynccontextmanager
async def _create(target: str, _options: Options) -> AsyncGenerator[_Writer]:
    with created(target, "examples.jsonl") as stream:
        yield _Writer(stream)


FORMAT = Format(NAME, reader=_open, writer=_create)
