"""The plan of one statement, as PostgreSQL's JSON; the page makes a tree of it."""

import asyncio
from typing import Any

import asyncpg
import msgspec

from chatkeep.kit.applying.sqlscan import Part, split
from chatkeep.studio.console.asked import PlanRequest, RunRequest, Trouble, trouble, trouble_of
from chatkeep.studio.console.judging import explained, judge_reading
from chatkeep.studio.console.running import EXPLAIN, explain
from chatkeep.studio.console.texts import as_text
from chatkeep.studio.console.veiling import Secrets, SecretUsedError, masked_outputs
from chatkeep.studio.ground import Ground
from chatkeep.studio.masking import secret_columns

_ESTIMATE = "explain (format json, verbose, settings) "
_MEASURE = "explain (format json, verbose, settings, analyze, buffers) "


class Planned(msgspec.Struct, kw_only=True):
    """A plan, or why there is none.

    Attributes:
        plan: What EXPLAIN (FORMAT JSON) gave for the statement.
        error: With a place in the text that was asked about.
    """

    analyzed: bool
    plan: dict[str, Any] | None = None
    error: Trouble | None = None


class _RefusedError(Exception):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.code)
        self.trouble = trouble


class Planning:
    """One plan on a connection of its own, in a read-only transaction that is rolled back."""

    def __init__(self, ground: Ground, asked: PlanRequest) -> None:
        self.cancelled = False
        self._sent = ""
        self._ground = ground
        self._asked = asked
        checked = RunRequest(id=asked.id, sql=asked.sql)
        self._text = checked.text
        self._part = _about(checked.parts()[0])

    async def carry_out(self) -> Planned:
        """Give the plan of the first statement.

        Raises:
            ConnectionFailedError: The server cannot be reached, or the connection broke.
        """
        error = self._refusal()
        plan: dict[str, Any] | None = None
        if error is None:
            try:
                async with asyncio.timeout(self._asked.seconds):
                    plan = await self._plan()
            except _RefusedError as exc:
                error = exc.trouble
            except SecretUsedError as exc:
                error = self._trouble(
                    "secret", f"{exc.column} is secret, and this uses its values."
                )
            except TimeoutError:
                error = self._trouble("timeout", f"No plan within {self._asked.seconds:g} s.")
            except asyncio.CancelledError:
                if not self.cancelled:
                    raise
                error = self._trouble("cancelled", "Cancelled.")
        return Planned(analyzed=self._asked.analyze, plan=plan, error=error)

    def _refusal(self) -> Trouble | None:
        words = "explain analyze " if self._asked.analyze else "explain "
        part = Part(words + self._part.sql, 0, self._part.words)
        refused = judge_reading(part, "Look at it without Analyze, or run it with Write.")
        if refused is None:
            return None
        return self._trouble(refused.code, refused.message, refused.hint)

    def _trouble(self, code: str, message: str, hint: str | None = None) -> Trouble:
        return trouble(self._text, self._part.start, code, message, hint=hint)

    async def _plan(self) -> dict[str, Any] | None:
        async with self._ground.alone("chatkeep studio: plan") as connection:
            secrets = await secret_columns(self._ground, connection)
            await as_text(connection)
            await connection.execute(
                "begin read only; set local standard_conforming_strings = on;"
                f"set local statement_timeout = {self._asked.seconds * 1000 + 2000:.0f};"
                "select 1; savepoint chatkeep_console"
            )
            try:
                return await self._explain(connection, secrets)
            except asyncpg.PostgresError as exc:
                told = trouble_of(exc, self._text, self._part, len(self._sent))
                raise _RefusedError(told) from exc
            except asyncpg.InterfaceError as exc:
                if connection.is_closed():
                    raise
                raise _RefusedError(self._trouble("driver", str(exc))) from exc

    async def _explain(self, connection: asyncpg.Connection, secrets: Secrets) -> dict[str, Any]:
        self._sent = EXPLAIN
        # Conditions on secrets tell by their counts, and estimates by PostgreSQL's samples of values.
        told = await explain(connection, EXPLAIN + self._part.sql)
        if "Plan" in told:
            masked_outputs(told["Plan"], secrets)
        self._sent = _MEASURE if self._asked.analyze else _ESTIMATE
        return await explain(connection, self._sent + self._part.sql)


def _about(part: Part) -> Part:
    """Give the statement itself, where an EXPLAIN stands before it."""
    inner = explained(part.sql) or 0
    inner += len(part.sql[inner:]) - len(part.sql[inner:].lstrip())
    rest = part.sql[inner:]
    words = next((each.words for each in split(rest)), ())
    return Part(rest, part.start + inner, words)
