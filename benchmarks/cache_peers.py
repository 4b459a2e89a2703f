"""cashews and aiocache at the same searches: a process in `.venv-cache/`, told what to run by `cache.py`.

Reads lines of JSON on stdin (`peer`, `place`, `seconds`), answers with microseconds a call on stdout.
Each peer is used as its documentation recommends, by its decorator, and stores as it does unless
told otherwise: cashews pickles, aiocache writes JSON, and both leave objects in memory as they are.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from importlib import import_module
from importlib.metadata import version
from itertools import count
from typing import Any

Call = Callable[[str], Awaitable[Any]]
PEERS = ("cashews", "aiocache")
QUERIES = [f"how does PostgreSQL store row {number}" for number in range(300)]
AT_ONCE = 50  # calls between two looks at the clock


def found() -> dict[str, Any]:
    """Ten results, about 3 kB, as a provider gives them."""
    words = ["postgres", "is", "a", "database", "with", "rows", "in", "pages", "and", "versions"]
    return {
        "searchParameters": {"q": "postgres", "num": 10},
        "organic": [
            {
                "title": " ".join(words[:8]),
                "link": f"https://example.com/{number}",
                "snippet": " ".join((words * 3)[number : number + 30]),
                "position": number + 1,
                "date": "Nov 21, 2026",
            }
            for number in range(10)
        ],
    }


async def turn(call: Call, arguments: Sequence[str], seconds: float, at_once: int) -> float:
    """Call one after the other for so long; give the median of a call in microseconds."""
    times: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    settled = end - 0.75 * seconds  # caches are cold after another's turn
    while True:
        for start in range(0, len(arguments), at_once):
            some = arguments[start : start + at_once]
            began = clock()
            for one in some:
                await call(one)
            done = clock()
            if began >= settled:
                times.append((done - began) / len(some) * 1e6)
            if done > end and len(times) > 3:
                return statistics.median(times)


async def misses(call: Call, queries: Iterable[str], seconds: float) -> tuple[float, int]:
    """Ask for what nobody has for so long; the median in microseconds, and how many calls."""
    times: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    for query in queries:
        began = clock()
        await call(query)
        done = clock()
        times.append((done - began) * 1e6)
        if done > end:
            break
    return statistics.median(times), len(times)


def cashews(port: int, place: str) -> Call:
    """Give the call, cached by cashews."""
    cache = import_module("cashews").Cache()
    cache.setup("mem://?size=10000" if place == "memory" else f"redis://127.0.0.1:{port}/1")

    @cache(ttl="1h", key="search:{query}")
    async def search(query: str) -> dict[str, Any]:  # noqa: ARG001 - makes the key
        return found()

    return search


def aiocache(port: int, place: str) -> Call:
    """Give the call, cached by aiocache."""
    module = import_module("aiocache")
    where: dict[str, Any] = {"cache": module.Cache.MEMORY}
    if place != "memory":
        where = {"cache": module.Cache.REDIS, "endpoint": "127.0.0.1", "port": port, "db": 2}

    @module.cached(ttl=3600, key_builder=lambda _, query: f"search:{query}", **where)
    async def search(query: str) -> dict[str, Any]:  # noqa: ARG001 - makes the key
        return found()

    return search


async def main(port: int) -> None:
    """Run what the lines say."""
    made = {"cashews": cashews, "aiocache": aiocache}
    calls = {
        (peer, place): made[peer](port, place) for peer in PEERS for place in ("memory", "redis")
    }
    for call in calls.values():
        for query in QUERIES:
            assert await call(query) == found()
    print(json.dumps({peer: version(peer) for peer in PEERS}), flush=True)
    numbers = count()
    while line := sys.stdin.readline():
        told = json.loads(line)
        place, seconds = told["place"], told["seconds"]
        if place == "miss":
            new = (f"never asked {next(numbers)}" for _ in count())
            answer = (await misses(calls[told["peer"], "redis"], new, seconds))[0]
        else:
            at_once = AT_ONCE if place == "memory" else 1
            answer = await turn(calls[told["peer"], place], QUERIES, seconds, at_once)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    os.environ.pop("REDIS_URL", None)
    bytes(2**20)  # see `worker.settle_allocator`
    asyncio.run(main(int(sys.argv[1])))
