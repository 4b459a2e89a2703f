"""Which nested transactions of a connection are open, and who may use the connection meanwhile.

PostgreSQL has one stack of savepoints for each connection: a statement falls under the innermost one,
and the end of a savepoint ends those inside of it. So the stack is kept here as it is there, whichever
task opened a nested transaction, and through whichever outer one.
"""

import asyncio
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING

from chatkeep.engine.turn import Turn
from chatkeep.errors import DatabaseClosedError, DatabaseTimeoutError

if TYPE_CHECKING:
    from chatkeep.engine.identity import Identity

# The nested transactions whose block the current task runs in.
_inside: ContextVar[tuple["Level", ...]] = ContextVar("chatkeep_inside", default=())


class Level:
    """The transaction, or one savepoint of it.

    Attributes:
        name: Of the savepoint; no other one of the transaction has it.
        is_set: PostgreSQL has this savepoint.
        is_over: Its block has ended, or a block around it.
        is_cut_off: A block around it ended first.
    """

    __slots__ = ("is_cut_off", "is_over", "is_set", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_set = False
        self.is_over = False
        self.is_cut_off = False

    def check_open(self) -> None:
        """Refuse what comes after the end.

        Raises:
            DatabaseClosedError: The transaction has ended, or one around it.
        """
        if self.is_cut_off:
            raise DatabaseClosedError(
                "The outer transaction has ended.",
                hint="Wait for the tasks that use it before its `async with` block ends.",
            )
        if self.is_over:
            raise DatabaseClosedError(
                "The transaction has ended.", hint="Use `tx` only inside its `async with` block."
            )


class Levels:
    """The open levels of one connection, from the transaction to the innermost savepoint.

    Attributes:
        turn: The connection takes one call at a time. Whoever may use it queues for the turn at
            once, so that what ends a level comes after all that was sent under it.
        identity: As whom the connection's next statement would run; None is the login role.
        was_scoped: It has ever been another than the login role.
    """

    def __init__(self, patience: float) -> None:
        """Begin with the transaction.

        Args:
            patience: Seconds that a task waits for the end of another one's nested transaction.
        """
        self.turn = Turn()
        self.transaction = Level("")
        self.identity: Identity | None = None
        self.was_scoped = False
        self._open = [self.transaction]
        self._numbers = count(1)
        self._patience = patience
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self, level: Level) -> None:
        """Wait until a call on this level falls under no savepoint of a stranger.

        Raises:
            DatabaseClosedError: The level has ended.
            DatabaseTimeoutError: No nested transaction has ended for too long.
        """
        level.check_open()
        while not self._may_use(level):
            ended = asyncio.get_running_loop().create_future()
            self._waiting.append(ended)
            try:
                async with asyncio.timeout(self._patience):
                    await ended
            except TimeoutError as exc:
                raise DatabaseTimeoutError(
                    "The nested transaction of another task was still open after "
                    f"{self._patience:g} s.",
                    hint="Does its block wait for this task? Start the task inside of the block.",
                ) from exc
            level.check_open()

    def _may_use(self, level: Level) -> bool:
        innermost = self._open[-1]
        return innermost is level or (not innermost.is_over and innermost in _inside.get())

    def enter(self) -> Level:
        """Open one on top of the others; the current task, and those that it starts, are inside."""
        level = Level(f"chatkeep_{next(self._numbers)}")
        self._open.append(level)
        _inside.set((*_inside.get(), level))
        return level

    def end(self, level: Level) -> None:
        """Refuse everything on this level from now on, and cut off those inside of it.

        Until `leave` nobody else is let in: PostgreSQL has not ended it yet.
        """
        if level.is_over:
            return
        level.is_over = True
        for inner in self._above(level):
            inner.is_over = inner.is_cut_off = True
        self._wake()

    def leave(self, level: Level) -> None:
        """Let the others go on; one that was cut off is left with the one that did it."""
        _inside.set(tuple(inside for inside in _inside.get() if inside is not level))
        if not level.is_cut_off:
            del self._open[self._open.index(level) :]
            self._wake()

    def unfinished(self, level: Level) -> Level | None:
        """Give the outermost savepoint that is set inside of this level, if any."""
        return next((inner for inner in self._above(level) if inner.is_set), None)

    def _above(self, level: Level) -> list[Level]:
        return self._open[self._open.index(level) + 1 :]

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for ended in waiting:
            if not ended.done():  # a waiter that was cancelled is done
                ended.set_result(None)
