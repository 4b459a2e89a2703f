"""The access patterns of the seed's section 7, and the columns that an answer must have.

Standard library only: every peer's process reads this file, in whichever environment.
"""

from typing import NamedTuple

USER = (
    "id", "name", "email", "email_verified", "image", "is_admin", "created_at", "updated_at",
)  # fmt: skip
ACCOUNT = (
    "user_id", "type", "provider", "provider_account_id", "refresh_token", "access_token",
    "expires_at", "token_type", "scope", "id_token", "session_state", "created_at", "updated_at",
)  # fmt: skip
CHAT = ("id", "user_id", "title", "created_at", "updated_at")
MESSAGE = (
    "id", "chat_id", "role", "content", "sources", "metadata", "created_at", "user_id", "seq",
)  # fmt: skip
SETTINGS = (
    "user_id", "theme", "language", "default_model", "enable_search_by_default",
    "max_search_results", "updated_at", "created_at",
)  # fmt: skip


class Pattern(NamedTuple):
    """One access pattern.

    Attributes:
        name: Name of the method of a peer.
        title: What it does.
        short: Heading of a table's column.
        has_json: Its rows have JSON columns, decoded by those peers that decode.
        writes: It changes rows; what it wrote is taken back after each round.
        fresh: Each call gets one more argument, a text that no other call gets, for new ids.
        once: Each list of arguments is good for one call (a chat is deleted once).
    """

    name: str
    title: str
    short: str
    has_json: bool = False
    writes: bool = False
    fresh: bool = False
    once: bool = False


PATTERNS = (
    Pattern("user_by_email", "user by e-mail", "e-mail"),
    Pattern("user_with_accounts", "user by id with accounts (2)", "accounts"),
    Pattern("chats_of_user", "chats of a user (50)", "chats"),
    Pattern("chat_with_messages", "chat with 100 messages", "chat+100", has_json=True),
    Pattern("messages_before", "50 messages before a place", "page", has_json=True),
    Pattern("settings_get", "user settings", "settings"),
    Pattern("settings_update", "update settings (upsert)", "upsert", writes=True),
    Pattern("append_message", "append one message", "append", writes=True, fresh=True),
    Pattern("insert_messages", "insert 10 messages", "insert 10", writes=True, fresh=True),
    Pattern("create_chat", "create chat with first message", "create", writes=True, fresh=True),
    Pattern("delete_chat", "delete a chat (5 messages)", "delete", writes=True, once=True),
)
BY_NAME = {pattern.name: pattern for pattern in PATTERNS}

# What the writing patterns write, in every peer's own words.
TITLE = "New Chat"
FIRST_ROLE, FIRST_CONTENT = "system", "Hello! How can I help you today?"
SAID = "How do I speed up a PostgreSQL index scan? " * 4


def said(number: int) -> tuple[str, str]:
    """Role and content of one of the ten inserted messages."""
    return ("user" if number % 2 == 0 else "assistant", f"{number}: {SAID}")
