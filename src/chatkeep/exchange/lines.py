"""JSON Lines: one record a line; a broken line says nothing about the next one."""

from collections.abc import Iterator
from typing import NamedTuple

from chatkeep.exchange.decoding import NoJson, decoded
from chatkeep.exchange.files import BROKEN, DAMAGED, MAX_RECORD, READ_BYTES, Part
from chatkeep.exchange.model import BadRecord, Place


class Record(NamedTuple):
    """A record of a file: where it stands, what it says, and its size in bytes."""

    place: Place
    value: object
    size: int


def records(part: Part, limit: int = MAX_RECORD) -> Iterator[Record | BadRecord]:
    """Give the records of a file in their order; empty lines are none.

    Args:
        part: What to read.
        limit: Bytes that a line may have.
    """
    number = 0
    for line, byte, text in _lines(part, limit):
        if isinstance(text, bytes) and not text.strip():
            continue
        number += 1
        place = Place(part.name, record=number, line=line, byte=byte)
        if isinstance(text, str):
            yield BadRecord(place, text, is_last=text == DAMAGED)
            continue
        try:
            yield Record(place, decoded(text, byte), len(text))
        except NoJson as exc:
            yield BadRecord(place, str(exc))


def _lines(part: Part, limit: int) -> Iterator[tuple[int, int, bytes | str]]:
    """Give each line with its number and offset; a text says what is wrong with it instead."""
    rest, byte, number, is_long = b"", 0, 1, False
    while True:
        try:
            chunk = part.stream.read(READ_BYTES)
        except BROKEN:
            yield number, byte, DAMAGED
            return
        if not chunk:
            break
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield number, byte, _too_long(limit) if is_long or len(line) > limit else line
            byte, number, is_long = byte + len(line) + 1, number + 1, False
        if len(rest) > limit:
            byte, rest, is_long = byte + len(rest), b"", True
    if rest or is_long:
        yield number, byte, _too_long(limit) if is_long else rest


def _too_long(limit: int) -> str:
    return f"it is longer than {limit} bytes"
