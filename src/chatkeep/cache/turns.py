"""Whose turn it is to fetch, among all processes."""

import asyncio
import random
from collections.abc import Sequence
from typing import NamedTuple

from chatkeep.cache.entries import Key
from chatkeep.cache.locks import FetchLock, Held, LockPlaceAwayError
from chatkeep.cache.tiers import KnownFailure, Seen, Tiers
from chatkeep.engine.background import Background

_SHORTEST, _LONGEST, _GROWTH = 0.005, 0.25, 1.6  # seconds between two looks at what another does


class Turn(NamedTuple):
    """Either what another process brought meanwhile, or that it is on us to fetch.

    Attributes:
        seen: What is there now.
        held: The lock to release after the fetch; None where no place has locks.
        is_ours: Whether to fetch.
    """

    seen: Seen | KnownFailure | None = None
    held: Held | None = None
    is_ours: bool = True


class Turns:
    """Locks of several places: the first one that answers counts.

    Args:
        locks: Redis before PostgreSQL.
        tiers: Where another process puts what it fetched.
        background: Where locks are released.
        longest: Seconds that another process is waited for.
    """

    def __init__(
        self, locks: Sequence[FetchLock], tiers: Tiers, background: Background, longest: float
    ) -> None:
        self._locks = tuple(locks)
        self._tiers = tiers
        self._background = background
        self._longest = longest

    async def take(self, key: Key) -> Turn:
        """Wait until somebody brought something, nobody is at it, or that took too long."""
        clock = asyncio.get_running_loop().time
        end, pause = clock() + self._longest, _SHORTEST
        while True:
            turn = await self.take_now(key, None)
            if turn.is_ours or turn.seen is not None:
                return turn
            seen = await self._tiers.look(key)
            if seen is not None:
                return Turn(seen, is_ours=False)
            if clock() >= end:
                return Turn()
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - spreads processes
            pause = min(pause * _GROWTH, _LONGEST)

    async def take_now(self, key: Key, fetched_at: float | None) -> Turn:
        """Give the turn, unless another process has it or brought something newer than that."""
        for lock in self._locks:
            try:
                held = await lock.try_hold(key)
            except LockPlaceAwayError:
                continue
            if held is None:
                return Turn(is_ours=False)
            return await self._checked(key, held, fetched_at)
        return Turn()

    def release(self, held: Held | None) -> None:
        """Let others fetch, whatever becomes of the caller."""
        if held is not None:
            self._background.save(held.release())

    async def _checked(self, key: Key, held: Held, fetched_at: float | None) -> Turn:
        """Look again: it may have come between the last look and the lock."""
        try:
            seen = await self._tiers.look(key)
        except BaseException:
            self.release(held)
            raise
        if seen is None or not _is_newer(seen, fetched_at):
            return Turn(held=held)
        self.release(held)
        return Turn(seen, is_ours=False)


def _is_newer(seen: Seen | KnownFailure, fetched_at: float | None) -> bool:
    if fetched_at is None:
        return True
    if isinstance(seen, KnownFailure):
        return True
    return seen.entry.fetched_at > fetched_at or seen.failure is not None
