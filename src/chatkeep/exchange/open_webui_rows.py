"""The row of `chat_message` beside a message of open-webui: what of it the message does not say.

The product writes each message twice. Only what differs is kept, so that both come back.
"""

from collections.abc import Mapping
from typing import Any

from chatkeep.exchange.open_webui_messages import moment, usage_of

# Column of the row, and the key of the message that it is a copy of.
_COPIES = {
    "role": "role",
    "parent_id": "parentId",
    "content": "content",
    "output": "output",
    "model_id": "model",
    "files": "files",
    "sources": "sources",
    "embeds": "embeds",
    "meta": "meta",
    "status_history": "statusHistory",
    "error": "error",
    "context_summary": "contextSummary",
}
_KEYS = {**_COPIES, "done": "done", "usage": "usage", "created_at": "timestamp"}
_OWN = frozenset({"id", "chat_id"})


def row_id(chat_id: str, message_id: str) -> str:
    """Give the key of a message's row: in the JSON its id is one of its chat alone."""
    return f"{chat_id}-{message_id}"


def message_id_of(row: Mapping[str, Any], chat_id: str) -> str:
    """Give the id that a row's message has in the JSON."""
    return str(row["id"]).removeprefix(f"{chat_id}-")


def derived(message: Mapping[str, Any], user_id: str | None) -> dict[str, Any]:
    """Give the row that the product would write for a message, without its key."""
    row: dict[str, Any] = {column: message.get(key) for column, key in _COPIES.items()}
    at = moment(message.get("timestamp"))
    seconds = None if at is None else int(at.timestamp())
    return {
        **row,
        "user_id": message.get("user_id") or user_id,
        "done": message.get("done", True),
        "usage": dict(usage_of(message)) or None,
        "created_at": seconds,
        "updated_at": seconds,
    }


def differing(
    row: Mapping[str, Any], message: Mapping[str, Any], user_id: str | None
) -> dict[str, Any]:
    """Give the columns of a row that are not what the message says."""
    said = derived(message, user_id)
    return {
        name: value
        for name, value in row.items()
        if name not in _OWN and (name not in said or said[name] != value)
    }


def message_of_row(row: Mapping[str, Any], message_id: str) -> dict[str, Any]:
    """Give the message of a row that the JSON of its chat does not have."""
    found = {key: row.get(column) for column, key in _KEYS.items()}
    message = {key: value for key, value in found.items() if value is not None}
    return {"id": message_id, **message}
