"""One huge JSON array, read element by element, with the place of each.

The text is split by its brackets first, and each element decoded alone. So a broken element is left
out and the next one read, and nothing but one element is in memory.
"""

import re
from collections.abc import Callable, Iterator

from chatkeep.exchange.decoding import NoJson, decoded
from chatkeep.exchange.files import BROKEN, DAMAGED, MAX_RECORD, READ_BYTES, Part
from chatkeep.exchange.lines import Record
from chatkeep.exchange.model import BadRecord, Place

# To the next bracket that stands outside of a text, in one step.
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([{}\[\]])', re.DOTALL)
_WORD = re.compile(rb'(?:[^",{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")++', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_OPENING = frozenset(b"{[")
_ARRAY, _END, _OBJECT, _COMMA = b"[]{,"
# What looking for the ends of broken elements may cost, in bytes that are looked at: enough for
# forty that have no end, and less than a minute. What was read already earns more.
_WORK = 16 << 30
_EARNED = 32  # for each byte that was read
_BRACKET_COST = 256  # a step to a bracket takes as long as so many bytes
_TOO_BROKEN = "so much up to here is broken that the file is not read on"
_KEY = 128  # bytes: from the begin of an element to behind its first key
_OVERLAP = 1024  # bytes: more than there are between two elements and to the first key

Accepts = Callable[[object], bool]


class _Window:
    """The part of the text that is being looked at, and where it begins.

    Attributes:
        at: Index of the first byte that counts; what lies before it goes with the next reading.
        spent: What looking for ends cost until now; see `_WORK`.
    """

    def __init__(self, part: Part, limit: int) -> None:
        self._stream = part.stream
        self._limit = limit
        self._text = bytearray()
        self.at = 0
        self.byte = 0
        self.line = 1
        self.is_damaged = False
        self.spent = 0
        self._is_spent = False

    @property
    def is_spent(self) -> bool:
        """Whether so much was broken that nothing more is looked for; then it stays so."""
        self._is_spent |= self.spent > _WORK + _EARNED * self.byte
        return self._is_spent

    def __len__(self) -> int:
        return len(self._text) - self.at

    def decoded(self, count: int) -> object:
        """Decode the first bytes.

        Raises:
            NoJson: They are none.
        """
        with memoryview(self._text) as whole, whole[self.at : self.at + count] as text:
            return decoded(text, self.byte)

    def search(self, pattern: re.Pattern[bytes], end: int | None) -> int | None:
        """Give the end of the first match, counted from the first byte; not far behind `end`."""
        until = len(self._text) if end is None else self.at + end - self.byte + _KEY
        found = pattern.search(self._text, self.at, until)
        if found is None and end is not None:
            self.spent += until - self.at
        return found.end() - self.at if found else None

    def more(self) -> bool:
        """Read on; False at the end, or when the window has as much as an element may have."""
        if len(self) > self._limit or self.is_damaged or self.is_spent:
            return False
        try:
            # As much again as there is: who looks for an end begins at the front each time.
            chunk = self._stream.read(max(READ_BYTES, min(len(self), self._limit - len(self))))
        except BROKEN:
            self.is_damaged = True
            return False
        del self._text[: self.at]
        self._text += chunk
        self.at = 0
        return bool(chunk)

    def drop(self, count: int) -> None:
        """Leave the first bytes behind."""
        self.line += self._text.count(b"\n", self.at, self.at + count)
        self.byte += count
        self.at += count

    def next_byte(self) -> int | None:
        """Go to the next byte that is no space, and give it; None at the end."""
        while True:
            space = _SPACE.match(self._text, self.at)
            self.drop(space.end() - self.at if space else 0)
            if self.at < len(self._text):
                return self._text[self.at]
            if not self.more():
                return None

    def end_of_element(self) -> int | None:
        """Count the bytes to where the object ends that begins here; None where it does not."""
        depth = passed = 0
        while not self.is_spent:
            begun, steps = passed, 0
            while found := _BRACKET.match(self._text, self.at + passed):
                passed = found.end() - self.at
                depth += 1 if self._text[found.end() - 1] in _OPENING else -1
                steps += 1
                if depth == 0:
                    self.spent += passed - begun + _BRACKET_COST * steps
                    return passed
            self.spent += len(self) - begun + _BRACKET_COST * steps
            if not self.more():
                return None
        return None

    def end_of_word(self) -> int:
        """Count the bytes to where the text or number ends that begins here; at least one."""
        while True:
            found = _WORD.match(self._text, self.at)
            passed = found.end() - self.at if found else 0
            if self._text.startswith(b'"', self.at + passed):  # which was looked for up to the end
                self.spent += len(self) - passed
            if passed < len(self) or not self.more():
                return max(passed, 1)

    def why_ended(self, why: str) -> str:
        """Say why there is nothing more: `why`, where the file itself is sound."""
        return DAMAGED if self.is_damaged else why

    def why_endless(self) -> str:
        """Say why the element that begins here has no end."""
        if self.is_spent:
            return _TOO_BROKEN
        if self.is_damaged:
            return DAMAGED
        if len(self) > self._limit:
            return f"it is longer than {self._limit} bytes, or a bracket or quote of it is missing"
        return "the file ends in the middle of it"


class Elements:
    """The elements of an array of objects; of a file that holds one object alone, that one.

    Args:
        part: What to read.
        begins: What an element begins with, as a regular expression from its bracket on: by it the
            next element is found behind one that is so broken that nobody knows where it ends.
        accepts: Whether a value is such an element.
        limit: Bytes that an element may have.
    """

    def __init__(
        self, part: Part, begins: bytes, accepts: Accepts, limit: int = MAX_RECORD
    ) -> None:
        self._name = part.name
        self._window = _Window(part, limit)
        self._next = re.compile(rb"[,\[][ \t\r\n]*+(?=" + begins + rb")")
        self._accepts = accepts
        self._number = 0

    def __iter__(self) -> Iterator[Record | BadRecord]:
        window = self._window
        first = window.next_byte()
        if first not in (_ARRAY, _OBJECT):
            why = window.why_ended("it is empty") if first is None else "it is no JSON array"
            yield BadRecord(self._place(), why, is_last=True)
            return
        if first == _OBJECT:
            yield from self._element()
        else:
            window.drop(1)
            yield from self._array()
        while not self._was_cut and window.next_byte() is not None:
            place = self._place()
            self._was_cut = not self._go_on(None)
            yield BadRecord(place, "there is text behind the end", is_last=self._was_cut)
            if not self._was_cut:
                yield from self._array()

    def _array(self) -> Iterator[Record | BadRecord]:
        window = self._window
        while (byte := window.next_byte()) not in (_END, None):
            if byte == _COMMA:
                window.drop(1)
            else:
                yield from self._element()
        if byte is not None:
            window.drop(1)
        elif not self._was_cut:
            self._was_cut = True
            why = window.why_ended("the file ends before its array does")
            yield BadRecord(self._place(), why, is_last=True)

    _was_cut = False

    def _place(self) -> Place:
        window = self._window
        return Place(self._name, self._number or None, window.line, window.byte)

    def _element(self) -> Iterator[Record | BadRecord]:
        window = self._window
        self._number += 1
        place = self._place()
        spent = window.spent
        has_brackets = window.next_byte() in _OPENING
        end = window.end_of_element() if has_brackets else window.end_of_word()
        if end is None:
            problem = window.why_endless()
        else:
            try:
                value = window.decoded(end)
            except NoJson as exc:
                problem = str(exc)
            else:
                window.drop(end)
                window.spent = spent  # it is sound: nothing was looked at in vain
                is_object = isinstance(value, dict)
                why = "it is no JSON object"
                yield Record(place, value, end) if is_object else BadRecord(place, why)
                return
        behind = None if end is None else window.byte + end
        window.drop(1)
        self._was_cut = not self._go_on(behind)
        if window.is_spent:
            problem = _TOO_BROKEN
        elif end is None and not self._was_cut:
            problem = "a bracket or a quote of it is missing"
        yield BadRecord(place, problem, is_last=self._was_cut)

    def _go_on(self, end: int | None) -> bool:
        """Go to the next element behind a broken one; False where none is found.

        Where a quote is missing, what looks like the end of the element may be that of a later one:
        so an element is looked for inside of it too.

        Args:
            end: Offset of what looks like its end.
        """
        window = self._window
        while not window.is_spent:
            while (found := window.search(self._next, end)) is None:
                if end is not None and window.byte + len(window) >= end:
                    break
                window.drop(max(0, len(window) - _OVERLAP))
                if not window.more():
                    break
            if found is None or (end is not None and window.byte + found >= end):
                break
            window.drop(found)
            if self._is_sound():
                return True
        if end is None or window.is_spent:
            window.drop(len(window))
            return False
        window.drop(end - window.byte)
        return True

    def _is_sound(self) -> bool:
        end = self._window.end_of_element()
        if end is None:
            return False
        try:
            return self._accepts(self._window.decoded(end))
        except NoJson:
            return False
