"""Running a transaction again that lost against another one.

PostgreSQL lets one of two transactions in each other's way go on and refuses the other: whoever runs
the refused one again from its start gets it through. Waiting a random time first keeps the two from
meeting again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from types import TracebackType
from typing import Generic, Self, TypeVar

from chatkeep.errors import ConfigError, ConflictError

T = TypeVar("T")
R = TypeVar("R")

FIRST_WAIT = 0.010
LONGEST_WAIT = 1.0


def wait_before(attempt: int) -> float:
    """Give the seconds to wait after so many failed attempts: anything up to a doubling bound."""
    bound = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 30))
    return random.uniform(0.0, bound)  # noqa: S311 - spreads attempts, guards no secret


def is_conflict(exc: BaseException) -> bool:
    """Tell whether running the transaction again can help; in a group, every error must say so."""
    if isinstance(exc, BaseExceptionGroup):
        return exc.split(ConflictError)[1] is None
    return isinstance(exc, ConflictError)


async def run_again(
    opens: Callable[[], AbstractAsyncContextManager[T]],
    retry: int,
    work: Callable[[T], Awaitable[R]],
) -> R:
    """Run `work` in a transaction of its own until it is stored, at most `retry` times more.

    Raises:
        ConflictError: The last attempt lost, too.
    """
    for attempt in count(1):
        try:
            async with opens() as opened:
                return await work(opened)
        except Exception as exc:
            if not is_conflict(exc) or attempt > retry:
                raise
        await asyncio.sleep(wait_before(attempt))
    raise AssertionError  # not reached: count() does not end


class Attempts(Generic[T]):
    """The loop's side: gives attempts until one was stored, or failed for good.

    A commit that is refused has failed for good here; see `Attempt.__aexit__`. `run_again` runs
    that again as well.
    """

    def __init__(self, opens: Callable[[], AbstractAsyncContextManager[T]], retry: int) -> None:
        self._opens = opens
        self._retry = retry
        self._number = 0
        self._attempt: Attempt[T] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> "Attempt[T]":
        last = self._attempt
        if last is not None:
            if not last.was_entered:
                raise ConfigError(
                    "An attempt of a transaction was not used.",
                    hint="Write `async with attempt as tx:` inside the loop.",
                )
            if not last.lost:
                raise StopAsyncIteration
            await asyncio.sleep(wait_before(self._number))
        self._number += 1
        is_last = self._number > self._retry
        self._attempt = Attempt(self._opens(), is_last=is_last)
        return self._attempt


class Attempt(Generic[T]):
    """One attempt: `async with attempt as tx:`.

    Attributes:
        was_entered: The block was begun.
        lost: The transaction was taken back for a statement's conflict, and the loop goes on.
    """

    def __init__(self, opened: AbstractAsyncContextManager[T], *, is_last: bool) -> None:
        self._opened = opened
        self._is_last = is_last
        self.was_entered = False
        self.lost = False

    async def __aenter__(self) -> T:
        if self.was_entered:
            raise ConfigError("An attempt can be used once.", hint="Let the loop give the next.")
        self.was_entered = True
        return await self._opened.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """End the attempt; a conflict that a statement met is swallowed, and the loop goes on.

        A conflict of the commit is not. Python does not tell how the block was left: behind a
        `return value` the function would go on to give a value that was not stored.
        """
        try:
            await self._opened.__aexit__(exc_type, exc, traceback)
        except Exception as refused:
            if self._is_last or not is_conflict(refused):
                raise
            if exc is None:
                refused.add_note(
                    "The commit was refused, which a loop cannot run again: "
                    "use `await db.transaction(retry=...).run(work)`."
                )
                raise
            self.lost = True
        else:
            self.lost = exc is not None and not self._is_last and is_conflict(exc)
        return self.lost
