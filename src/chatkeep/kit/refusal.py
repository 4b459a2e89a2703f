"""What PostgreSQL said, in a sentence that repeats no row.

The details of some errors hold a row's values ("Failing row contains (…)"), and a row of a chat
application may be somebody's message: names of tables, columns and constraints go into our
errors, values do not.
"""

import re

import asyncpg

_DATA_EXCEPTION = "22"
_INTEGRITY = "23"


def describe(error: asyncpg.PostgresError) -> str:
    """Give PostgreSQL's message, detail and code, ending with a full stop."""
    code = sqlstate(error)
    text = str(error.args[0]) if error.args else type(error).__name__
    detail = _attribute(error, "detail")
    if code.startswith(_DATA_EXCEPTION):
        text = re.sub(r': ".*\Z', "", text, flags=re.DOTALL)
        detail = ""
    elif code.startswith(_INTEGRITY):
        key = re.match(r"Key (\(.*?\))=", detail)
        detail = f"Columns {key.group(1)}." if key else ""
    sentence = f"{text.rstrip('.')} (SQLSTATE {code})."
    if detail:
        sentence += f" {detail.rstrip('.')}."
    if hint := _attribute(error, "hint"):
        sentence += f" {hint.rstrip('.')}."
    return " ".join(sentence.split())


def sqlstate(error: asyncpg.PostgresError) -> str:
    """Give the five characters of PostgreSQL's error code."""
    return _attribute(error, "sqlstate")


def position(error: asyncpg.PostgresError) -> int | None:
    """Give the place in the statement (from 0) that PostgreSQL points to, if it does."""
    text = _attribute(error, "position")
    return int(text) - 1 if text.isdecimal() else None


def _attribute(error: asyncpg.PostgresError, name: str) -> str:
    value: object = getattr(error, name, None)
    return value if isinstance(value, str) else ""
