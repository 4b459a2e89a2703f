"""A process of an application that asks its search cache: started by test_stampede.py.

Reads a line for each round, `with URL-of-Redis or without it, fetch well or failing, the query`, has
all of its tasks ask at once, and writes what they got. A fetch writes a line into a file before
anything else, so that none can go uncounted.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from chatkeep import Database, SearchCacheOptions
from chatkeep.presets import deepsearch

FETCH_SECONDS = 0.3


class SearchBrokenError(Exception):
    """The search's own fault."""


async def ask(db: Database, query: str, tally: Path, *, fails: bool, tasks: int) -> Counter[str]:
    """Have all tasks ask at once; how often each kind of answer came."""

    async def fetch() -> list[dict[str, str]]:
        with tally.open("a") as file:
            file.write(f"{os.getpid()} {query}\n")
        await asyncio.sleep(FETCH_SECONDS)
        if fails:
            raise SearchBrokenError
        return [{"title": query, "link": "https://example.com"}]

    async def one() -> str:
        try:
            found = await db.search_cache.get_or_fetch(query, fetch)
        except Exception as exc:
            return type(exc).__name__
        return "right" if [result.title for result in found] == [query] else "wrong"

    return Counter(await asyncio.gather(*(one() for _ in range(tasks))))


async def main(url: str, redis_url: str, tally: Path, tasks: int, timeout: float) -> None:
    """Answer rounds until there are no more."""
    seconds = timedelta(seconds=timeout)
    async with AsyncExitStack() as stack:
        databases = {
            name: await stack.enter_async_context(
                Database(
                    deepsearch.schema(prefix="x_"),
                    url,
                    max_connections=4,
                    search_cache=SearchCacheOptions(redis_url=place, redis_timeout=seconds),
                )
            )
            for name, place in (("redis", redis_url), ("none", None))
        }
        print(json.dumps("ready"), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            way, kind, query = line.rstrip("\n").split(" ", 2)
            got = await ask(databases[way], query, tally, fails=kind == "fails", tasks=tasks)
            print(json.dumps(got), flush=True)


if __name__ == "__main__":
    os.environ.pop("REDIS_URL", None)
    asyncio.run(
        main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
    )
