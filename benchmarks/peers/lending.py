"""Connections of a bare driver, lent by a list and a line of waiting tasks: nothing is checked."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any


class Lender:
    """Lends wires: objects with a method for each pattern, each on a connection of its own."""

    def __init__(self, wires: Sequence[Any]) -> None:
        self._first = wires[0]
        self._idle = list(wires)
        self._waiting: deque[asyncio.Future[Any]] = deque()

    def call(self, pattern: str, tasks: int) -> Callable[..., Awaitable[Any]]:
        """Give a pattern's call: on one connection, or for many tasks on whichever is free."""
        if tasks == 1:
            return getattr(self._first, pattern)
        idle, waiting = self._idle, self._waiting

        async def lent(*values: Any) -> Any:
            if idle:
                wire = idle.pop()
            else:
                waiter = asyncio.get_running_loop().create_future()
                waiting.append(waiter)
                wire = await waiter
            try:
                return await getattr(wire, pattern)(*values)
            finally:
                if waiting:
                    waiting.popleft().set_result(wire)
                else:
                    idle.append(wire)

        return lent
