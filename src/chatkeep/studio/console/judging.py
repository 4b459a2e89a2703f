"""Which statements a run takes, told from their first words before anything is sent.

A read-only run takes what reads: the transaction is read-only, PostgreSQL gets one statement at a
time, the transaction is always rolled back, and it is held open by a savepoint, inside which
PostgreSQL refuses to make it writable. What is refused here is what none of that stops: words that
end the transaction, and functions that reach beyond it.
"""

import re
from dataclasses import dataclass

from chatkeep.kit.applying.forms import needs_no_transaction
from chatkeep.kit.applying.sqlscan import (
    Part,
    copies_through_client,
    transaction_command,
)
from chatkeep.kit.folder.tokens import Token, tokens

READS = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
"""First words of what EXPLAIN can look into and a read-only run may run."""
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_COMMANDS = frozenset({
    "ABORT", "ALTER", "ANALYZE", "BEGIN", "CALL", "CHECKPOINT", "CLOSE", "CLUSTER", "COMMENT",
    "COMMIT", "COPY", "CREATE", "DEALLOCATE", "DECLARE", "DELETE", "DISCARD", "DO", "DROP", "END",
    "EXECUTE", "EXPLAIN", "FETCH", "GRANT", "IMPORT", "INSERT", "LISTEN", "LOAD", "LOCK", "MERGE",
    "MOVE", "NOTIFY", "PREPARE", "REASSIGN", "REFRESH", "REINDEX", "RELEASE", "RESET", "REVOKE",
    "ROLLBACK", "SAVEPOINT", "SECURITY", "SELECT", "SET", "SHOW", "START", "TABLE", "TRUNCATE",
    "UNLISTEN", "UPDATE", "VACUUM", "VALUES", "WITH",
})  # fmt: skip
_WORDS = "Is it misspelt? It takes SELECT, WITH, VALUES, TABLE, EXPLAIN, SHOW and some SET."
_ENDS = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})
_SETTINGS = re.compile(
    r"(enable_|cpu_|parallel_|max_parallel|jit|geqo|random_page_cost|seq_page_cost|effective_"
    r"|work_mem|hash_mem|from_collapse|join_collapse|plan_cache_mode|search_path|time$|timezone"
    r"|datestyle|intervalstyle|bytea_output|extra_float_digits|constraint_exclusion)"
)
# They end other connections, touch files, other databases or replication, run a text as SQL, or show
# pages and statistics as they lie on the disk. Looked for in the whole text, literals too: a text
# that hides a name from our lexer cannot hide it from a search.
_REACHES = re.compile(
    r"\b(pg_(terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile|pg_promote|pg_switch_wal"
    r"|pg_read_\w*file|pg_ls_\w+|pg_stat_file|pg_file_\w+|pg_current_logfile|pg_hba_file_rules"
    r"|pg_logical_\w+|pg_replication_\w+|pg_(create|copy|drop)_\w*(slot|restore_point)\w*"
    r"|pg_sync_replication_slots|pg_backup_\w+|pg_(start|stop)_backup|pg_wal_replay_\w+"
    r"|pg_stat_reset\w*|pg_stat_statements_reset|pg_(set|clear|restore)_\w+_stats|pg_log_\w+"
    r"|pg_import_system_collations|pg_notify|pg_export_snapshot|pg_stat_clear_snapshot"
    r"|lo_(import|export)|dblink\w*|set_config|setval|nextval"
    r"|(query|table|cursor|schema|database)_to_xml\w*|xpath_table|ts_stat|ts_rewrite|crosstab\w*"
    r"|connectby|get_raw_page|heap_page_items|bt_page_items|tuple_data_split)\b",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"u&\s*[\"']", re.IGNORECASE)
_ANALYZES = re.compile(r"\banaly[sz]e\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a statement is not run.

    Attributes:
        code: Of the error, such as `read_only`.
        start: Where it is in the statement, from 0.
    """

    code: str
    message: str
    hint: str
    start: int = 0


def head(part: Part) -> str:
    """Give a statement's first word in upper case; "" where it begins with none."""
    first = _first(part.sql)
    return first.text.upper() if first is not None else ""


def explained(sql: str) -> int | None:
    """Give where the statement begins that an EXPLAIN is about; None for other statements."""
    first = _first(sql)
    if first is None or first.text.upper() != "EXPLAIN":
        return None
    code = [token for token in tokens(sql) if token.is_code]
    place = 1
    if len(code) > 2 and code[1].text == "(" and not _begins(code[2]):
        depth = 0
        for place in range(1, len(code)):
            depth += {"(": 1, ")": -1}.get(code[place].text, 0)
            if depth == 0:
                break
        place += 1
    while place < len(code) and code[place].text.upper() in {"ANALYZE", "ANALYSE", "VERBOSE"}:
        place += 1
    return code[place].start if place < len(code) else len(sql)


def analyzes(sql: str) -> bool:
    """Say whether an EXPLAIN would run its statement."""
    inner = explained(sql)
    return inner is not None and _ANALYZES.search(sql[:inner]) is not None


def judge_reading(part: Part, hint: str) -> Refused | None:
    """Say why a read-only run does not take a statement; None where it does.

    Args:
        part: The statement.
        hint: How to get a run that may write.
    """
    word = head(part)
    inner = explained(part.sql)
    if inner is not None:
        first = _first(part.sql[inner:])
        word = first.text.upper() if first is not None else ""
        if word not in READS | (frozenset() if analyzes(part.sql) else _CHANGES):
            return Refused("read_only", f"EXPLAIN of {word or 'this'} is not read-only.", hint)
    elif word not in READS and (word not in {"SHOW", "SET", "RESET"} or not _is_harmless(part)):
        if word not in _COMMANDS:  # a typing error, for which nobody needs Write
            return Refused(
                "read_only", f"A read-only run knows no {word or 'such statement'}.", _WORDS
            )
        return Refused("read_only", _about(word), hint)
    if match := _REACHES.search(part.sql):
        told = f"{match.group()} reaches beyond a read-only transaction."
        return Refused("read_only", told, hint, match.start())
    if match := _HIDDEN.search(part.sql):
        return Refused(
            "read_only",
            "Names and literals with U& are not read here.",
            "Write the letters themselves.",
            match.start(),
        )
    return None


def judge_writing(part: Part, *, in_one: bool) -> Refused | None:
    """Say why a run that may write does not take a statement; None where it does."""
    if copies_through_client(part.sql):
        return Refused(
            "copy", "COPY through the connection has no place here.", "Use psql's \\copy for files."
        )
    if not in_one:
        return None
    command = transaction_command(part.sql)
    if command is not None:
        return Refused(
            "transaction",
            f"{command} cannot stand here: the whole run is one transaction.",
            "Take it out, or run without a transaction.",
        )
    if needs_no_transaction(part.sql):
        return Refused(
            "transaction",
            f"PostgreSQL runs this {head(part)} in no transaction.",
            "Choose to run without a transaction: each statement stands for itself then.",
        )
    return None


def _about(word: str) -> str:
    if word in _ENDS:
        return f"{word} cannot stand here: the run is one transaction, which is rolled back."
    if word == "COPY":
        return "COPY moves rows to or from files and programs; a read-only run does not."
    if word in {"SET", "RESET", "SHOW"}:
        return f"This {word} is not taken by a read-only run; planner settings and search_path are."
    return f"{word or 'This'} may change something, and this run is read-only."


def _is_harmless(part: Part) -> bool:
    words = [word for word in part.words[1:] if word not in {"LOCAL", "SESSION"}]
    if not words:
        return False
    if part.words[0] == "SHOW":
        return "CONNINFO" not in words[0]
    return _SETTINGS.match(words[0].lower()) is not None


def _begins(token: Token) -> bool:
    return token.text == "(" or token.text.upper() in READS | _CHANGES


def _first(sql: str) -> Token | None:
    first = next((token for token in tokens(sql) if token.is_code and token.text != "("), None)
    return first if first is not None and first.kind == "word" else None
