"""Identifiers, made in Python so that the caller knows them before the row is stored.

Chats and messages get `chat_` or `msg_` and a time-ordered UUID (version 7): new rows land at the
end of the primary key's index. Any other text up to 255 characters is as good: the seeds'
`chat_` plus a random UUID (version 4) and the newer form live side by side.
"""

import secrets
import threading
import time
import uuid

_COUNTER_BITS = 12


class _Clock:
    """Milliseconds with a counter below them, never twice and never backwards in one process."""

    def __init__(self) -> None:
        self._last = 0
        self._lock = threading.Lock()

    def tick(self) -> int:
        """Give the next value: 48 bits of milliseconds, 12 bits of counter."""
        now = time.time_ns() // 1_000_000 << _COUNTER_BITS
        with self._lock:
            # A clock that was set back, or more than 4096 ids in a millisecond: borrow from the
            # future rather than break the order.
            self._last = max(now, self._last + 1)
            return self._last


_CLOCK = _Clock()


def new_uuid7() -> str:
    """Make a UUID of version 7 as text; each is greater than the one before in this process."""
    tick = _CLOCK.tick()
    millis, counter = tick >> _COUNTER_BITS, tick & ((1 << _COUNTER_BITS) - 1)
    value = (millis << 80) | (0x7 << 76) | (counter << 64) | (0b10 << 62) | secrets.randbits(62)
    text = f"{value:032x}"  # twice as quick as a uuid.UUID in between
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_user_id() -> str:
    """Make an id for a user: a random UUID, as the seeds' applications do."""
    return str(uuid.uuid4())


def new_chat_id() -> str:
    """Make an id for a chat: `chat_` and a time-ordered UUID."""
    return f"chat_{new_uuid7()}"


def new_message_id() -> str:
    """Make an id for a message: `msg_` and a time-ordered UUID."""
    return f"msg_{new_uuid7()}"


def new_share_id() -> str:
    """Make an id for a share: `share_` and a time-ordered UUID."""
    return f"share_{new_uuid7()}"


def new_share_token() -> str:
    """Make the secret of a share's link: 256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def new_session_id() -> str:
    """Make an id for a session that has a token beside it: a random UUID, no secret."""
    return str(uuid.uuid4())


def new_session_token() -> str:
    """Make a token for a session: 256 random bits, safe in a cookie and in a URL."""
    return secrets.token_urlsafe(32)
