"""What goes on beside the calls of a `Database`, until it is closed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from chatkeep.engine.listening import Bell, Connect

T = TypeVar("T")


class Background:
    """Tasks that outlive the call that started them, and the bell that wakes who waits.

    Attributes:
        bell: Notifications.
        is_closing: Whether `close` is under way: what is cancelled then, is so because of it.
    """

    def __init__(self, connect: Connect) -> None:
        self.bell = Bell(connect)
        self.is_closing = False
        self._work: set[asyncio.Task[Any]] = set()
        self._saving: set[asyncio.Task[Any]] = set()
        self._open: set[Callable[[], object]] = set()

    def work(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that `close` cancels, and then waits for."""
        return self._spawn(coroutine, self._work)

    def save(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that nobody cancels; `close` waits for its end."""
        return self._spawn(coroutine, self._saving)

    def keep_open(self, end: Callable[[], object]) -> None:
        """Have `close` call this, once no work is left, unless it is `ended` before."""
        self._open.add(end)

    def ended(self, end: Callable[[], object]) -> None:
        """Take back what `keep_open` was told."""
        self._open.discard(end)

    async def close(self) -> None:
        """End everything, also what begins meanwhile. What is being saved is saved."""
        self.is_closing = True
        try:
            await self._end()
        finally:
            self.is_closing = False

    async def _end(self) -> None:
        cancelled: set[asyncio.Task[Any]] = set()
        while True:
            for task in self._work - cancelled:
                task.cancel()
                cancelled.add(task)
            if tasks := self._work | self._saving:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            elif self._open:
                self._open.pop()()
            else:
                break
        await self.bell.close()

    def _spawn(
        self, coroutine: Coroutine[Any, Any, T], tasks: set[asyncio.Task[Any]]
    ) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(coroutine)
        tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(tasks.discard)
        return task
