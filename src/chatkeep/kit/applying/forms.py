"""Which statements PostgreSQL refuses inside a transaction, told from their words."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from chatkeep.kit.applying.sqlscan import Part, split
from chatkeep.kit.folder.directives import directives
from chatkeep.kit.folder.reading import Migration
from chatkeep.kit.folder.tokens import Token, tokens

NO_TRANSACTION = "no-transaction"
"""The directive of a file whose statements run one by one, each for itself."""

BATCH = "batch"
"""The directive before an UPDATE or DELETE that runs in batches; each ends its transaction."""

_WHOLE = {"DATABASE", "SCHEMA", "SYSTEM"}
_HEADS = {
    ("CREATE", "DATABASE"),
    ("DROP", "DATABASE"),
    ("CREATE", "TABLESPACE"),
    ("DROP", "TABLESPACE"),
    ("ALTER", "SYSTEM"),
    ("CREATE", "SUBSCRIPTION"),
    ("DROP", "SUBSCRIPTION"),
    ("DISCARD", "ALL"),
}
_REFRESHING = {"REFRESH", "PUBLICATION", "FAILOVER", "TWO_PHASE"}


def needs_no_transaction(statement_sql: str) -> bool:
    """Say whether PostgreSQL refuses the statement inside a transaction.

    Only what the words tell: a REINDEX or CLUSTER of a partitioned table, or a procedure that
    commits, needs `-- chatkeep:no-transaction` in its file.

    Args:
        statement_sql: One statement; of several, whether one of them is so.
    """
    return any(_refuses_transaction(part.words) for part in split(statement_sql))


def is_transactional(migration: Migration) -> bool:
    """Say whether the migration runs in one transaction.

    It does not when the file says so, when a statement refuses a transaction, when one runs in
    batches, or when one uses a label that the same file adds to an enum.
    """
    words = {directive.word for directive in directives(migration.sql)}
    if words & {NO_TRANSACTION, BATCH}:
        return False
    parts = [part for text in migration.statements for part in split(text)]
    return not any(_refuses_transaction(part.words) for part in parts) and not _uses_new_label(
        parts
    )


def _refuses_transaction(words: Sequence[str]) -> bool:
    if tuple(words[:2]) in _HEADS:
        return True
    refuses = False
    match list(words):
        case ["VACUUM", *_] | ["CLUSTER"] | ["CLUSTER", "VERBOSE"]:
            refuses = True
        case ["CREATE" | "DROP", *rest] if "INDEX" in rest[:2]:
            refuses = ("INDEX", "CONCURRENTLY") in pairwise(rest[:3])
        case ["REINDEX", *rest]:
            refuses = "CONCURRENTLY" in rest or _is_whole(rest)
        case ["ALTER", "TABLE", *rest]:
            refuses = rest[-1:] == ["CONCURRENTLY"] and "DETACH" in rest
        case ["ALTER", "DATABASE", *rest]:
            refuses = ("SET", "TABLESPACE") in pairwise(rest)
        case ["ALTER", "SUBSCRIPTION", *rest]:
            refuses = not _REFRESHING.isdisjoint(rest)
        case _:
            pass
    return refuses


def _is_whole(rest: Sequence[str]) -> bool:
    """Whether a REINDEX is for a whole database or schema; options may stand before the word."""
    kinds = [word for word in rest if word in _WHOLE | {"TABLE", "INDEX"}]
    return bool(kinds) and kinds[0] in _WHOLE


def _uses_new_label(parts: Sequence[Part]) -> bool:
    made: set[str] = set()
    added: list[str] = []
    for part in parts:
        match list(part.words[:2]):
            case ["CREATE", "TYPE"]:
                made.add(_type_name(part))
                continue
            case ["ALTER", "TYPE"] if ("ADD", "VALUE") in pairwise(part.words):
                if _type_name(part) not in made:  # a label of a new type may be used at once
                    added += _label(part)
                continue
            case _:
                texts = list(_texts(part)) if added else []
                if any(label in text for label in added for text in texts):
                    return True
    return False


def _code(part: Part) -> list[Token]:
    return [token for token in tokens(part.sql) if token.is_code]


def _type_name(part: Part) -> str:
    """Give the type's own name as PostgreSQL would fold it; its schema left out."""
    name = ""
    for before, token in pairwise(_code(part)[1:]):
        if before.text == "." or (token.text != "." and not name):
            name = token.text
        elif token.text != ".":
            break
    return name[1:-1] if name.startswith('"') else name.lower()


def _label(part: Part) -> list[str]:
    """Give the label that is added; the one beside which it shall stand comes later."""
    texts = [token.text for token in _code(part) if token.kind == "quoted" and "'" in token.text]
    return [texts[0].split("'", 1)[1].removesuffix("'")] if texts else []


def _texts(part: Part) -> Iterator[str]:
    """Give the literals of a statement, bodies of functions and blocks among them."""
    for token in tokens(part.sql):
        if token.kind == "dollar" or (token.kind == "quoted" and not token.text.startswith('"')):
            yield token.text
