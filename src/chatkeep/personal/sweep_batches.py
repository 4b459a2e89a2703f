"""One batch of a sweep: a short transaction that locks, looks again, and removes.

Who waits for a row of a batch waits for that transaction, so its time is bounded: rows that
somebody holds are passed over, a batch that waits or works for too long is given up, and is tried
again in halves.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from chatkeep.engine.compile import Statement
from chatkeep.errors import ConfigError, StatementError
from chatkeep.personal.sweep_queries import Walk
from chatkeep.personal.sweep_report import SweepReport
from chatkeep.personal.sweep_walks import Emptying

Key = tuple[Any, ...]

_BUSY = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
_REFUSED = asyncpg.IntegrityConstraintViolationError
# Compiling a plan for the machine pays for no statement of a sweep.
_BOUNDS = """
select set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true),
       set_config('jit', 'off', true)
"""
_SMALLEST = 10  # rows in a batch, however slow the server is


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a sweep goes.

    Attributes:
        rows: In a batch at most, those that go along included; 1 to 100,000.
        lock_timeout: What a client waits for a batch at most, 20 ms to 1 minute. Batches become
            smaller by themselves when they take longer than an eighth of it.
        pause: Between two batches.
    """

    rows: int = 1000
    lock_timeout: timedelta = timedelta(seconds=1)
    pause: timedelta = timedelta(milliseconds=20)

    def __post_init__(self) -> None:
        if not 1 <= self.rows <= 100_000:
            raise ConfigError("A sweep's batches have 1 to 100,000 rows.")
        if not timedelta(milliseconds=20) <= self.lock_timeout <= timedelta(minutes=1):
            raise ConfigError("A sweep's lock_timeout is 20 ms to 1 minute.")
        if self.pause < timedelta():
            raise ConfigError("A sweep's pause is not negative.")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that is to go.

    Attributes:
        key: Its key.
        policy: Number of the policy.
        at: The time that made it old.
        counts: Rows that go with it, by table.
    """

    key: Key
    policy: int
    at: datetime
    counts: Mapping[str, int]

    @property
    def rows(self) -> int:
        """How many rows go with it, itself included."""
        return 1 + sum(self.counts.values())


@contextlib.asynccontextmanager
async def reading(connection: asyncpg.Connection) -> AsyncGenerator[datetime]:
    """Open a transaction that only reads, and give its time; a pooler may stand between then."""
    async with connection.transaction(isolation="read_committed", readonly=True):
        await connection.execute("set local jit = off")
        now: Any = await connection.fetchval("select now()")
        yield now


async def look(connection: asyncpg.Connection, walk: Walk, keys: Sequence[Key]) -> list[Candidate]:
    """Give those of the rows that are to go now."""
    if not keys:
        return []
    rows = await _fetch(connection, walk.look, given(walk, keys))
    width = len(walk.key)
    return [
        Candidate(
            tuple(row[:width]),
            row[width],
            _zoned(row[width + 1]),
            {name: n for name, n in zip(walk.children, row[width + 2 :], strict=True) if n},
        )
        for row in map(tuple, rows)
        if row[width] in walk.takes
    ]


def given(walk: Walk, keys: Sequence[Key]) -> dict[str, object]:
    """Give keys as the parameters of statements; those of messages know them as `ids` too."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    values: dict[str, object] = {
        f"given_{name}": column for name, column in zip(walk.key, columns, strict=True)
    }
    return {**values, "ids": columns[0]}


async def _fetch(
    connection: asyncpg.Connection, statement: Statement, values: Mapping[str, object]
) -> list[asyncpg.Record]:
    return await connection.fetch(statement.sql, *statement.arguments(values))


@dataclass(slots=True)
class Batches:
    """Removes rows batch by batch, and counts in the report what went.

    Attributes:
        connection: Nobody else's.
        pace: How fast.
        report: Where it counts.
        emptying: For chats of many messages; None where chats stay.
        stop: Ends it after the batch that is running, or after the chat of which a part is gone.
        begin: Called before the first transaction that removes anything.
        again: Keys that somebody held, for one more try at the end of a walk.
        halves: Chats of which a part is gone.
        has_begun: Whether `begin` was called.
    """

    connection: asyncpg.Connection
    pace: Pace
    report: SweepReport
    emptying: Emptying | None
    stop: asyncio.Event
    begin: Callable[[], Awaitable[None]]
    again: list[Key] = field(default_factory=list[Key])
    halves: set[Key] = field(default_factory=set[Key])
    has_begun: bool = False
    size: int = 0

    def __post_init__(self) -> None:
        self.size = min(self.pace.rows, 200)  # until it is known how long one takes

    async def remove(self, walk: Walk, rows: Sequence[Candidate], *, is_last: bool = False) -> None:
        """Remove rows, in as many transactions as it needs.

        Args:
            walk: Of which kind they are.
            rows: Found by `look`.
            is_last: Rows that somebody holds stay and are counted so; else they come into `again`.
        """
        if not rows or (self.stop.is_set() and not self.halves):
            return
        if not self.has_begun:
            await self.begin()
            self.has_begun = True
        small: list[Key] = []
        for row in rows:
            if walk.name != "chats" or row.rows <= self.pace.rows:
                small.append(row.key)
            elif not self.stop.is_set() or row.key in self.halves:
                await self._empty(walk, row)
                await self._in_parts(walk, [row.key], is_last=is_last)
        await self._in_parts(walk, small, is_last=is_last)

    async def _in_parts(self, walk: Walk, keys: list[Key], *, is_last: bool) -> None:
        """Remove rows; what cannot go in one batch is tried in halves of it."""
        parts = [keys] if keys else []
        while parts:
            part = parts.pop()
            if self.stop.is_set() and not self.halves.issuperset(part):
                return
            try:
                missed = await self._batch(walk, part)
            except (*_BUSY, _REFUSED) as exc:
                if len(part) > 1:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]
                    continue
                missed = part
                if isinstance(exc, _REFUSED):
                    await self._keep(walk, missed, _reason(exc))
                    continue
            await self._missed(walk, missed, is_last=is_last)

    async def _batch(self, walk: Walk, keys: Sequence[Key]) -> list[Key]:
        """Remove rows in one transaction; give those that somebody holds."""
        started = time.perf_counter()
        try:
            async with self._transaction():
                rows = await _fetch(self.connection, walk.lock, given(walk, keys))
                locked = [tuple(row) for row in rows]
                going = await look(self.connection, walk, locked)
                if going:
                    await self._removed(walk.remove, given(walk, [row.key for row in going]), going)
        except _BUSY:
            self._paced(time.perf_counter() - started, has_failed=True)
            raise
        self._paced(time.perf_counter() - started)
        for row in going:
            line = self.report.policies[row.policy]
            line.removed[walk.name] += 1
            line.removed.update(row.counts)
        await self._pause()
        return sorted(set(keys) - set(locked))

    async def _removed(
        self, statement: Statement, values: Mapping[str, object], going: Sequence[object]
    ) -> None:
        rows = await _fetch(self.connection, statement, values)
        if rows[0][0] != len(going):
            raise StatementError(
                f"{statement.name}: {rows[0][0]} of {len(going)} rows could be removed; "
                "nothing of this batch was.",
                hint="Look for a trigger or policy of the table that keeps rows.",
                sqlstate="09000",
            )

    async def _missed(self, walk: Walk, keys: list[Key], *, is_last: bool) -> None:
        if not is_last:
            self.again += keys
        elif keys:
            await self._keep(walk, keys, "held by somebody else")

    async def _keep(self, walk: Walk, keys: Sequence[Key], reason: str) -> None:
        """Count rows that stay, if they are still to go."""
        async with reading(self.connection):
            left = await look(self.connection, walk, keys)
        for row in left:
            self.report.policies[row.policy].kept[reason] += 1

    async def _empty(self, walk: Walk, row: Candidate) -> None:
        """Take messages from a chat until the rest goes in one batch; a stop waits for that."""
        is_hidden = False
        while True:
            try:
                left = await self._part(walk, row, is_hidden=is_hidden)
            except (*_BUSY, _REFUSED):
                if self.size <= _SMALLEST:
                    return  # `_batch` finds out why, and says so
                continue
            if not left:
                return
            is_hidden = True
            self.halves.add(row.key)

    async def _part(self, walk: Walk, row: Candidate, *, is_hidden: bool) -> bool:
        """Remove some messages of a chat; tell whether there may be more to take."""
        emptying, counts = self.emptying, Counter[str]()
        if emptying is None:
            return False
        started = time.perf_counter()
        key = given(walk, [row.key])
        try:
            async with self._transaction():
                locked = await _fetch(self.connection, walk.lock, key)
                going = await look(self.connection, walk, [tuple(each) for each in locked])
                if not going or going[0].rows <= self.pace.rows:
                    return False
                if not is_hidden:
                    await _fetch(self.connection, emptying.hide, {"chat_id": row.key[0]})
                values = {"chat_id": row.key[0], "limit": self.size}
                ids = [each[0] for each in await _fetch(self.connection, emptying.part, values)]
                if not ids:
                    return False  # what is left hangs on the chat itself, and goes with it
                sums = await _fetch(self.connection, emptying.sums, {"given_id": ids})
                await self._removed(emptying.remove, {"ids": ids}, ids)
        except (*_BUSY, _REFUSED):
            self._paced(time.perf_counter() - started, has_failed=True)
            raise
        self._paced(time.perf_counter() - started)
        counts.update(dict(zip(emptying.children, tuple(sums[0])[:-1], strict=True)))
        counts["messages"] += len(ids)
        self.report.policies[going[0].policy].removed.update(+counts)
        await self._pause()
        return True

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[None]:
        """Open a transaction that ends in time: waiting, working and both together are bounded."""
        bound = self.pace.lock_timeout
        limits = [
            str(max(part // timedelta(milliseconds=1), 1)) for part in (bound / 4, bound * 3 / 8)
        ]
        try:
            # Half of it: what is taken back or committed then needs a moment as well.
            async with asyncio.timeout(bound.total_seconds() / 2):
                async with self.connection.transaction(isolation="read_committed"):
                    await self.connection.fetchrow(_BOUNDS, *limits)
                    yield
        except TimeoutError as exc:
            raise asyncpg.QueryCanceledError from exc

    def _paced(self, seconds: float, *, has_failed: bool = False) -> None:
        """Let the next batch take as long as it should, an eighth of what clients may wait."""
        report, wanted = self.report, self.pace.lock_timeout.total_seconds() / 8
        report.longest_batch = max(report.longest_batch, seconds)
        report.batches += 0 if has_failed else 1
        if has_failed or seconds > wanted:
            self.size = max(self.size // 2, min(_SMALLEST, self.pace.rows))
        elif seconds < wanted / 2:
            self.size = min(self.size * 2, self.pace.rows)

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):  # the usual case: nobody stopped it
            await asyncio.wait_for(self.stop.wait(), self.pace.pause.total_seconds())


def _zoned(at: datetime) -> datetime:
    """Give a time with its zone: the driver reads PostgreSQL's infinity as one without."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _reason(exc: asyncpg.PostgresError) -> str:
    schema, table = (getattr(exc, name, None) for name in ("schema_name", "table_name"))
    if not table:
        return "a constraint refuses it"
    shown = table if schema in (None, "public") else f"{schema}.{table}"
    return f"rows of {shown} refer to it"
