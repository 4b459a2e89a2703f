"""The tables of vercel/chatbot, as its releases left them.

| since | what changed |
|---|---|
| December 2024 | `Chat.visibility`; messages are in `Message`, votes in `Vote` |
| March 2025 | `Message_v2` and `Vote_v2` beside them: parts and attachments |
| September to December 2025 | `Chat.lastContext` |
| July 2026 | one initial migration: `Message` and `Vote` are no more |

Columns of `User` that came with other ways to sign in are not looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, TableClause

from chatkeep.errors import SchemaMismatchError
from chatkeep.exchange.foreign import Foreign, check_shape, table_of

PRODUCT: Final = "vercel/chatbot"
MAX_EMAIL: Final = 64
_CHAT = ("id", "createdAt", "title", "userId", "visibility")
_NEEDED: Mapping[str, Sequence[str]] = {"User": ("id", "email"), "Chat": _CHAT}
_MESSAGES = {
    "Message_v2": ("id", "chatId", "role", "parts", "attachments", "createdAt"),
    "Message": ("id", "chatId", "role", "content", "createdAt"),
}
_VOTES = {"Message_v2": "Vote_v2", "Message": "Vote"}
_VOTE = ("chatId", "messageId", "isUpvoted")


@dataclass(frozen=True, slots=True)
class Messages:
    """A table of messages, and that of the votes on them."""

    name: str
    table: TableClause
    votes: TableClause

    @property
    def columns(self) -> list[ColumnElement[Any]]:
        """What a message is made of."""
        return [self.table.c[name] for name in _MESSAGES[self.name]]

    @property
    def written(self) -> ColumnElement[Any]:
        """Rows of one instant were mostly written in their order, and nothing else tells it."""
        return self.table.c["ctid"]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one database.

    Attributes:
        messages: The newer table first; a database has one of the two or both.
    """

    users: TableClause
    chats: TableClause
    messages: tuple[Messages, ...]


async def find_tables(foreign: Foreign) -> Tables:
    """Tell what the database has.

    Raises:
        SchemaMismatchError: It is none of the product, or of a release that is not known.
    """
    found = await foreign.shape()
    names = [name for name in _MESSAGES if name in found]
    needed = dict(_NEEDED)
    for name in names or ["Message_v2"]:
        needed[name] = _MESSAGES[name]
        needed[_VOTES[name]] = _VOTE
    if "messages" in found.get("Chat", ()):
        raise SchemaMismatchError(
            f"The database at {foreign.where} is of a release of {PRODUCT} before December 2024: "
            'its messages are in column "Chat".messages.',
            hint="Run that product's own migrations first.",
        )
    check_shape(PRODUCT, foreign, found, needed)
    chat = [*_CHAT, *(name for name in ("lastContext",) if name in found["Chat"])]
    return Tables(
        table_of("User", ("id", "email")),
        table_of("Chat", chat),
        tuple(
            Messages(
                name, table_of(name, (*_MESSAGES[name], "ctid")), table_of(_VOTES[name], _VOTE)
            )
            for name in names
        ),
    )
