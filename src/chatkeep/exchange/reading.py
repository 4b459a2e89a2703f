"""What the readers of files have in common: records to conversations, beside the event loop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

from chatkeep.exchange.checking import Unfit
from chatkeep.exchange.files import READ_BYTES, Opened, Part
from chatkeep.exchange.lines import Record
from chatkeep.exchange.model import BadRecord, Conversation, Place

T = TypeVar("T")

Split: TypeAlias = Callable[[Part], Iterable[Record | BadRecord]]
Turn: TypeAlias = Callable[[Place, object], Conversation]

_SLICE = 0.02  # seconds of reading in a thread, then the loop has what was found


class FileReader:
    """Reads the conversations of a file; see `model.Reader`."""

    def __init__(self, file: Opened, split: Split, turn: Turn) -> None:
        """Keep what to read.

        Args:
            file: What is open.
            split: Gives the records of a text.
            turn: Makes a conversation of a record, or raises `Unfit`.
        """
        self._file = file
        self._split = split
        self._turn = turn
        self._done = 0

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._file.size

    @property
    def done(self) -> int:
        """Bytes that were read."""
        return self._done

    async def __aiter__(self) -> AsyncIterator[Conversation | BadRecord]:
        found = self._found()
        while part := await asyncio.to_thread(self._slice, found):
            for one in part:
                yield one

    def _slice(self, found: Iterator[Conversation | BadRecord]) -> list[Conversation | BadRecord]:
        part: list[Conversation | BadRecord] = []
        until, size = time.perf_counter() + _SLICE, 0
        for one in found:
            part.append(one)
            size += one.size if isinstance(one, Conversation) else 0
            if time.perf_counter() > until or size > READ_BYTES:
                break
        self._done = self._file.done
        return part

    def _found(self) -> Iterator[Conversation | BadRecord]:
        for part in self._file.parts():
            for record in self._split(part):
                if isinstance(record, BadRecord):
                    yield record
                    continue
                try:
                    conversation = self._turn(record.place, record.value)
                except Unfit as exc:
                    yield BadRecord(record.place, str(exc))
                else:
                    conversation.place, conversation.size = record.place, record.size
                    yield conversation


def field_of(record: Mapping[str, Any], name: str, kind: type[T]) -> T:
    """Give a field that must be there.

    Raises:
        Unfit: It is missing, or of another type.
    """
    value = record.get(name)
    if not isinstance(value, kind) or isinstance(value, bool) is not (kind is bool):
        raise Unfit(f'"{name}" is missing, or of another type than it should be')
    return value
