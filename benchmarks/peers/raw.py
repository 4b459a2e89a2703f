"""Rows of a bare driver in the common form: by position, as the hand-written SQL selects them."""

from typing import Any

from benchmarks import canonical
from benchmarks.patterns import ACCOUNT, CHAT, MESSAGE, SETTINGS, USER


def plain(pattern: str, answer: Any) -> object:
    """Bring a pattern's rows into the common form."""
    if pattern == "user_by_email":
        return _row(USER, answer)
    if pattern == "user_with_accounts":
        pairs = [tuple(found) for found in answer]
        accounts = [_row(ACCOUNT, pair[len(USER) :]) for pair in pairs]
        return {**_row(USER, pairs[0][: len(USER)]), "accounts": accounts}
    if pattern == "chats_of_user":
        return [_row(CHAT, chat) for chat in answer]
    if pattern == "chat_with_messages":
        chat, messages = answer
        return {**_row(CHAT, chat), "messages": [_row(MESSAGE, message) for message in messages]}
    if pattern == "messages_before":
        return [_row(MESSAGE, message) for message in answer]
    if pattern in {"settings_get", "settings_update"}:
        return _row(SETTINGS, answer)
    if pattern == "insert_messages":
        return [message[0] for message in answer]
    return answer[0]


def _row(columns: tuple[str, ...], values: Any) -> dict[str, Any]:
    return canonical.row(columns, dict(zip(columns, tuple(values)[: len(columns)], strict=True)))
