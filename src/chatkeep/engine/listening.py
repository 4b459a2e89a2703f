"""Notifications of PostgreSQL: one connection of a `Database` listens, opened when first needed.

They are sent in statements of their own, after what they tell of was stored. PostgreSQL lets one
transaction with a notification commit at a time, and waits for the disk meanwhile if it wrote
anything: with 64 writers at once a flush that notified took 400 ms, one that does not takes 13.

What a notification says is never believed: it wakes whoever waits for its key, and they look for
themselves. So one that is lost costs time and nothing else, and where nothing can be heard (behind a
pooler, on a standby, while the server restarts) the same code looks again and again instead.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

from chatkeep.engine.translate import DRIVER_ERRORS
from chatkeep.engine.wire import Wire
from chatkeep.errors import DatabaseClosedError, DatabaseError

_log = logging.getLogger("chatkeep.listening")

_FIRST_PAUSE = 0.1  # before the next attempt to connect; it doubles
_LONGEST_PAUSE = 30.0

Connect = Callable[[], Awaitable[Wire | None]]
Send = Callable[[list[str]], Awaitable[object]]


class Ear:
    """Somebody who waits for one key."""

    __slots__ = ("_rang",)

    def __init__(self) -> None:
        self._rang = asyncio.Event()

    def ring(self) -> None:
        """Wake who waits, or let the next `wait` end at once."""
        self._rang.set()

    def forget(self) -> None:
        """Wait for the next ring, not for one that came before."""
        self._rang.clear()

    async def wait(self, seconds: float) -> bool:
        """Wait for a ring; False when none came in that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._rang.wait()
        except TimeoutError:
            return False
        return True


class Bell:
    """The one listening connection of a `Database`, and all who wait for it.

    Attributes:
        is_listening: Notifications arrive now. Otherwise who waits has to look by the clock.
    """

    def __init__(self, connect: Connect) -> None:
        """Keep how to connect: it gives None where nothing could be heard."""
        self._connect = connect
        self._ears: dict[str, set[Ear]] = {}
        self._task: asyncio.Task[None] | None = None
        self._untold: dict[str, None] = {}
        self._telling: asyncio.Task[None] | None = None
        self.is_listening = False

    @contextmanager
    def ear(self, channel: str, key: str) -> Generator[Ear]:
        """Wait for a key while the block is open; the first one opens the connection."""
        ear = Ear()
        self._ears.setdefault(key, set()).add(ear)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep(channel))
        try:
            yield ear
        finally:
            others = self._ears[key]
            others.discard(ear)
            if not others:
                del self._ears[key]

    def ring(self, key: str) -> None:
        """Wake who waits for a key."""
        for ear in tuple(self._ears.get(key, ())):
            ear.ring()

    def tell(self, key: str, send: Send) -> None:
        """Notify everybody of a key, soon: those that come meanwhile go into one statement.

        Args:
            key: What has changed.
            send: Notifies of such keys.
        """
        if not self.is_listening:  # who waits here would not hear of it
            self.ring(key)
        self._untold[key] = None
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell(send))

    async def _tell(self, send: Send) -> None:
        while self._untold:
            keys = list(self._untold)
            self._untold.clear()
            try:
                await send(keys)
            except DatabaseError as exc:  # who waits looks by the clock, in the end
                _log.info("A notification was not sent: %s.", type(exc).__name__)

    async def close(self) -> None:
        """Send what is to be told, close the connection, and wake everybody."""
        if self._telling is not None:
            await asyncio.wait([self._telling])
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        self._task = None  # not before: who begins to wait meanwhile would open another one
        self._ring_all()

    def _ring_all(self) -> None:
        for key in tuple(self._ears):
            self.ring(key)

    async def _keep(self, channel: str) -> None:
        """Listen; when the connection breaks, open another one."""
        pause = _FIRST_PAUSE
        while True:
            try:
                wire = await self._connect()
                if wire is None:
                    return
                await self._listen(wire, channel)
                pause = _FIRST_PAUSE
            except DatabaseClosedError:
                self._task = None  # the next one who waits, when it is open again, begins anew
                return
            except (*DRIVER_ERRORS, DatabaseError) as exc:
                # Nobody waits for this connection's sake: they look by the clock meanwhile.
                _log.info("Not listening for notifications: %s.", type(exc).__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _listen(self, wire: Wire, channel: str) -> None:
        """Listen until the connection ends."""
        lost = asyncio.Event()

        def broke(_wire: object) -> None:
            lost.set()

        def rang(_wire: object, _pid: int, _channel: str, payload: object) -> None:
            self.ring(str(payload))

        try:
            wire.add_termination_listener(broke)
            await wire.add_listener(channel, rang)
            self.is_listening = True
            self._ring_all()  # what came before was not heard
            await lost.wait()
        finally:
            self.is_listening = False
            self._ring_all()  # from now on they look by the clock
            wire.terminate()
