"""What a search gives."""

import html
from datetime import datetime

from chatkeep.records.base import Record
from chatkeep.records.deepsearch import Role


class Found(Record, rename="camel"):
    """A message that was found, or a chat whose title was.

    Attributes:
        chat_id: The chat.
        chat_title: Its title.
        message_id: The message; None where the title was found.
        role: Who said it; None for a title.
        created_at: When the message was written, or the chat begun.
        snippet: The text around the hit, at most 320 characters; "…" at an end where there is more.
        highlights: The hits in the snippet: where each begins and where it ends, in characters as
            Python counts them. JavaScript counts so in `[...snippet]`.
        rank: How well it fits, for the order "relevance"; 0.0 in the order "newest".
    """

    chat_id: str
    chat_title: str
    message_id: str | None
    role: Role | None
    created_at: datetime
    snippet: str
    highlights: list[tuple[int, int]]
    rank: float

    def marked(self, before: str = "<mark>", after: str = "</mark>") -> str:
        """Give the snippet as HTML: its text escaped, the hits between two tags of yours.

        Args:
            before: Stands before each hit, as it is.
            after: Stands behind it.
        """
        parts: list[str] = []
        place = 0
        for start, end in self.highlights:
            parts += [html.escape(self.snippet[place:start]), before]
            parts += [html.escape(self.snippet[start:end]), after]
            place = end
        parts.append(html.escape(self.snippet[place:]))
        return "".join(parts)
