"""What PostgreSQL said, in a sentence that repeats no row.

The words of some errors hold a row's values ("Failing row contains (…)"), and a row of a chat
application may be somebody's message: names of tables, columns and constraints go into our
errors, values do not.
"""

import re

import asyncpg

# Data exceptions, broken constraints, and check options of views: of these PostgreSQL's own words
# are told only where they hold nothing but names that it gives beside, in fields of their own.
_OF_ROWS = ("22", "23", "44")
# Of these they name what was looked for: an object that the statement writes, or what a cast such as
# `value::regclass` found in a row.
_OF_NAMES = {"3F000", "42601", "42602", "42703", "42704", "42883", "42P01"}
_QUOTED = re.compile(r"[\"«„“](.+?)[\"»“”]")
_NOT_INSTALLED = "0A000"  # what CREATE EXTENSION says of one that the server does not have
_FIELDS = ("schema_name", "table_name", "column_name", "data_type_name", "constraint_name")
_KNOWN = {
    "check constraint * of relation * is violated by some row",
    "column * of relation * contains null values",
    "column * of table * contains null values",
    "column * of table * contains values that violate the new constraint",
    "conflicting key value violates exclusion constraint *",
    "could not create exclusion constraint *",
    "could not create unique index *",
    "duplicate key value violates unique constraint *",
    "insert or update on table * violates foreign key constraint *",
    "new row for relation * violates check constraint *",
    "null value in column * of relation * violates not-null constraint",
    "partition constraint of relation * is violated by some row",
}


def describe(error: asyncpg.PostgresError) -> str:
    """Give what was refused, with its code, ending with a full stop.

    That is PostgreSQL's message, detail and hint. Where these may hold values of rows it is the
    name of the condition, with the names of the objects.
    """
    code = sqlstate(error)
    if code.startswith(_OF_ROWS) or (code in _OF_NAMES and _names_another(error)):
        text, *more = _without_values(error)
    else:
        text = str(error.args[0]) if error.args else type(error).__name__
        more = [_attribute(error, "detail"), _attribute(error, "hint")]
    if code == _NOT_INSTALLED and "vector.control" in (more[0] or ""):
        more.append("Its package is called pgvector, such as postgresql-18-pgvector of apt")
    sentence = f"{text.rstrip('.')} (SQLSTATE {code})."
    for each in filter(None, more):
        sentence += f" {each.rstrip('.')}."
    return " ".join(sentence.split())


def _names_another(error: asyncpg.PostgresError) -> bool:
    """Say whether the message quotes something that does not stand in the statement."""
    if position(error) is not None:
        return False  # it points to a place in the statement
    sent = _attribute(error, "query").lower().replace('"', "")
    said = str(error.args[0]) if error.args else ""
    return any(name.lower() not in sent for name in _QUOTED.findall(said))


def _without_values(error: asyncpg.PostgresError) -> list[str]:
    said = str(error.args[0]) if error.args else ""
    names = {field: name for field in _FIELDS if (name := _attribute(error, field))}
    masked = said
    for name in names.values():
        masked = masked.replace(f'"{name}"', "*")
    if masked in _KNOWN:
        key = re.match(r"Key (\(.*?\))=", _attribute(error, "detail"))
        return [said, f"Columns {key.group(1)}"] if key else [said]
    condition = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.removesuffix("Error"))
    told = [f"{field.split('_')[-2]} {name}" for field, name in names.items()]
    return [", ".join([condition.lower(), *told])]


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
