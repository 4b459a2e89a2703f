"""What a reader gets of an answer that is being written."""

from chatkeep.records.base import Record
from chatkeep.records.deepsearch import Status


class AnswerPiece(Record, rename="camel"):
    """A piece of an answer. The last one has another `status` than `streaming`, and may be empty.

    `offset` says where the piece begins, `end` where the next one does; both count characters, as
    Python does: an emoji of one code point is one.
    """

    offset: int
    text: str
    status: Status

    @property
    def end(self) -> int:
        """Where to go on after this piece."""
        return self.offset + len(self.text)

    @property
    def is_last(self) -> bool:
        """Whether the answer has ended."""
        return self.status != "streaming"
