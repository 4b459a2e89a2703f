"""Turns on one connection, which takes one call at a time."""

import asyncio
from types import TracebackType

from chatkeep.errors import StatementError


class Turn:
    """A lock that knows who holds it: a task that asks for it again would wait for ever.

    That happens when the rows of a COPY are read through the transaction that the COPY runs in.
    """

    __slots__ = ("_holder", "_lock")

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._holder: asyncio.Task[object] | None = None

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        if task is not None and task is self._holder:
            raise StatementError(
                "This transaction is in the middle of a copy and cannot run a statement for it.",
                hint="Read the rows through `db`, or collect them before.",
            )
        await self._lock.acquire()
        self._holder = task

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._holder = None
        self._lock.release()
