"""Work on scratch databases: beside the event loop, one at a time, and not for ever."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from chatkeep.kit.effect import Effect, effect
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.scratch_server import scratch_server
from chatkeep.kit.writing.reversing import standing_on
from chatkeep.settings import Settings
from chatkeep.studio.bounding import within

SECONDS = 120.0
"""The longest that one piece of work may take."""
_REMEMBERED = 64

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
        studio answers others meanwhile.

        Raises:
            TookTooLongError: It was not through in two minutes.
            ChatkeepError: What the work raises; there is no server for scratch databases.
        """
        async with self._one:
            return await asyncio.to_thread(_run, self._settings, job)

    async def effect(self, folder: Folder, migration: Migration) -> Effect:
        """Give what a migration makes of the database; the same files give the same, so it is kept."""
        *earlier, last = folder.until(migration.tag)
        key = (standing_on(earlier), last.hash)
        if key not in self._effects:
            self._effects[key] = await self.do(lambda scratch: effect(folder, last.tag, scratch))
            if len(self._effects) > _REMEMBERED:
                self._effects.popitem(last=False)
        return self._effects[key]


def _run(settings: Settings, job: Callable[[Scratch], Awaitable[T]]) -> T:
    async def bounded(scratch: Scratch) -> T:
        hint = "The same command in a terminal has all the time that it needs."
        async with within(SECONDS, "The work on the scratch server", hint):
            return await job(scratch)

    with scratch_server(settings) as scratch:
        return asyncio.run(bounded(scratch))
