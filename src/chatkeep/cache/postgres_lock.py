"""One process fetches for all, without Redis: a lease in PostgreSQL.

A lease is a row of `search_cache` under a key of its own, with a time at which it ends. Not an
advisory lock, for three reasons. A fetch may take half a minute: an advisory lock of a transaction
would hold a connection, and a snapshot, for each key that is being fetched, so fifty keys would
empty the pool. One of a session does not work behind PgBouncer in transaction mode, and a process
that hangs would hold it for ever. A lease costs a short statement to take and one to give back,
holds nothing between them, and ends by itself when its holder dies, by the clock of the database.

The row has no query, so that nobody's search finds it; a sweep takes those that were left behind.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from hashlib import sha256
from secrets import token_hex
from typing import Any

from chatkeep.cache.entries import Key
from chatkeep.cache.locks import LockPlaceAwayError
from chatkeep.cache.postgres_place import FAULTS, NotAskedError, PostgresPlace
from chatkeep.cache.postgres_queries import CacheQueries

_Values = dict[str, object]


class PostgresLock:
    """Leases of fetches, seen by every process on the same database."""

    def __init__(self, place: PostgresPlace, queries: CacheQueries, lifetime: timedelta) -> None:
        """Keep what it needs; nothing is sent yet.

        Args:
            place: Where statements run.
            queries: Those of the schema.
            lifetime: A lease ends by itself after that: the longest fetch that is waited for.
        """
        self._place = place
        self._queries = queries
        self._lifetime = lifetime

    async def try_hold(self, key: Key) -> "Lease | None":
        """Take the key's lease, or None at once where another has it.

        Raises:
            LockPlaceAwayError: PostgreSQL does not answer in time, or refuses.
        """
        token = token_hex(16)
        mine: _Values = {
            "key_hash": sha256(b"lease" + key.hash).digest(),
            "results": f'{{"lease": "{token}"}}',
        }
        lease = Lease(self._release, mine)
        values = {**mine, "query": "", "lifetime": self._lifetime}
        try:
            found = await self._place.first(self._queries.lease, values)
        except FAULTS as exc:
            self._place.failed("lease", exc)
            if not isinstance(exc, NotAskedError):
                self._apart(self._delete(mine))  # it may have been taken all the same
            raise LockPlaceAwayError from exc
        except asyncio.CancelledError:
            self._apart(self._delete(mine))
            raise
        return None if found is None else lease

    async def _release(self, mine: _Values) -> None:
        """Give it back, also when who asks for it is cancelled meanwhile."""
        task = self._apart(self._delete(mine))
        if task is not None:
            await asyncio.shield(task)

    async def _delete(self, mine: _Values) -> None:
        try:
            await self._place.first(self._queries.release, mine)
        except FAULTS as exc:  # it ends by itself
            self._place.failed("release", exc)

    def _apart(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        background = self._place.runner.background
        if background is None:
            work.close()
            return None
        return background.save(work)


class Lease:
    """A lease that is held, until its time is over."""

    __slots__ = ("_mine", "_release")

    def __init__(
        self, release: Callable[[_Values], Coroutine[Any, Any, None]], mine: _Values
    ) -> None:
        self._release = release
        self._mine = mine

    async def release(self) -> None:
        """Give it back; does nothing where its time was over and another has it."""
        await self._release(self._mine)
