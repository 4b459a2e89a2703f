"""A call that takes too long ends; what the caller cancels stays cancelled."""

import asyncio

import pytest

from chatkeep.cache.watch import Watch


async def never() -> None:
    await asyncio.Event().wait()


async def gives(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def test_what_is_in_time_comes_back() -> None:
    watch = Watch(10)
    assert await asyncio.gather(*(watch.bounded(gives(n)) for n in range(50))) == list(range(50))


async def test_what_takes_too_long_ends_and_its_task_goes_on() -> None:
    watch = Watch(0.02)
    for _ in range(2):  # the second one needs a look of its own
        with pytest.raises(TimeoutError):
            await watch.bounded(never())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert await watch.bounded(gives(1)) == 1


async def test_an_error_comes_through() -> None:
    async def fails() -> None:
        raise LookupError("as it is")

    with pytest.raises(LookupError, match="as it is"):
        await Watch(10).bounded(fails())


async def test_a_cancellation_stays_one_also_beside_the_bound() -> None:
    async def waits() -> None:
        try:
            await never()
        except asyncio.CancelledError:
            task.cancel()  # while the time-out is being told
            raise

    for watch, cancels in ((Watch(10), True), (Watch(0.02), False)):
        task = asyncio.create_task(watch.bounded(waits() if not cancels else never()))
        await asyncio.sleep(0)
        if cancels:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_call_that_ends_by_itself_while_it_is_interrupted() -> None:
    async def swallows() -> int:
        try:
            await never()
        except asyncio.CancelledError:
            return 7
        return 0

    task = asyncio.current_task()
    assert task is not None
    assert await Watch(0.02).bounded(swallows()) == 7
    assert task.cancelling() == 0


def test_another_loop_has_looks_of_its_own() -> None:
    watch = Watch(0.02)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            asyncio.run(watch.bounded(never()))
