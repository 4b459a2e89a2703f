"""The one place where errors of the driver become ours: by SQLSTATE and constraint name.

The driver's own error stays as the cause, without the texts that repeat stored or given values
(`Key (email)=(…) already exists`, `invalid input for query argument $1: '…'`): tracebacks end in
logs.
"""

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncpg

from chatkeep.errors import (
    AlreadyExistsError,
    CheckFailedError,
    ConflictError,
    ConnectionFailedError,
    ConstraintError,
    DatabaseError,
    DatabaseTimeoutError,
    InvalidInputError,
    ReferencedRowError,
    SchemaMismatchError,
    StatementError,
)

if TYPE_CHECKING:
    from chatkeep.engine.parameters import Parameter

# Everything that the driver raises; asyncio's and the socket's TimeoutError is an OSError.
DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What it means to break a constraint.

    Attributes:
        error: The class of the error.
        message: One sentence for the caller; it repeats no value.
        table: Name of the table in the schema.
        fields: The columns that it is about, by their names in the schema.
    """

    error: type[ConstraintError]
    message: str
    table: str
    fields: tuple[str, ...]


Meanings = Mapping[str, Meaning]
"""Constraint or index name to its meaning; `table.column` to that of its NOT NULL."""

_CONSTRAINT_KINDS: dict[str, type[ConstraintError]] = {
    "23505": AlreadyExistsError,
    "23P01": AlreadyExistsError,
    "23503": ReferencedRowError,
    "23001": ReferencedRowError,
    "23514": CheckFailedError,
    "23502": CheckFailedError,
}

_MISSING_OBJECT = frozenset({"42P01", "42703", "3F000"})
_REFUSALS = {
    "25006": ("a read-only transaction cannot write", "Open it without read_only=True."),
    "25P02": (
        "an earlier statement of the transaction failed, so it can only be taken back",
        "Let the error leave the block, or put the statement into a nested transaction.",
    ),
    "42883": (
        "there is no such function or operator for values of these types",
        "Compare a column with a value of its own type.",
    ),
    "42501": (
        "the role of this connection may not do that",
        "Let the tables' owner GRANT it, or connect as another role.",
    ),
}
# The driver's own words on a value of a wrong type, after the value: they name types alone.
_ARGUMENT = re.compile(r"\A(?:invalid input for )?query argument \$(\d+):")
_WRONG_TYPE = re.compile(r"\(expected ([\w .]+), got (\w+)\)\Z")
_TIMEOUTS = frozenset({"57014", "55P03", "25P03", "25P04"})
_CONFLICTS = {
    "40001": "the transaction read or wrote what another one has changed meanwhile",
    "40P01": "the transaction and another one waited for each other",
}
_GOING_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05"})


def translate(
    exc: BaseException,
    statement: str,
    meanings: Meanings,
    parameters: Sequence["Parameter"] = (),
) -> DatabaseError | InvalidInputError:
    """Turn an error of the driver into ours, and take stored and given values out of the driver's.

    Args:
        exc: One of `DRIVER_ERRORS`.
        statement: Name of the statement, for the message.
        meanings: What breaking a named constraint means.
        parameters: Those of the statement, to name the one whose value was refused.
    """
    refused = _refused_value(exc, statement, parameters)
    if refused is not None:
        silence(exc)
        return refused
    if isinstance(exc, asyncpg.PostgresError):
        return _translate_server_error(exc, statement, meanings)
    if isinstance(exc, TimeoutError):
        return DatabaseTimeoutError(
            f"{statement}: no answer in time; PostgreSQL was told to stop the statement.",
            hint="Look for a lock or a missing index, or allow more time.",
        )
    return _translate_own_error(exc, statement)


def _translate_own_error(exc: BaseException, statement: str) -> DatabaseError:
    """Translate what the driver raises by itself, without an answer of the server."""
    if isinstance(exc, asyncpg.OutdatedSchemaCacheError):
        return StatementError(
            f"{statement}: a composite type has changed, so the answer could not be read.",
            hint="The statement was carried out; the next call reads the new type.",
        )
    # The driver's internal error is what a connection says whose end has half arrived.
    if isinstance(exc, OSError | asyncpg.InternalClientError):
        return ConnectionFailedError(
            f"{statement}: the connection to PostgreSQL broke.",
            hint="Whether the statement was carried out is not known.",
        )
    if "closed" in str(exc):  # the driver's InterfaceError has no code
        return ConnectionFailedError(
            f"{statement}: the connection to PostgreSQL was closed.", hint="Nothing was sent on it."
        )
    return StatementError(f"{statement}: the driver refused the call ({type(exc).__name__}).")


def was_sent(error: BaseException) -> bool:
    """Tell whether a statement that ended with this error had been sent.

    The driver looks at the values first: it refuses those that it cannot write down.
    """
    return was_answered(error.__cause__) or not isinstance(error, InvalidInputError)


def was_answered(exc: BaseException | None) -> bool:
    """Tell whether an error of the driver's came from the server: only these have a severity."""
    return getattr(exc, "severity", None) is not None


def sqlstate_of(error: BaseException | None) -> str:
    """Give PostgreSQL's code of an error of ours; empty where there is none."""
    return "" if error is None else _text(error.__cause__, "sqlstate") or ""


def translate_connect(exc: BaseException, target: str) -> DatabaseError:
    """Turn a failure to connect into one sentence.

    Args:
        exc: One of `DRIVER_ERRORS`, or a ValueError for a URL that the driver cannot read.
        target: The URL without its password.
    """
    silence(exc)
    if isinstance(exc, TimeoutError):
        return DatabaseTimeoutError(
            f"No connection to {target} in time.", hint="Is it the right host?"
        )
    for kind, message, hint in _CONNECT_FAILURES:
        if isinstance(exc, kind):
            return ConnectionFailedError(message.format(target=target), hint=hint)
    state = _text(exc, "sqlstate")
    if state:
        return ConnectionFailedError(
            f"PostgreSQL refused the connection to {target} (SQLSTATE {state})."
        )
    return ConnectionFailedError(
        f"PostgreSQL cannot be reached at {target}.", hint="Is it running, and is the URL right?"
    )


_CONNECT_FAILURES: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        asyncpg.InvalidCatalogNameError,
        "The database of {target} does not exist.",
        "Create it, or correct the URL.",
    ),
    (
        asyncpg.InvalidAuthorizationSpecificationError,
        "PostgreSQL refused the login to {target}.",
        "Check user and password.",
    ),
    (
        asyncpg.TooManyConnectionsError,
        "PostgreSQL has no free connection for {target}.",
        "Lower max_connections of the Database, or raise the server's.",
    ),
    (
        asyncpg.ClientConfigurationError,
        "The driver cannot use the URL {target}.",
        "Look at what stands behind its `?`, such as sslmode.",
    ),
    (
        asyncpg.ProtocolViolationError,
        "The pooler in front of PostgreSQL refused the connection to {target}.",
        'Open Database(..., pooler="pgbouncer"); if you do, the pooler\'s log says why.',
    ),
    (ssl.SSLError, "TLS with {target} failed.", "Check sslmode in the URL."),
)


def _translate_server_error(
    exc: asyncpg.PostgresError, statement: str, meanings: Meanings
) -> DatabaseError | InvalidInputError:
    state = _text(exc, "sqlstate") or ""
    column = _text(exc, "column_name")
    kind = _CONSTRAINT_KINDS.get(state)
    if kind is not None:
        error = _constraint_error(exc, kind, statement, meanings)
    elif state in _MISSING_OBJECT:
        error = SchemaMismatchError(
            f"{statement}: the database lacks a table or column of the schema.",
            hint="Run `chatkeep status`, then `chatkeep migrate`.",
        )
    elif state in _TIMEOUTS:
        error = DatabaseTimeoutError(
            f"{statement}: PostgreSQL stopped the statement: it took longer than allowed."
        )
    elif state in _GOING_AWAY or state.startswith("08"):
        error = ConnectionFailedError(
            f"{statement}: PostgreSQL closed the connection.",
            hint="Whether the statement was carried out is not known.",
        )
    elif state in _CONFLICTS:
        error = _conflict(statement, _CONFLICTS[state], state)
    elif isinstance(exc, asyncpg.InvalidCachedStatementError):
        error = _conflict(statement, "a table has been changed since it was first asked", state)
    elif state.startswith("22"):
        error = InvalidInputError(
            f"{statement}: PostgreSQL does not take a value (SQLSTATE {state}).",
            field=column,
        )
    else:
        what, hint = _REFUSALS.get(state, ("PostgreSQL refused the statement", None))
        error = StatementError(
            f"{statement}: {what} (SQLSTATE {state}).", hint=hint, sqlstate=state
        )
    silence(exc)
    return error


def _conflict(statement: str, what: str, state: str) -> ConflictError:
    return ConflictError(
        f"{statement}: {what}; nothing of it was stored.",
        hint="Run it again: `await db.transaction(retry=...).run(work)` does, up to `retry` times.",
        sqlstate=state,
    )


def _refused_value(
    exc: BaseException, statement: str, parameters: Sequence["Parameter"]
) -> InvalidInputError | None:
    """Name the parameter whose value the driver could not write down; None for other errors."""
    if was_answered(exc) or not isinstance(exc, asyncpg.DataError | asyncpg.InterfaceError):
        return None
    number = _ARGUMENT.search(str(exc))
    if number is None:
        return None
    index = int(number[1]) - 1
    name = parameters[index].name if index < len(parameters) else f"${number[1]}"
    types = _WRONG_TYPE.search(str(exc))
    why = (
        f"must be {types[1]}, not {types[2]}" if types else "is not one that PostgreSQL takes there"
    )
    return InvalidInputError(f"{statement}: the value of {name} {why}.", field=name)


def _constraint_error(
    exc: BaseException, kind: type[ConstraintError], statement: str, meanings: Meanings
) -> ConstraintError:
    constraint, table = _text(exc, "constraint_name"), _text(exc, "table_name")
    column = _text(exc, "column_name")
    # PostgreSQL 18 gives a NOT NULL the name of a constraint, 15 has none: the column tells.
    meaning = meanings.get(f"{table}.{column}" if column else constraint or "")
    if meaning is not None and issubclass(meaning.error, kind):
        return meaning.error(
            meaning.message, constraint=constraint, table=meaning.table, fields=meaning.fields
        )
    name = column or constraint or "a constraint"
    where = f" of table {table}" if table else ""
    return kind(
        f"{statement}: the row breaks {name}{where}.",
        constraint=constraint,
        table=table,
        fields=(column,) if column else (),
    )


def _text(exc: BaseException | None, name: str) -> str | None:
    value = getattr(exc, name, None)
    return value if isinstance(value, str) else None


def silence(exc: BaseException) -> None:
    """Take out of the driver's error what repeats values: the detail, the context, the message."""
    state = getattr(exc, "sqlstate", None)
    exc.__cause__ = exc.__context__ = None  # what the driver's own conversions said of the value
    exc.args = (f"SQLSTATE {state}" if state else "details left out: they repeat values",)
    for name in ("detail", "hint", "context", "internal_query", "query", "message"):
        if getattr(exc, name, None) is not None:
            setattr(exc, name, None)
