"""Many processes ask for a search that nobody has: it is fetched once, with Redis and without."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatkeep.presets import deepsearch
from fixtures.redis import RedisServer
from fixtures.servers import Databases, PgServer

FULL = os.environ.get("CHATKEEP_FULL") == "1"
PROCESSES, TASKS = (8, 50) if FULL else (4, 50)
ROUNDS = 20 if FULL else 2
ASKER = Path(__file__).with_name("asker.py")
# That Redis is given to answer: as it is unless told otherwise, and in CI, which may be busy, longer.
ANSWER_SECONDS = 0.25 if FULL else 5.0


class Crowd:
    """Processes with the same PostgreSQL and Redis, told on their standard input what to ask for."""

    def __init__(self, askers: list[Process], tally: Path) -> None:
        self.askers = askers
        self.tally = tally

    async def ask(self, way: str, kind: str, query: str) -> tuple[Counter[str], int]:
        """Have all tasks of all processes ask: what they got, and how often it was fetched."""
        for asker in self.askers:
            assert asker.stdin is not None
            asker.stdin.write(f"{way} {kind} {query}\n".encode())
        got: Counter[str] = Counter()
        for asker in self.askers:
            got.update(await said(asker))
        lines = self.tally.read_text().splitlines()
        return got, sum(line.split(" ", 1)[1] == query for line in lines)


async def said(asker: Process) -> object:
    assert asker.stdout is not None
    return json.loads(await asker.stdout.readline())


@asynccontextmanager
async def crowd_of(url: str, redis_url: str, tally: Path) -> AsyncIterator[Crowd]:
    tally.touch()
    command = [sys.executable, ASKER, url, redis_url, tally, str(TASKS), str(ANSWER_SECONDS)]
    askers = [
        await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        for _ in range(PROCESSES)
    ]
    try:
        for asker in askers:
            assert await said(asker) == "ready"
        yield Crowd(askers, tally)
    finally:
        for asker in askers:
            assert asker.stdin is not None
            asker.stdin.close()
        codes = [await asker.wait() for asker in askers]
    assert codes == [0] * PROCESSES


@pytest.mark.needs("redis")
async def test_a_cold_search_is_fetched_once_by_all_processes(
    pg18: PgServer,
    redis_of_debian: RedisServer,
    fresh_database: Callable[[PgServer], Databases],
    tmp_path: Path,
) -> None:
    url = await fresh_database(pg18).holding(deepsearch.schema(prefix="x_"))
    redis_of_debian.mend()
    every = PROCESSES * TASKS
    found: dict[str, list[tuple[Counter[str], int]]] = {}
    async with crowd_of(url, redis_of_debian.url, tmp_path / "fetches") as crowd:
        for place in ("with Redis", "Redis away", "without Redis"):
            if place == "Redis away":
                redis_of_debian.kill()
            way = "none" if place == "without Redis" else "redis"
            found[place] = [
                await crowd.ask(way, "well", f"{place} {number}") for number in range(ROUNDS)
            ]
        redis_of_debian.start()
        # Who shared the process of the fetch gets its error, the others get to know of it.
        got, fetches = await crowd.ask("none", "fails", "the search is broken")
    right = [(Counter(right=every), 1)] * ROUNDS
    assert found == dict.fromkeys(found, right)
    assert fetches == 1
    assert got == Counter(SearchBrokenError=TASKS, SearchFailedError=every - TASKS)
