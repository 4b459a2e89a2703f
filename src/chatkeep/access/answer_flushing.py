"""The text of an answer on its way to the database: kept for a moment, then sent in one piece.

`write` only adds to what is kept. One task sends it, at most once in each window, and never has two
statements under way. A piece whose fate is not known, since the connection broke, is sent again as
it was, at the same place: stored twice, it is there once.
"""

import asyncio
from collections.abc import Awaitable, Callable

from chatkeep.errors import (
    AnswerTakenOverError,
    ConflictError,
    ConnectionFailedError,
    DatabaseBusyError,
    DatabaseTimeoutError,
)

HEARTBEAT = 5.0  # seconds without text, after which the writer still says that it lives
PATIENCE = 30.0  # seconds for which a database that does not answer is asked again
MAX_KEPT = 16_384  # characters; who writes more waits for the database

# What may be over when it is tried again.
PASSING = (ConnectionFailedError, ConflictError, DatabaseBusyError, DatabaseTimeoutError)
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 1.0

Store = Callable[[int, str], Awaitable[bool]]


class Flusher:
    """Sends what is written.

    Attributes:
        written: Characters that were given to `write`.
        stored: Characters of them that PostgreSQL has acknowledged.
    """

    def __init__(self, store: Store, window: float) -> None:
        """Keep how to store.

        Args:
            store: Stores a piece at an offset; an empty one is a sign of life. False: the answer is
                not ours any more.
            window: Seconds that a text waits at most before it is sent.
        """
        self._store = store
        self._window = window
        self._kept: list[str] = []
        self._sending = ""
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._moved = asyncio.Event()
        self._is_ending = False
        self._task: asyncio.Task[None] | None = None
        self.written = 0
        self.stored = 0

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._ended)

    async def write(self, text: str) -> None:
        """Keep a text to be sent; waits only where too much is kept already.

        Raises:
            AnswerTakenOverError: The answer is not ours any more.
            DatabaseError: The database did not take the text for half a minute.
        """
        self._check()
        self._kept.append(text)
        self.written += len(text)
        self._news.set()
        while self.written - self.stored > MAX_KEPT and self._is_sending:
            self._hurry.set()
            await self._moved.wait()
            self._check()

    async def flush(self) -> None:
        """Wait until everything that was written so far is stored.

        Raises:
            AnswerTakenOverError: The answer is not ours any more.
            DatabaseError: The database did not take the text for half a minute.
        """
        goal = self.written
        while self.stored < goal and self._is_sending:
            self._hurry.set()
            await self._moved.wait()
        self._check()

    async def end(self) -> str:
        """Send nothing more, and give what is not known to be stored: it begins at `stored`."""
        self._is_ending = True
        self._news.set()
        self._hurry.set()
        if self._task is not None:
            await asyncio.wait([self._task])
        return self._sending + "".join(self._kept)

    @property
    def is_unsure(self) -> bool:
        """A piece was sent, and nobody knows whether it was stored, or still will be."""
        return bool(self._sending)

    @property
    def error(self) -> BaseException | None:
        """What ended the sending."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    @property
    def _is_sending(self) -> bool:
        return self._task is not None and not self._task.done()

    def _check(self) -> None:
        if self.error is not None:
            raise self.error

    def _ended(self, _task: object) -> None:
        self._moved.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time() - self._window
        while True:
            await _wait(self._news, HEARTBEAT)
            await _wait(self._hurry, began + self._window - loop.time())
            if self._is_ending:
                return
            began = loop.time()
            self._news.clear()
            self._hurry.clear()
            self._sending = "".join(self._kept)
            self._kept.clear()
            if not await self._send():
                return
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()

    async def _send(self) -> bool:
        """Send one piece, as often as it takes; False when the end came before."""
        give_up = asyncio.get_running_loop().time() + PATIENCE
        pause = _FIRST_PAUSE
        while True:
            try:
                is_ours = await self._store(self.stored, self._sending)
            except PASSING:
                if asyncio.get_running_loop().time() > give_up:
                    raise
            else:
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            if self._is_ending:
                return False
        if not is_ours:
            raise not_ours()
        self.stored += len(self._sending)
        self._sending = ""
        return True


def not_ours() -> AnswerTakenOverError:
    """Give the error of a writer whose answer is not its own any more."""
    return AnswerTakenOverError(
        "This answer has another writer by now, was ended, or was deleted.",
        hint="Its text up to the last flush was kept, unless it was deleted.",
    )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    if seconds <= 0 or event.is_set():
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass  # time for the next step
