"""The DeepSearch preset: an AI chat application in the shape of Auth.js.

schema = deepsearch.schema(prefix="ai-app-template_")
"""

from chatkeep.presets.deepsearch.columns import (
    AccountColumns,
    ChatColumns,
    MessageColumns,
    SearchCacheColumns,
    SessionColumns,
    UserColumns,
    UserSettingsColumns,
    VerificationTokenColumns,
)
from chatkeep.presets.deepsearch.hardened import PREFIX, Schema


def schema(prefix: str = PREFIX, *, seed_writers: bool = False) -> Schema:
    """Give the tables under a prefix."""
    return Schema(prefix, seed_writers=seed_writers)


__all__ = [
    "PREFIX",
    "AccountColumns",
    "ChatColumns",
    "MessageColumns",
    "Schema",
    "SearchCacheColumns",
    "SessionColumns",
    "UserColumns",
    "UserSettingsColumns",
    "VerificationTokenColumns",
    "schema",
]
