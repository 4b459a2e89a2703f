"""Waiting for locks: who holds them, and trying again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import asyncpg

from chatkeep.errors import ConnectionFailedError, MigrationFailedError, StatementError
from chatkeep.kit.applying.events import Event, Retried, Waiting
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Migration
from chatkeep.kit.refusal import sqlstate

_BUSY = {"55P03", "40P01"}  # lock_not_available, deadlock_detected
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds between attempts
_SLOWEST_LOOK = 1.0  # seconds between two looks at who holds a lock

# Never what they run: a query's text may hold somebody's message.
_BLOCKERS = """
select a.pid, coalesce(nullif(a.application_name, ''), a.backend_type, 'unnamed'),
    a.state, extract(epoch from clock_timestamp() - a.xact_start)::float8
from unnest(pg_catalog.pg_blocking_pids($1)) with ordinality as b(pid, place)
join pg_catalog.pg_stat_activity a on a.pid = b.pid
group by 1, 2, 3, 4 order by min(b.place)
"""


@dataclass(slots=True)
class Watch:
    """Looks from a second connection at who holds up the first.

    The second one is opened when a statement has waited for some time, and kept.
    """

    url: str
    connection: asyncpg.Connection
    limits: Limits
    tell: Callable[[Event], None]
    seen: tuple[str, ...] = ()
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _second: asyncpg.Connection | None = None

    async def close(self) -> None:
        """Close the second connection."""
        await self._stack.aclose()

    async def execute(self, migration: Migration, number: int, sql: str) -> None:
        """Run statements on the first connection; note who holds them up."""
        self.seen = ()
        task = asyncio.ensure_future(self.connection.execute(sql))
        try:
            while not (await asyncio.wait({task}, timeout=self._interval))[0]:
                found = await self._look()
                if found and found != self.seen:
                    self.tell(Waiting(migration, number, found))
                self.seen = found or self.seen
        except BaseException:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise
        task.result()

    async def tried(self, migration: Migration, work: Callable[[], Awaitable[float]]) -> float:
        """Do the work, again and again while locks are not to be had.

        Args:
            migration: Whose work; named in what is told.
            work: Takes back what it began when it raises.

        Raises:
            MigrationFailedError: The last attempt failed too, or one failed for another reason.
        """
        pause = _FIRST_PAUSE
        for attempt in range(1, self.limits.attempts):
            try:
                return await work()
            except MigrationFailedError as exc:
                if not is_busy(exc):
                    raise
                rest = pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads attempts, no secret
                self.tell(Retried(migration, attempt, self.limits.attempts, rest, self.seen))
            await asyncio.sleep(rest)
            pause = min(2 * pause, _LONGEST_PAUSE)
        try:
            return await work()
        except MigrationFailedError as exc:
            if not is_busy(exc):
                raise
            raise self._given_up(exc) from exc.__cause__

    @property
    def _interval(self) -> float:
        """So short that a look comes before `lock_timeout` ends the wait."""
        timeout = self.limits.lock_timeout
        return min(_SLOWEST_LOOK, timeout / 4) if timeout > 0 else _SLOWEST_LOOK

    async def _look(self) -> tuple[str, ...]:
        try:
            if self._second is None:
                second = connect(self.url, name="chatkeep migrate, who waits for whom")
                self._second = await self._stack.enter_async_context(second)
            rows = await self._second.fetch(_BLOCKERS, self.connection.get_server_pid())
        except (ConnectionFailedError, StatementError, asyncpg.PostgresError, OSError):
            return ()  # no place for a second connection: the wait goes on without names
        return tuple(_phrase(*row) for row in rows)

    def _given_up(self, exc: MigrationFailedError) -> MigrationFailedError:
        who = f"Held by {', '.join(self.seen)}. " if self.seen else ""
        times = self.limits.attempts
        often = "once" if times == 1 else f"{times} times"
        hint = f"{who}Tried {often}, waiting {self.limits.lock_timeout:g} s each. {exc.hint or ''}"
        return MigrationFailedError(str(exc.args[0]), hint=hint.strip())


def is_busy(exc: MigrationFailedError) -> bool:
    """Say whether it failed because others held what it needed."""
    cause = exc.__cause__
    return isinstance(cause, asyncpg.PostgresError) and sqlstate(cause) in _BUSY


def _phrase(pid: int, name: str, state: str | None, seconds: float | None) -> str:
    words = [name]
    if state is not None and state.startswith("idle in transaction"):
        words.append("idle in its transaction")
    if seconds is not None:
        words.append(f"for {max(seconds, 0):.0f} s")
    return f"process {pid} ({', '.join(words)})"
