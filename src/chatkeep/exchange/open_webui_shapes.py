"""The tables of open-webui, as its releases left them, in PostgreSQL and in SQLite.

A chat is one JSON value with all of its messages; since February 2026 each message has a row of
`chat_message` beside. Columns that came later are taken where they are.

| since the migration | what changed |
|---|---|
| 7e5b5dc7342b, June 2024 | `user` and `chat`; the JSON is in a column of text |
| 242a2047eae0 and others, October 2024 | the JSON has a column of its type; `pinned`, `meta`, `folder_id` |
| 8452d01d26d7, February 2026 | `chat_message` |
| up to d4c1a8e37b62, August 2026 (0.12.4) | `tasks`, `summary`, `last_read_at`, `current_message_id`, `variables`, `timer_at` |
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import TableClause

from chatkeep.exchange.foreign import Foreign, check_shape, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PRODUCT: Final = "open-webui"
FORMAT_NAME: Final = "open-webui"

_CHAT = ("id", "user_id", "title", "chat", "created_at", "updated_at")
JSON_OF_CHAT: Final = frozenset({"meta", "variables", "tasks"})
FLAGS: Final = frozenset({"archived", "pinned", "done"})
_CHAT_LATER = (
    "share_id", "archived", "pinned", "meta", "folder_id", "variables", "tasks", "summary",
    "current_message_id", "last_read_at", "timer_at",
)  # fmt: skip
_MESSAGE = (
    "id", "chat_id", "user_id", "role", "parent_id", "content", "output", "model_id", "files",
    "sources", "embeds", "done", "status_history", "error", "usage", "created_at", "updated_at",
)  # fmt: skip
_MESSAGE_LATER = ("meta", "context_summary")
JSON_OF_MESSAGE: Final = frozenset(
    {"content", "output", "files", "sources", "embeds", "meta", "status_history", "error", "usage"}
)
_USER_MORE = (
    "name", "role", "profile_image_url", "last_active_at", "created_at", "updated_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one database.

    Attributes:
        messages: None where each message is in the JSON of its chat alone.
    """

    users: TableClause
    chats: TableClause
    messages: TableClause | None


async def find_tables(foreign: Foreign) -> Tables:
    """Tell what the database has.

    Raises:
        SchemaMismatchError: It is none of the product, or of a release that is not known.
    """
    found = await foreign.shape()
    needed: dict[str, Sequence[str]] = {"user": ("id", "email"), "chat": _CHAT}
    if "chat_message" in found:
        needed["chat_message"] = _MESSAGE
    check_shape(PRODUCT, foreign, found, needed)
    later: Mapping[str, Sequence[str]] = {
        "user": _USER_MORE, "chat": _CHAT_LATER, "chat_message": _MESSAGE_LATER,
    }  # fmt: skip
    tables = {
        name: table_of(name, [*columns, *(each for each in later[name] if each in found[name])])
        for name, columns in needed.items()
    }
    return Tables(tables["user"], tables["chat"], tables.get("chat_message"))
