"""Ids of ours for conversations of others: the same one gets the same ids at every import.

They are made of the user, the format and the source's id by SHA-256. So nothing has to be kept to
know what was imported already, two users may import the same file, and nobody can choose an id that
is another's.
"""

import hashlib
import uuid


def chat_id(user_id: str, format_name: str, source_id: str) -> str:
    """Give the id of a conversation: `chat_` and a UUID of version 8."""
    return f"chat_{_uuid(_digest('chat', user_id, format_name, source_id))}"


def message_id(chat: str, source_id: str) -> str:
    """Give the id of a message in a chat of ours.

    Its first half is the chat's: the messages of a chat lie together in the primary key's index.
    """
    near = uuid.UUID(chat.removeprefix("chat_")).bytes[:6]
    return f"msg_{_uuid(near + _digest('message', chat, source_id))}"


def _digest(*parts: str) -> bytes:
    # Each part with its length: no two lists of parts make the same text.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _uuid(raw: bytes) -> uuid.UUID:
    return uuid.UUID(
        bytes=bytes([*raw[:6], 0x80 | raw[6] & 0x0F, raw[7], 0x80 | raw[8] & 0x3F, *raw[9:16]])
    )
