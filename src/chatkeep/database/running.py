"""One bridge from scripts, and several calls at once."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from chatkeep.errors import ConfigError

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from a script and give its result.

        chatkeep.run(main())

    Raises:
        ConfigError: Called where an event loop runs already; write `await` there.
    """
    if _inside_a_loop():
        coroutine.close()
        raise ConfigError(
            "chatkeep.run() was called inside a running event loop.", hint="Use await."
        )
    return asyncio.run(coroutine)


def _inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def gather(awaitables: tuple[Awaitable[T], ...]) -> tuple[T, ...]:
    """Run several at once; the first error cancels the others and comes through as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_awaited(awaitable)) for awaitable in awaitables]
    except BaseExceptionGroup as errors:
        # Our callers catch ChatUnknown..., not groups: of several errors the first is told.
        raise errors.exceptions[0] from None
    return tuple(task.result() for task in tasks)


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable
