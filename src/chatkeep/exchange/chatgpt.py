"""ChatGPT's data export: `conversations.json`, or the zip that holds it, whole or in parts.

It is one array of conversations, each a tree of nodes in a `mapping`. Nodes without a message are
scaffolding: they become no messages of ours, and come back where they were.
"""

import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import IO

import msgspec

from chatkeep.exchange.array import Elements
from chatkeep.exchange.chatgpt_reading import conversation
from chatkeep.exchange.chatgpt_writing import written
from chatkeep.exchange.checking import Unfit
from chatkeep.exchange.files import Part, created, opened
from chatkeep.exchange.lines import Record
from chatkeep.exchange.model import BadRecord, Conversation, Format, Options, Place
from chatkeep.exchange.reading import FileReader

_MEMBERS = r"conversations(?:-\d+)?\.json"
_KEYS = rb"title|id|conversation_id|create_time|update_time|mapping|current_node"
_BEGINS = re.compile(rb'\{\s*+"(?:' + _KEYS + rb')"\s*+:').pattern


def _split(part: Part) -> Iterable[Record | BadRecord]:
    return Elements(part, _BEGINS, _is_conversation)


def _is_conversation(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("mapping"), dict)


def _turn(_place: Place, value: object) -> Conversation:
    if not isinstance(value, dict):
        raise Unfit("it is no object")
    return conversation(value)


@asynccontextmanager
async def _open(source: str, _options: Options) -> AsyncGenerator[FileReader]:
    with opened(source, _MEMBERS) as file:
        yield FileReader(file, _split, _turn)


class _Writer:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._before = b"[\n"

    async def write(self, conversation: Conversation) -> None:
        """Write one element of the array."""
        self._stream.write(self._before + msgspec.json.encode(written(conversation)))
        self._before = b",\n"

    def end(self) -> None:
        """End the array."""
        self._stream.write(b"\n]\n" if self._before == b",\n" else b"[]\n")


@asynccontextmanager
async def _create(target: str, _options: Options) -> AsyncGenerator[_Writer]:
    with created(target, "conversations.json") as stream:
        writer = _Writer(stream)
        yield writer
        writer.end()


FORMAT = Format("chatgpt", reader=_open, writer=_create)
