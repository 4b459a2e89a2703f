"""One fetch for the many callers of a process that ask for the same at once."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from chatkeep.errors import DatabaseClosedError, SearchFailedError

T = TypeVar("T")


class AbandonedError(Exception):
    """Whoever looked went away before anything was found; one of those who wait begins anew."""


class LateError(Exception):
    """Nothing came in time."""


class Flight(Generic[T]):
    """A search under way. Its first caller looks; a task fetches; all of them get what comes.

    Attributes:
        is_forgotten: Somebody said meanwhile that it shall not be kept.
    """

    __slots__ = (
        "_bell",
        "_came",
        "_flying",
        "_is_closing",
        "_key_hash",
        "_task",
        "_waiting",
        "is_forgotten",
    )

    def __init__(self, flying: "dict[bytes, Flight[T]]", key_hash: bytes) -> None:
        self._flying = flying
        self._key_hash = key_hash
        self._came: tuple[T] | Exception | None = None
        self._bell: asyncio.Future[None] | None = None  # most flights end before anybody waits
        self._task: asyncio.Task[None] | None = None
        self._is_closing: Callable[[], bool] = bool
        self._waiting = 0
        self.is_forgotten = False

    def fetches(self, task: "asyncio.Task[None]", is_closing: Callable[[], bool]) -> None:
        """Have a task bring the result: it has to `land` or `fail`, or raise.

        Where it is cancelled, `is_closing` says whether that is because the database is closed.
        """
        self._task = task
        self._is_closing = is_closing
        task.add_done_callback(self._ended)

    def land(self, result: T) -> None:
        """Give everybody the result."""
        self._ends((result,))

    def fail(self, error: Exception) -> None:
        """Give everybody the error."""
        self._ends(error)

    def leave(self) -> None:
        """Have nobody join it any more; those who wait still get what it brings."""
        if self._flying.get(self._key_hash) is self:
            del self._flying[self._key_hash]

    async def wait(self, at_most: float | None = None) -> T:
        """Give the result. Who is cancelled here cancels the fetch only as the last one.

        Raises:
            LateError: It took longer than `at_most` seconds.
            AbandonedError: Nobody looks any more; begin anew.
            SearchFailedError: The fetch cancelled itself.
            DatabaseClosedError: The database was closed meanwhile.
            Exception: As the fetch raised it.
        """
        if self._came is None:
            await self._rings(at_most)
        if self._came is None:
            raise LateError
        if isinstance(self._came, Exception):
            raise self._came
        return self._came[0]

    async def _rings(self, at_most: float | None) -> None:
        if self._bell is None:
            self._bell = asyncio.get_running_loop().create_future()
        self._waiting += 1
        try:
            await asyncio.wait([self._bell], timeout=at_most)
        except asyncio.CancelledError:
            if self._waiting == 1:
                self._cancel()
            raise
        finally:
            self._waiting -= 1

    def _ends(self, came: tuple[T] | Exception) -> None:
        if self._came is not None:
            return
        self._came = came
        if self._bell is not None:
            self._bell.set_result(None)
        self.leave()

    def _cancel(self) -> None:
        if self._task is not None:
            self.leave()  # first, so that nobody joins it
            self._task.cancel()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.fail(error)
        elif self._is_closing():
            self.fail(DatabaseClosedError("The Database was closed before the search had ended."))
        else:  # by the fetch itself: trying again is not for us
            self.fail(SearchFailedError(type(error or asyncio.CancelledError()).__name__, 0.0))


class Flights(Generic[T]):
    """What is under way, by key."""

    def __init__(self) -> None:
        self._flying: dict[bytes, Flight[T]] = {}

    def get(self, key_hash: bytes) -> Flight[T] | None:
        """Give the flight to join, if there is one."""
        return self._flying.get(key_hash)

    def begin(self, key_hash: bytes) -> Flight[T]:
        """Begin a flight; the next callers join it, also where there was another one."""
        # Not `Flight[T]()`: that takes five times as long.
        flight: Flight[T] = Flight(self._flying, key_hash)
        self._flying[key_hash] = flight
        return flight
