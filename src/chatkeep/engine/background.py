"""What goes on beside the calls of a `Database`, until it is closed."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from chatkeep.engine.listening import Bell, Connect

T = TypeVar("T")


class Background:
    """Tasks that outlive the call that started them, and the bell that wakes who waits.

    Attributes:
        bell: Notifications.
    """

    def __init__(self, connect: Connect) -> None:
        self.bell = Bell(connect)
        self._work: set[asyncio.Task[Any]] = set()
        self._saving: set[asyncio.Task[Any]] = set()

    def work(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that `close` cancels, and then waits for."""
        return self._spawn(coroutine, self._work)

    def save(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something that nobody cancels; `close` waits for its end."""
        return self._spawn(coroutine, self._saving)

    async def close(self) -> None:
        """End everything. What is being saved is saved."""
        for task in tuple(self._work):
            task.cancel()
        while tasks := self._work | self._saving:
            await asyncio.wait(tasks)
        await self.bell.close()

    def _spawn(
        self, coroutine: Coroutine[Any, Any, T], tasks: set[asyncio.Task[Any]]
    ) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(coroutine)
        tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(tasks.discard)
        return task
