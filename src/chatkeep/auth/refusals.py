"""Why a session cookie was refused: told in the log, never to the caller."""

import logging
from typing import Literal

from chatkeep.records.auth import CallerKind

Reason = Literal[
    "bad_signature",
    "chunks",
    "duplicate",
    "expired",
    "malformed",
    "no_secret",
    "not_yet_valid",
    "other_schema",
    "other_session",
    "stored_form",
    "too_large",
    "unknown_session",
    "user_gone",
]

_log = logging.getLogger("chatkeep.auth")


class RefusedError(Exception):
    """A cookie was refused. It never leaves this floor: outside, every refusal is None."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def tell(kind: CallerKind | Literal["any"], reason: Reason) -> None:
    """Write a refusal into the log: kind and reason, nothing of the cookie.

    A missing secret is a warning, since nobody will be let in before it is set; the rest are
    everyday matters.
    """
    level = logging.WARNING if reason == "no_secret" else logging.INFO
    extra = {"cookie_kind": kind, "reason": reason}
    _log.log(level, "refused a session cookie: kind=%s reason=%s", kind, reason, extra=extra)
