"""The base of every error."""

from typing import ClassVar


class ChatkeepError(Exception):
    """Base of everything that chatkeep raises on purpose.

    Attributes:
        code: A stable name for programs, such as `chat_not_found`.
        hint: What to do about it, or None when the message already says so.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message} {self.hint}" if self.hint else message
