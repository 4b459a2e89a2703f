"""A bound in time for calls that mostly take microseconds.

`asyncio.timeout` makes a timer for each call, which is a tenth of what a hit in PostgreSQL takes. Here
one look at all calls does, four times in the time that one may take.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_LOOKS = 4


class Watch:
    """Interrupts calls that take longer than so many seconds, at most a quarter of it late."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._since: dict[asyncio.Task[Any], float] = {}

    async def bounded(self, call: Coroutine[Any, Any, T]) -> T:
        """Await a call.

        Raises:
            TimeoutError: It took too long, and was cancelled.
        """
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] | None = asyncio.current_task(loop)
        if task is None:
            call.close()
            raise RuntimeError("There is no task that could be interrupted.")
        if loop is not self._loop:  # a database may be opened again in another one
            self._loop, self._timer, self._since = loop, None, {}
        since = self._since
        since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / _LOOKS, self._look)
        before = task.cancelling()
        try:
            result = await call
        except BaseException as exc:
            is_late = since.pop(task, None) is None
            # Who cancels the caller as well gets a cancellation.
            if is_late and task.uncancel() <= before and isinstance(exc, asyncio.CancelledError):
                raise TimeoutError from exc
            raise
        if since.pop(task, None) is None:
            task.uncancel()
        return result

    def _look(self) -> None:
        loop, self._timer = self._loop, None
        if loop is None:
            return
        too_old = loop.time() - self._seconds
        for task, at in tuple(self._since.items()):
            if at <= too_old:
                del self._since[task]
                task.cancel()
        if self._since:
            self._timer = loop.call_later(self._seconds / _LOOKS, self._look)
