"""The runs that are under way: at most two at once, each can be cancelled by its id."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from starlette.requests import Request

from chatkeep.studio.ground import Ground
from chatkeep.studio.refusing import StudioError

AT_ONCE = 2
"""Runs at once: each has a connection of its own, and other screens need some too."""

T = TypeVar("T")


class BusyError(StudioError):
    """As many runs are under way as the studio allows."""

    code = "busy"
    status = 429


class LeftError(StudioError):
    """The browser went away while its run was under way; the run was cancelled."""

    code = "left"
    status = 499


@dataclass
class Running:
    """A run under way."""

    task: asyncio.Task[Any]
    cancel: Callable[[], None]


@dataclass
class Runs:
    """Those of one studio."""

    by_id: dict[str, Running] = field(default_factory=dict[str, Running])

    def cancel(self, run_id: str) -> bool:
        """Cancel a run; say whether there was one of this id."""
        running = self.by_id.get(run_id)
        if running is None:
            return False
        running.cancel()
        running.task.cancel()
        return True

    async def keep(
        self,
        request: Request,
        run_id: str,
        work: Callable[[], Awaitable[T]],
        cancel: Callable[[], None],
    ) -> T:
        """Do a run's work; cancel it when its browser goes away.

        Args:
            request: What asked for it, its body already read.
            run_id: By which it can be cancelled.
            work: Does it.
            cancel: Called before its task is cancelled.

        Raises:
            BusyError: Two are under way, or this one.
        """
        if len(self.by_id) >= AT_ONCE or run_id in self.by_id:
            raise BusyError(
                f"{AT_ONCE} runs are under way.", hint="Wait for one to end, or cancel it."
            )
        task = asyncio.ensure_future(work())
        assert isinstance(task, asyncio.Task)  # noqa: S101 - of a coroutine
        self.by_id[run_id] = Running(task, cancel)
        watching = asyncio.create_task(_gone(request))
        try:
            await asyncio.wait({task, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            if task.cancelled():
                raise LeftError("The run ended before its answer.")
            return task.result()
        finally:
            watching.cancel()
            task.cancel()
            del self.by_id[run_id]


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


_RUNS: WeakKeyDictionary[Ground, Runs] = WeakKeyDictionary()


def runs_of(ground: Ground) -> Runs:
    """Give the runs of a studio."""
    return _RUNS.setdefault(ground, Runs())
