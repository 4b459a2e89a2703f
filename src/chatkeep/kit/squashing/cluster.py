"""Which migrations do something to the server, which no database holds."""

import re
from collections.abc import Sequence
from itertools import takewhile

from chatkeep.errors import MigrationError
from chatkeep.kit.applying.script import Step, statements
from chatkeep.kit.folder import Migration
from chatkeep.kit.folder.tokens import tokens

_KINDS = {"ROLE", "USER", "GROUP", "DATABASE", "TABLESPACE", "SYSTEM", "SUBSCRIPTION"}
_SHARED = {"ROLE", "DATABASE", "TABLESPACE", "PARAMETER", "SUBSCRIPTION"}
# A block that makes a role only where there is none is the usual way to write it.
_INSIDE = re.compile(
    r"\b(?:CREATE|ALTER|DROP)\s+(?:(?:ROLE|GROUP|DATABASE|TABLESPACE|SYSTEM|SUBSCRIPTION)\b"
    r"|USER\b(?!\s+MAPPING\b))",
    re.IGNORECASE,
)


def refuse_cluster_wide(migrations: Sequence[Migration]) -> None:
    """Refuse to fold what concerns the whole server, such as a role.

    A scratch database proves nothing about it: what one migration made there is still there for
    the other. What a function does that a statement calls is not seen.

    Raises:
        MigrationError: A migration holds such a statement; the message names file and statement.
    """
    for migration in migrations:
        if step := _cluster_wide(migration):
            raise MigrationError(
                f"{migration.label}: statement {step.number} of {len(statements(migration))} "
                f"(`{step.head}`) is for the whole server, and cannot be folded: "
                "the squashed migration would lack it.",
                hint="--to stops before it.",
            )


def before_cluster_wide(migrations: Sequence[Migration]) -> list[Migration]:
    """Give the migrations up to the first that a server can run only once."""
    return list(takewhile(lambda migration: _cluster_wide(migration) is None, migrations))


def _cluster_wide(migration: Migration) -> Step | None:
    return next((step for step in statements(migration) if _is_cluster_wide(step)), None)


def _is_cluster_wide(step: Step) -> bool:
    found = False
    match list(step.words):
        case ["CREATE" | "ALTER" | "DROP", kind, *rest]:
            found = kind in _KINDS and rest[:1] != ["MAPPING"]
        case ["DO", *_]:
            found = any(_INSIDE.search(token.text) for token in tokens(step.sql) if token.is_code)
        case ["GRANT" | "REVOKE" | "COMMENT" | "SECURITY", *rest]:
            after = [rest[at + 1] for at, word in enumerate(rest[:-1]) if word == "ON"]
            is_membership = step.words[0] in {"GRANT", "REVOKE"} and "ON" not in rest
            found = is_membership or bool(after and after[0] in _SHARED)
        case _:
            pass
    return found
