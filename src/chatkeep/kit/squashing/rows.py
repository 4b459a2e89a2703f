"""Which migrations do something to rows, and not only to the structure."""

from itertools import pairwise

from chatkeep.kit.applying.sqlscan import statement_words
from chatkeep.kit.folder import Migration

STRUCTURE = {
    "ALTER",
    "ANALYZE",
    "CLUSTER",
    "COMMENT",
    "CREATE",
    "DROP",
    "GRANT",
    "REFRESH",
    "REINDEX",
    "RESET",
    "REVOKE",
    "SECURITY",
    "SET",
    "VACUUM",
}
"""What begins otherwise may write rows: INSERT, UPDATE, WITH …, DO, CALL, SELECT setval(…)."""

_QUERIES = {"SELECT", "WITH", "VALUES", "TABLE", "EXECUTE"}


def touches_rows(migration: Migration) -> bool:
    """Say whether a statement of the migration may write rows or move sequences by itself."""
    return any(
        words[0] not in STRUCTURE or (words[0] == "CREATE" and _fills(words))
        for statement in migration.statements
        for words in statement_words(statement)
    )


def _fills(words: list[str]) -> bool:
    """Whether a table is made from a query: CREATE TABLE … AS SELECT."""
    return "TABLE" in words[:4] and any(
        one == "AS" and other in _QUERIES for one, other in pairwise(words)
    )
