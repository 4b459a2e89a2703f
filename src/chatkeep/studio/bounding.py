"""Bounds for what has connections of its own, and so none of the time-outs of `Ground.transaction`."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chatkeep.studio.ground import Ground
from chatkeep.studio.refusing import StudioError


class TookTooLongError(StudioError):
    """What was asked for was not had in time."""

    code = "took_too_long"
    status = 504


@asynccontextmanager
async def turn(ground: Ground, seconds: float, what: str, hint: str) -> AsyncGenerator[None]:
    """Wait for one of the few turns of what has connections of its own, and bound it.

    Raises:
        TookTooLongError: Waiting and working took longer.
    """
    async with within(seconds, what, hint), ground.beside:
        yield


@asynccontextmanager
async def within(seconds: float, what: str, hint: str) -> AsyncGenerator[None]:
    """Bound what goes on without a time-out of PostgreSQL's.

    Raises:
        TookTooLongError: It took longer.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise TookTooLongError(f"{what} took longer than {seconds:g} s.", hint=hint) from None
