"""Attempts, and the waits between them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from chatkeep.engine import retry
from chatkeep.engine.retry import Attempts, is_conflict, run_again, wait_before
from chatkeep.errors import ConfigError, ConflictError, StatementError

LOST = ConflictError("lost", sqlstate="40001")


class Commits:
    """Transactions whose commit is refused so many times."""

    def __init__(self, refused: int) -> None:
        self.refused = refused
        self.begun = 0

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[int]:
        self.begun += 1
        yield self.begun
        if self.begun <= self.refused:
            raise ConflictError("lost", sqlstate="40001")


Block = Callable[[Attempts[int]], Awaitable[object]]


async def ends(attempts: Attempts[int]) -> object:
    done = []
    async for attempt in attempts:
        async with attempt as number:
            done.append(number)
    return done


async def returns(attempts: Attempts[int]) -> object:
    async for attempt in attempts:
        async with attempt as number:
            return number
    return None


async def breaks(attempts: Attempts[int]) -> object:
    async for attempt in attempts:
        async with attempt:
            break
    return "done"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.0)


@pytest.mark.parametrize("block", [ends, returns, breaks])
async def test_a_refused_commit_comes_out_however_the_block_was_left(block: Block) -> None:
    commits = Commits(refused=1)
    with pytest.raises(ConflictError) as caught:
        await block(Attempts(commits, 5))
    assert "run(work)" in caught.value.__notes__[0]
    assert commits.begun == 1
    await block(Attempts(Commits(refused=0), 5))


async def test_a_conflict_of_a_statement_is_run_again() -> None:
    commits, done = Commits(refused=0), []
    async for attempt in Attempts(commits, 2):
        async with attempt as number:
            if number < 3:
                raise ConflictError("lost", sqlstate="40001")
            done.append(number)
    assert done == [3]
    assert commits.begun == 3


async def test_the_last_attempt_is_the_last() -> None:
    commits = Commits(refused=0)
    with pytest.raises(ConflictError):
        async for attempt in Attempts(commits, 3):
            async with attempt:
                raise ConflictError("lost", sqlstate="40001")
    assert commits.begun == 4


async def test_a_function_is_run_again_with_its_result() -> None:
    async def work(number: int) -> str:
        return f"attempt {number}"

    commits = Commits(refused=2)
    assert await run_again(commits, 2, work) == "attempt 3"
    with pytest.raises(ConflictError):
        await run_again(Commits(refused=3), 2, work)


async def test_an_attempt_must_be_used_and_once() -> None:
    with pytest.raises(ConfigError, match="async with attempt as tx"):
        async for _ in Attempts(Commits(0), 1):
            pass
    async for attempt in Attempts(Commits(0), 1):
        async with attempt:
            with pytest.raises(ConfigError, match="once"):
                async with attempt:
                    pass


def test_only_a_group_of_nothing_but_conflicts_is_one() -> None:
    other = StatementError("refused")
    assert is_conflict(LOST)
    assert not is_conflict(other)
    assert is_conflict(ExceptionGroup("two", [LOST, ExceptionGroup("inner", [LOST])]))
    assert not is_conflict(ExceptionGroup("two", [LOST, other]))


def test_waits_are_random_grow_and_stay_under_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    bounds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0]
    for attempt, bound in enumerate(bounds, start=1):
        waits = [wait_before(attempt) for _ in range(500)]
        assert 0 <= min(waits) < bound * 0.1
        assert bound * 0.9 < max(waits) <= bound
    assert wait_before(10**9) <= 1.0
