"""COPY: many rows in one statement, sent as they come."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import asyncpg

from chatkeep.engine.affect import rows_in
from chatkeep.engine.compile import DIALECT, Statement
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.subject import Subject
from chatkeep.engine.transaction import TransactionRunner
from chatkeep.engine.translate import DRIVER_ERRORS, silence, translate
from chatkeep.engine.wire import Wire
from chatkeep.errors import InvalidInputError, StatementError

PROGRESS_ROWS = 1000

_TURN_ROWS = 256  # then other tasks have their turn: writing to a socket does not always wait
_NEVER = 365 * 86_400.0  # the driver's time-out counts from the start, however long the rows take
# What the driver's encoders raise on values that they cannot write.
_ENCODER_ERRORS = (TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the rows go."""

    schema: str | None
    table: str
    columns: tuple[str, ...]

    @property
    def sql(self) -> str:
        """What the driver sends, for reports."""
        quote = DIALECT.identifier_preparer.quote
        table = ".".join(quote(part) for part in (self.schema, self.table) if part)
        return f"COPY {table}({', '.join(map(quote, self.columns))}) FROM STDIN (FORMAT binary)"


class Feed:
    """Rows on their way to PostgreSQL.

    Attributes:
        taken: How many were asked of their source.
        at_source: The source has its turn, not PostgreSQL.
        fault: What the source raised, or how a row was refused.
    """

    def __init__(
        self,
        rows: Iterable[object] | AsyncIterable[object],
        convert: Callable[[object, int], Sequence[object]],
        progress: Callable[[int], object] | None,
    ) -> None:
        self.taken = 0
        self.at_source = True
        self.fault: BaseException | None = None
        self._rows = rows
        self._convert = convert
        self._progress = progress

    async def records(self) -> AsyncGenerator[Sequence[object]]:
        """Give each row in the form that the driver takes."""
        progress = self._progress
        try:
            async with aclosing(_in_turns(self._rows)) as rows:
                async for row in rows:
                    self.taken += 1
                    record = self._convert(row, self.taken)
                    self.at_source = False
                    yield record
                    self.at_source = True
                    if progress is not None and self.taken % PROGRESS_ROWS == 0:
                        progress(self.taken)
            # Before the driver ends the COPY: what `progress` raises must leave no row.
            if progress is not None and self.taken % PROGRESS_ROWS:
                progress(self.taken)
        except BaseException as exc:
            if self.at_source:
                self.fault = exc
            raise
        self.at_source = False


async def copy_rows(runner: PoolRunner | TransactionRunner, target: Target, feed: Feed) -> int:
    """Send rows in one COPY and give their number; what goes wrong leaves none of them.

    Who gave the rows closes their source.

    Raises:
        InvalidInputError: The driver or PostgreSQL does not take a value.
        DatabaseError: One of its kinds; see `engine.translate`.
    """
    subject = Subject("COPY", (target.table,))
    statement = Statement("copy", target.sql, (), (), is_kept=False, subject=subject)
    async with runner.lend() as wire:
        with runner.observers.watch(statement) as watch:
            try:
                watch.rows = rows_in(await _send(wire, target, feed))
            except (*DRIVER_ERRORS, *_ENCODER_ERRORS) as exc:
                if feed.fault is not None:  # the driver makes a new TimeoutError of one
                    raise feed.fault from None
                error = _refusal(exc, feed) or translate(exc, statement.name, runner.meanings)
                raise error from exc
    return watch.rows


def _refusal(exc: BaseException, feed: Feed) -> Exception | None:
    """Give our error for one of the driver's encoders; None for every other error."""
    if isinstance(exc, _ENCODER_ERRORS):
        silence(exc)
        return InvalidInputError(
            f"copy: row {feed.taken} holds a value of a type that its column does not take."
        )
    if isinstance(exc, asyncpg.InternalClientError) and not feed.taken:
        return StatementError(
            "copy: the driver has no binary form for the type of a column.",
            hint="Leave the column out, or store the rows with insert().",
        )
    return None


async def _send(wire: Wire, target: Target, feed: Feed) -> str:
    async with asyncio.timeout(None) as limit, aclosing(feed.records()) as records:
        watch = _Patience(feed, limit, wire.patience)
        try:
            answer: str = await wire.copy_records_to_table(
                target.table,
                schema_name=target.schema,
                columns=target.columns,
                records=records,
                timeout=_NEVER,
            )
        finally:
            watch.end()
    return answer


async def _in_turns(
    rows: Iterable[object] | AsyncIterable[object],
) -> AsyncGenerator[object]:
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
        return
    for number, row in enumerate(rows, 1):
        yield row
        if number % _TURN_ROWS == 0:
            await asyncio.sleep(0)


class _Patience:
    """Ends a COPY of which PostgreSQL takes nothing for a while; the source has all the time."""

    def __init__(self, feed: Feed, limit: asyncio.Timeout, seconds: float) -> None:
        self._feed = feed
        self._limit = limit
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._seen = -1
        self._next = self._loop.call_later(seconds, self._look)

    def end(self) -> None:
        self._next.cancel()

    def _look(self) -> None:
        if self._feed.at_source or self._feed.taken != self._seen:
            self._seen = self._feed.taken
            self._next = self._loop.call_later(self._seconds, self._look)
        else:
            self._limit.reschedule(self._loop.time())
