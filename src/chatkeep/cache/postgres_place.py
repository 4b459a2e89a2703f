"""PostgreSQL as a place that may be away: each call is bounded in time, and faults are told rarely."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

import msgspec

from chatkeep.cache.breaker import Breaker
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.cache.quiet import Quiet
from chatkeep.cache.watch import Watch
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import (
    ConnectionFailedError,
    DatabaseBusyError,
    DatabaseError,
    DatabaseTimeoutError,
)

R = TypeVar("R")

POSTGRES_TIMEOUT = timedelta(seconds=1)

# A full pool, a server that is gone, a missing table, a value or a row that cannot be read. Nothing
# of it is the caller's fault, and none of it says what was stored.
FAULTS = (
    DatabaseError,
    TimeoutError,
    ValueError,
    ArithmeticError,
    RecursionError,
    msgspec.MsgspecError,
)
_AWAY = (TimeoutError, ConnectionFailedError, DatabaseBusyError, DatabaseTimeoutError)

_log = logging.getLogger("chatkeep.cache")


class NotAskedError(TimeoutError):
    """PostgreSQL did not answer lately, so it was not asked."""


class PostgresPlace:
    """Runs statements on the pool of a `Database`, for so long and no longer.

    Attributes:
        runner: The pool.
    """

    def __init__(
        self,
        runner: Runner,
        options: SearchCacheOptions | None = None,
        *,
        timeout: timedelta = POSTGRES_TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the settings.

        Args:
            runner: The pool; not a transaction, which the first failure would end.
            options: Of the cache: when PostgreSQL is left alone, and for how long.
            timeout: For each statement, waiting for a connection included; a quarter more at most.
            clock: Seconds that never go back.
        """
        options = options or SearchCacheOptions()
        self.runner = runner
        self._breaker = Breaker(
            "PostgreSQL is asked by the search cache",
            failures=options.breaker_failures,
            reset=options.breaker_reset.total_seconds(),
            clock=clock,
        )
        self._watch = Watch(timeout.total_seconds())
        self._faults = Quiet(clock)

    async def first(self, query: Query[R], values: Mapping[str, object]) -> R | None:
        """Run a statement and give its first row.

        Raises:
            NotAskedError: Several statements before did not end in time; nothing was sent.
            TimeoutError: It took too long; it was interrupted.
            DatabaseError: One of its kinds.
            InvalidInputError: PostgreSQL does not take a value.
        """
        breaker = self._breaker
        if not breaker.lets_through():
            raise NotAskedError
        try:
            found = await self._watch.bounded(query.first(self.runner, values))
        except _AWAY as exc:
            breaker.failed(type(exc).__name__)
            raise
        except DatabaseError:
            breaker.worked()  # it answered
            raise
        breaker.worked()
        return found

    def failed(self, what: str, exc: BaseException) -> None:
        """Write a line to the log `chatkeep.cache`, at most one in ten seconds."""
        if isinstance(exc, NotAskedError):
            return
        if not self._faults.is_due():
            return
        untold = self._faults.untold
        more = f"; {untold} more since the last line" if untold else ""
        _log.warning("PostgreSQL of the search cache, %s: %s%s", what, _told(exc), more)


def _told(exc: BaseException) -> str:
    # Of ours the text repeats no value; of others it may.
    return f"{type(exc).__name__}: {exc}" if isinstance(exc, DatabaseError) else type(exc).__name__
