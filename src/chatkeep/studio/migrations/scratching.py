"""Work on scratch databases: beside the event loop, one at a time, and not for ever."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TypeVar

from chatkeep.kit.effect import Effect, effect
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.scratch_server import scratch_server
from chatkeep.kit.writing.reversing import standing_on
from chatkeep.settings import Settings
from chatkeep.studio.bounding import within

SECONDS = 120.0
"""The longest that one piece of work may take, or wait for those before it."""
_REMEMBERED = 64
_HINT = "The same command in a terminal has all the time that it needs."

T = TypeVar("T")


class Bench:
    """Where one piece of work after the other is done on scratch databases."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one = asyncio.Lock()
        self._effects: OrderedDict[tuple[str, str], Effect] = OrderedDict()

    async def do(self, job: Callable[[Scratch], Awaitable[T]]) -> T:
        """Do a piece of work in a thread with an event loop of its own.

        Files are read, SQL is cut into statements, and the embedded server may have to start: the
        studio answers others meanwhile. A cancelled call ends when its scratch databases are gone.

        Raises:
            TookTooLongError: It was not through in two minutes, or its turn did not come in two.
            ChatkeepError: What the work raises; there is no server for scratch databases.
        """
        async with self._turn():
            return await self._work(job)

    async def effect(self, folder: Folder, migration: Migration) -> Effect:
        """Give what a migration makes of the database; the same files give the same, so it is kept."""
        *earlier, last = folder.until(migration.tag)
        key = (standing_on(earlier), last.hash)
        if key not in self._effects:
            async with self._turn():
                if key not in self._effects:  # nobody asked for it before, who had their turn
                    found = await self._work(lambda scratch: effect(folder, last.tag, scratch))
                    self._effects[key] = found
            if len(self._effects) > _REMEMBERED:
                self._effects.popitem(last=False)
        return self._effects[key]

    @asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        async with within(SECONDS, "Waiting for a turn on the scratch server", _HINT):
            await self._one.acquire()
        try:
            yield
        finally:
            self._one.release()

    async def _work(self, job: Callable[[Scratch], Awaitable[T]]) -> T:
        stop = Future[None]()
        work = asyncio.ensure_future(asyncio.to_thread(_run, self._settings, job, stop))
        try:
            return await asyncio.shield(work)
        except (
            asyncio.CancelledError
        ):  # a thread knows nothing of that, and the process waits for it
            stop.cancel()
            await asyncio.gather(work, return_exceptions=True)
            raise


def _run(settings: Settings, job: Callable[[Scratch], Awaitable[T]], stop: Future[None]) -> T:
    async def bounded(scratch: Scratch) -> T:
        loop, this = asyncio.get_running_loop(), asyncio.current_task()
        assert this is not None  # noqa: S101 - a coroutine runs in a task

        def end(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(this.cancel)

        async with within(SECONDS, "The work on the scratch server", _HINT):
            stop.add_done_callback(end)
            return await job(scratch)

    with scratch_server(settings) as scratch:
        return asyncio.run(bounded(scratch))
