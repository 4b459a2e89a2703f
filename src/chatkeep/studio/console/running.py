"""A run: statements one after another on a connection of its own.

Unless it was asked for otherwise the run is one transaction. A read-only run is always rolled back;
a writing one is stored when its last statement is through.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import asyncpg
import msgspec
from asyncpg.prepared_stmt import PreparedStatement

from chatkeep.kit.applying.sqlscan import Part
from chatkeep.studio.console.asked import (
    RunRequest,
    Trouble,
    begin,
    trouble,
    trouble_of,
    units,
)
from chatkeep.studio.console.judging import (
    READS,
    Refused,
    explained,
    head,
    judge_reading,
    judge_writing,
)
from chatkeep.studio.console.texts import MAX_SHOWN, Reading, as_text
from chatkeep.studio.console.veiling import Secrets, SecretUsedError, masked_outputs
from chatkeep.studio.ground import Ground
from chatkeep.studio.masking import secret_columns

EXPLAIN = "explain (verbose, format json) "
_MOST_PLAN = 2_000_000
_MOST_NOTICES = 500
_TO_SWITCH = "Switch on Write above the editor."
_TO_START = "Start the studio with --write, then switch on Write."


class Column(msgspec.Struct):
    """A column of a result; `masked` ones show no values."""

    name: str
    type: str
    masked: bool


class Result(msgspec.Struct, kw_only=True):
    """What became of one statement.

    Attributes:
        number: Counted from 1.
        start: Where its code begins in the text, in UTF-16 units.
        end: Where it ends.
        line: The line where it begins, from 1.
        tag: What PostgreSQL says of it, such as `UPDATE 3`; a result's has no count where rows
            were left out.
        affected: Rows that were changed or read; None where that is not known.
        columns: Of the rows; none where the statement gives no rows.
        rows: Texts; None is NULL.
        cut: Row, column and whole length of each value that was cut.
        more: Whether there are rows that were not read.
        error: Why it did not run.
    """

    number: int
    start: int
    end: int
    line: int
    ms: float = 0.0
    tag: str = ""
    affected: int | None = None
    columns: list[Column] = []
    rows: list[list[str | None]] = []
    cut: list[tuple[int, int, int]] = []
    more: bool = False
    notices: list[dict[str, str]] = []
    error: Trouble | None = None


class Outcome(msgspec.Struct, kw_only=True):
    """What became of a run.

    Attributes:
        kept: `rolled_back`, `committed`, or `each` for statements that stood for themselves.
        statements: Those that ran, the last with an error where one failed.
        left: How many were not run.
    """

    id: str
    write: bool
    kept: str
    statements: list[Result]
    left: int
    ms: float


class Run:
    """One run. `cancelled` is set before its task is cancelled, so that it can tell."""

    def __init__(self, ground: Ground, asked: RunRequest) -> None:
        self.asked = asked
        self.cancelled = False
        self._ground = ground
        self._text = asked.text
        self._parts = asked.parts()
        self._results: list[Result] = []
        self._kept = "rolled_back"
        self._notices: list[dict[str, str]] = []
        self._secrets: Secrets = {}
        self._shown = 0
        self._heard = 0
        self._begun: float | None = None  # when the statement that runs did begin

    async def carry_out(self) -> Outcome:
        """Run the statements up to the first error.

        Raises:
            ConnectionFailedError: The server cannot be reached, or the connection broke.
        """
        started = time.perf_counter()
        if self._judge():
            try:
                async with self._ground.alone("chatkeep studio: console") as connection:
                    self._kept = await self._run_on(connection)
            except (
                asyncio.CancelledError
            ):  # before it had a connection, or after its last statement
                if not self.cancelled:
                    raise
                if not self._results:
                    self._stopped("cancelled", "The run was cancelled.")
        done = [each for each in self._results if each.error is None]
        return Outcome(
            id=self.asked.id,
            write=self.asked.write,
            kept=self._kept,
            statements=self._results,
            left=len(self._parts) - len(done) - (len(done) < len(self._results)),
            ms=(time.perf_counter() - started) * 1000,
        )

    def _judge(self) -> bool:
        """Look at every statement before the first is sent."""
        hint = _TO_SWITCH if self._ground.write else _TO_START
        for number, part in enumerate(self._parts, start=1):
            refused = (
                judge_writing(part, in_one=self.asked.transaction)
                if self.asked.write
                else judge_reading(part, hint)
            )
            if refused is not None:
                self._note(number, part, self._refusal(part, refused))
                return False
        return True

    def _refusal(self, part: Part, refused: Refused) -> Trouble:
        place = part.start + (refused.start or begin(part))
        return trouble(self._text, place, refused.code, refused.message, hint=refused.hint)

    async def _run_on(self, connection: asyncpg.Connection) -> str:
        connection.add_log_listener(self._hear)
        if not self.asked.write:
            self._secrets = await secret_columns(self._ground, connection)
        await as_text(connection)
        in_one = self.asked.transaction or not self.asked.write
        if in_one:
            await connection.execute(self._opening())
        try:
            async with asyncio.timeout(self.asked.seconds):
                for number, part in enumerate(self._parts, start=1):
                    if not await self._step(connection, number, part):
                        return self._unkept(in_one=in_one)
        except TimeoutError:
            self._stopped("timeout", f"The run took longer than {self.asked.seconds:g} s.")
            return self._unkept(in_one=in_one)
        except asyncio.CancelledError:
            if not self.cancelled:
                raise
            self._stopped("cancelled", "The run was cancelled.")
            return self._unkept(in_one=in_one)
        if not in_one:
            return self._unkept(in_one=False)
        if not self.asked.write:
            return "rolled_back"
        return await self._commit(connection)

    def _opening(self) -> str:
        limits = (
            # Our own clock is for the whole run; the server's goes on when we are gone.
            f"set local statement_timeout = {self.asked.seconds * 1000 + 2000:.0f};"
            "set local standard_conforming_strings = on;"
        )
        if self.asked.write:
            return f"begin read write; {limits}"
        # After a query, and inside a savepoint, PostgreSQL refuses to make it writable.
        return f"begin read only; {limits} select 1; savepoint chatkeep_console"

    def _unkept(self, *, in_one: bool) -> str:
        return "rolled_back" if in_one else "each"

    def _stopped(self, code: str, message: str) -> None:
        """Tell that the statement which was running was stopped."""
        number = len(self._results) + 1
        if number <= len(self._parts):
            part = self._parts[number - 1]
            result = self._note(number, part, Trouble(code=code, message=message))
            if self._begun is not None:
                result.ms = (time.perf_counter() - self._begun) * 1000

    async def _commit(self, connection: asyncpg.Connection) -> str:
        committing = asyncio.ensure_future(connection.execute("commit"))
        try:
            try:
                await asyncio.shield(committing)
            except asyncio.CancelledError:
                await committing  # too late to stop: what became of it must be told
        except asyncpg.PostgresError as error:
            last = self._results[-1]
            last.error = trouble_of(error, self._text, self._parts[-1])
            return "rolled_back"
        return "committed"

    def _note(self, number: int, part: Part, error: Trouble | None = None) -> Result:
        start = part.start + begin(part)
        result = Result(
            number=number,
            start=units(self._text, start),
            end=units(self._text, part.start + len(part.sql.rstrip())),
            line=self._text.count("\n", 0, start) + 1,
            error=error,
        )
        self._results.append(result)
        return result

    async def _step(self, connection: asyncpg.Connection, number: int, part: Part) -> bool:
        """Run one statement; say whether the next may follow."""
        self._notices = []
        started = self._begun = time.perf_counter()
        shift = 0
        error: Trouble | None = None
        done: Callable[[Result], None] | None = None
        try:
            masked: frozenset[int] = frozenset()
            statement = await _prepare(connection, part.sql)
            if not self.asked.write:
                shift = len(EXPLAIN)
                masked = await self._masked(connection, part)
                shift = 0
            started = self._begun = time.perf_counter()
            done = await self._fetch(connection, statement, part, masked)
        except asyncpg.PostgresError as exc:
            error = trouble_of(exc, self._text, part, shift)
        except SecretUsedError as exc:
            error = self._secret(part, exc.column)
        except UnicodeDecodeError:
            error = Trouble(code="unreadable", message="The answer is no text of UTF-8.")
        except asyncpg.InterfaceError as exc:
            if connection.is_closed():
                raise
            error = Trouble(code="driver", message=str(exc))
        result = self._note(number, part, error)
        result.ms = (time.perf_counter() - started) * 1000
        self._begun = None
        result.notices = self._notices
        if done is not None:
            done(result)
        return error is None

    async def _masked(self, connection: asyncpg.Connection, part: Part) -> frozenset[int]:
        inner = explained(part.sql)
        if inner is None and head(part) not in READS:
            return frozenset()
        told = await explain(connection, EXPLAIN + part.sql[inner or 0 :])
        found = masked_outputs(told["Plan"], self._secrets) if "Plan" in told else frozenset[int]()
        return found if inner is None else frozenset()

    async def _fetch(
        self,
        connection: asyncpg.Connection,
        statement: PreparedStatement,
        part: Part,
        masked: frozenset[int],
    ) -> Callable[[Result], None]:
        columns = [
            Column(each.name, each.type.name, place in masked)
            for place, each in enumerate(statement.get_attributes())
        ]
        if not columns or head(part) == "CALL":
            await statement.fetch()
            tag = statement.get_statusmsg()
            return lambda result: _tell_tag(result, tag)
        reading = Reading(self.asked.rows, MAX_SHOWN - self._shown, masked)
        if connection.is_in_transaction():
            await reading.read(statement)
            await _close_portals(connection)
        else:
            async with connection.transaction():
                await reading.read(statement)
        self._shown += reading.shown
        return lambda result: _tell_rows(result, reading, columns, head(part))

    def _secret(self, part: Part, column: str) -> Trouble:
        return trouble(
            self._text,
            part.start + begin(part),
            "secret",
            f"{column} is secret, and this statement uses it otherwise than to show it.",
            hint="Leave the column out and name those that you need; alone it comes masked. "
            "A run with Write may use it.",
        )

    def _hear(self, _connection: object, message: Any) -> None:  # noqa: ANN401 - the driver's
        self._heard += 1
        if self._heard <= _MOST_NOTICES:
            told = {"severity": str(message.severity), "message": str(message.message)[:2000]}
            self._notices.append(told)


async def explain(connection: asyncpg.Connection, sql: str) -> dict[str, Any]:
    """Give what `explain (…, format json) …` says; without `Plan` where nothing is planned.

    Raises:
        InterfaceError: It is longer than two million characters, as with a value that PostgreSQL
            computes while it plans.
    """
    told: str = await connection.fetchval(sql) or "[{}]"
    if len(told) > _MOST_PLAN:
        raise asyncpg.InterfaceError(
            f"The plan has {len(told)} characters, more than are looked through here. "
            "A long value that the statement computes from constants may be the cause."
        )
    found: dict[str, Any] = json.loads(told)[0]
    return found


async def _prepare(connection: asyncpg.Connection, sql: str) -> PreparedStatement:
    """Let PostgreSQL read one statement; it refuses several."""
    statement = await connection.prepare(sql)
    if statement.get_parameters():
        raise asyncpg.InterfaceError("The console has no values for parameters such as $1.")
    return statement


async def _close_portals(connection: asyncpg.Connection) -> None:
    """Close what was read in part: it would keep its tables from being altered."""
    names = await connection.fetch(
        "select pg_catalog.quote_ident(name) from pg_catalog.pg_cursors"
        " where name like '\\_\\_asyncpg\\_portal%'"
    )
    for (name,) in names:
        await connection.execute(f"close {name}")


def _tell_tag(result: Result, tag: str) -> None:
    result.tag = tag
    count = tag.rpartition(" ")[2]
    result.affected = int(count) if count.isdecimal() else None


def _tell_rows(result: Result, reading: Reading, columns: list[Column], word: str) -> None:
    result.columns = columns
    result.rows, result.cut, result.more = reading.rows, reading.cut, reading.more
    result.affected = None if reading.more else len(reading.rows)
    result.tag = word if reading.more else f"{word} {len(reading.rows)}"
