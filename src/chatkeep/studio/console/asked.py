"""What a browser asks the console for, and how an error is told."""

import re
from typing import Annotated

import asyncpg
import msgspec

from chatkeep.errors import InvalidInputError
from chatkeep.kit.applying.sqlscan import Part, split
from chatkeep.kit.folder.tokens import tokens
from chatkeep.kit.refusal import position, sqlstate

MAX_ROWS = 10_000
MAX_SECONDS = 600.0
MAX_SQL = 250_000
_MAX_STATEMENTS = 200
_MOST_SAID = 4_000  # characters of an error, which may quote a value
_ID = re.compile(r"[0-9a-zA-Z-]{8,64}\Z")


class RunRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A run of statements.

    Attributes:
        id: Chosen by the browser, by which it cancels.
        sql: The statements.
        write: Whether they may change something; needs a studio that may.
        transaction: Whether they are one transaction, which only a writing run may leave out.
        rows: Most rows of each result.
        seconds: How long the run may take.
    """

    id: str
    sql: str
    write: bool = False
    transaction: bool = True
    rows: Annotated[int, msgspec.Meta(ge=1, le=MAX_ROWS)] = 500
    seconds: Annotated[float, msgspec.Meta(gt=0, le=MAX_SECONDS)] = 10.0

    @property
    def text(self) -> str:
        """The SQL with one kind of line end: for PostgreSQL a carriage return ends a comment too."""
        return self.sql.replace("\r\n", "\n").replace("\r", "\n")

    def parts(self) -> list[Part]:
        """Give the statements.

        Raises:
            InvalidInputError: There are none, or too many, or the id is none.
        """
        if not _ID.match(self.id):
            raise InvalidInputError("The run's id is none.", field="id")
        if len(self.sql) > MAX_SQL:
            raise InvalidInputError(f"A run takes {MAX_SQL} characters.", field="sql")
        if "\0" in self.sql:
            raise InvalidInputError("SQL has no character of code 0.", field="sql")
        parts = list(split(self.text))
        if not parts:
            raise InvalidInputError(
                "There is no statement to run.", hint="Write one, such as select 1.", field="sql"
            )
        if len(parts) > _MAX_STATEMENTS:
            raise InvalidInputError(f"A run takes {_MAX_STATEMENTS} statements.", field="sql")
        return parts


class PlanRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A plan of one statement.

    Attributes:
        id: Chosen by the browser, by which it cancels.
        sql: The statement.
        analyze: Whether it is run to measure, in a read-only transaction that is rolled back.
        seconds: How long that may take.
    """

    id: str
    sql: str
    analyze: bool = False
    seconds: Annotated[float, msgspec.Meta(gt=0, le=MAX_SECONDS)] = 10.0


class Trouble(msgspec.Struct, kw_only=True):
    """Why a statement did not run.

    Attributes:
        code: PostgreSQL's SQLSTATE, or a word of ours such as `read_only`.
        message: What was said.
        place: Where, in UTF-16 units of the run's text from 0; None where nobody knows.
        line: The line of that place, from 1.
        column: The character in it, from 1.
    """

    code: str
    message: str
    detail: str | None = None
    hint: str | None = None
    place: int | None = None
    line: int | None = None
    column: int | None = None


def units(text: str, place: int) -> int:
    """Give a place as browsers count: in UTF-16 units."""
    return len(text[:place].encode("utf-16-le", "surrogatepass")) // 2


def trouble(text: str, place: int, code: str, message: str, *, hint: str | None = None) -> Trouble:
    """Tell an error at a place of the run's text."""
    before = text[:place]
    return Trouble(
        code=code,
        message=message,
        hint=hint,
        place=units(text, place),
        line=before.count("\n") + 1,
        column=place - before.rfind("\n"),
    )


def trouble_of(error: asyncpg.PostgresError, text: str, part: Part, shift: int = 0) -> Trouble:
    """Tell what PostgreSQL said of a statement: in its own words, they are about the operator's SQL.

    Args:
        error: PostgreSQL's.
        text: The whole run.
        part: The statement.
        shift: How many characters stood before it in what was sent.
    """
    at = position(error)
    place = part.start + (begin(part) if at is None else max(0, at - shift))
    said = str(error.args[0]) if error.args else type(error).__name__
    told = trouble(text, min(place, len(text)), sqlstate(error), said[:_MOST_SAID])
    told.detail = _more(error, "detail")
    told.hint = _more(error, "hint")
    if at is None:
        told.place = None
    return told


def begin(part: Part) -> int:
    """Give where a statement's code begins in it: behind spaces and comments."""
    return next((token.start for token in tokens(part.sql) if token.is_code), 0)


def _more(error: asyncpg.PostgresError, name: str) -> str | None:
    value: object = getattr(error, name, None)
    return value[:_MOST_SAID] if isinstance(value, str) and value else None
