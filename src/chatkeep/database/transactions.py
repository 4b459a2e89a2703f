"""What `db.transaction(...)` gives: a block, a runner of your function, or a loop of attempts."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Generic, TypeVar, get_args

from chatkeep.engine.retry import Attempts, run_again
from chatkeep.engine.transaction import Isolation
from chatkeep.errors import ConfigError

T = TypeVar("T")
R = TypeVar("R")


class TransactionContext(Generic[T]):
    """A transaction about to begin; `T` is what the block gets as `tx`.

    async with db.transaction() as tx: ...
    result = await db.transaction(retry=3).run(work)
    async for attempt in db.transaction(retry=3):
        async with attempt as tx: ...

    `run` runs again after every conflict. The loop does so only where a statement met it: a conflict
    of the commit, as "serializable" has them, leaves the loop as ConflictError.
    """

    def __init__(self, opens: Callable[[], AbstractAsyncContextManager[T]], retry: int) -> None:
        self._opens = opens
        self._retry = retry
        self._opened: AbstractAsyncContextManager[T] | None = None

    async def __aenter__(self) -> T:
        if self._retry:
            raise ConfigError(
                "`async with` cannot run its block again, so retry has no effect there.",
                hint="Write `await db.transaction(retry=...).run(work)`, or `async for attempt in "
                "db.transaction(retry=...):` around `async with attempt as tx:`, which does not run "
                "a refused commit again.",
            )
        if self._opened is not None:
            raise ConfigError(
                "This transaction was begun already.", hint="Call transaction() anew."
            )
        self._opened = self._opens()
        return await self._opened.__aenter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        if self._opened is None:
            raise ConfigError("This transaction was not begun.", hint="Use it with `async with`.")
        return await self._opened.__aexit__(exc_type, exc, traceback)

    def __aiter__(self) -> Attempts[T]:
        return Attempts(self._opens, self._retry)

    async def run(self, work: Callable[[T], Awaitable[R]]) -> R:
        """Call `work(tx)`, commit, and give its result; run it again after any conflict.

        Each attempt is a transaction of its own. What `work` does besides, such as sending a mail,
        is done as often as there are attempts.

        Raises:
            ConflictError: The last attempt lost against another transaction, too.
            DatabaseError: Another of its kinds; not run again. When the connection broke or was
                too slow at the commit, whether it was stored is not known.
        """
        return await run_again(self._opens, self._retry, work)


def check_options(
    retry: object, isolation: object, read_only: object, *, is_nested: bool
) -> Isolation | None:
    """Refuse what no transaction, or no nested one, can have; give the isolation.

    Raises:
        ConfigError: An option is not one that there is, or the transaction is a nested one.
    """
    if not isinstance(retry, int) or isinstance(retry, bool) or retry < 0:
        raise ConfigError("retry must be the number of further attempts, 0 or more.")
    for level in get_args(Isolation):
        if isolation == level:
            break
    else:
        level = None
        if isolation is not None:
            known = ", ".join(f'"{name}"' for name in get_args(Isolation))
            raise ConfigError(f"isolation must be one of {known}.")
    if is_nested and (retry or level or read_only):
        raise ConfigError(
            "A nested transaction is a savepoint: it has no retry, isolation or read_only.",
            hint="Give them to the outermost transaction.",
        )
    return level
