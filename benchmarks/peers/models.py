"""Models of an ORM in the common form: attributes called as the columns, but for those told."""

from collections.abc import Mapping
from typing import Any

from benchmarks import canonical
from benchmarks.patterns import ACCOUNT, CHAT, MESSAGE, SETTINGS, USER


def plain(pattern: str, answer: Any, names: Mapping[str, str] | None = None) -> object:
    """Bring a pattern's models into the common form.

    Args:
        pattern: Which pattern.
        answer: The parent with its children as a pair, or what else the pattern gives. Patterns
            that write give the ids of the new rows themselves.
        names: Attributes that are not called as their columns.
    """
    row = canonical.row
    if pattern == "user_by_email":
        return row(USER, answer)
    if pattern == "user_with_accounts":
        user, accounts = answer
        return {**row(USER, user), "accounts": [row(ACCOUNT, account) for account in accounts]}
    if pattern == "chats_of_user":
        return [row(CHAT, chat) for chat in answer]
    if pattern == "chat_with_messages":
        chat, messages = answer
        return {**row(CHAT, chat), "messages": [row(MESSAGE, one, names) for one in messages]}
    if pattern == "messages_before":
        return [row(MESSAGE, message, names) for message in answer]
    if pattern in {"settings_get", "settings_update"}:
        return row(SETTINGS, answer)
    return answer
