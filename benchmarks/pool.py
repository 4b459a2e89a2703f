"""What a loan of a connection costs: `./dev run python -m benchmarks.pool [ROUNDS] [--write]`.

asyncpg's own pool, the same with its reset switched off, psycopg_pool, our own, and no pool at all.
Each in a process of its own, in interleaved rounds, client and server on one core; the median of
the rounds. `--write` puts them into RESULTS.md.
"""

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from benchmarks.environment import ROOT, python

CALLS = 3000
LOANS = ("nothing but the loan", "with one `select 1`")
Call = Callable[[], Awaitable[object]]


@asynccontextmanager
async def no_pool(url: str) -> AsyncIterator[tuple[Call, Call]]:
    """One connection, held all the time."""
    import asyncpg

    connection = await asyncpg.connect(url)

    async def lend() -> None:
        """Lend nothing: what the timing itself costs."""

    yield lend, lambda: connection.fetchval("select 1")
    await connection.close()


@asynccontextmanager
async def asyncpg_pool(url: str, **options: object) -> AsyncIterator[tuple[Call, Call]]:
    """asyncpg's own pool."""
    import asyncpg

    async with asyncpg.create_pool(url, min_size=1, max_size=10, **options) as pool:

        async def lend() -> None:
            async with pool.acquire():
                pass

        async def select() -> object:
            async with pool.acquire() as connection:
                return await connection.fetchval("select 1")

        yield lend, select


def asyncpg_without_reset(url: str) -> object:
    """asyncpg's own pool, with a reset that does nothing."""

    async def nothing(_: object) -> None:
        """Leave the connection as it is."""

    return asyncpg_pool(url, reset=nothing)


@asynccontextmanager
async def chatkeep(url: str) -> AsyncIterator[tuple[Call, Call]]:
    """Our own: a pop from a list."""
    from chatkeep.engine.pool import Pool, PoolOptions

    pool = Pool(PoolOptions())
    await pool.open(url)

    async def lend() -> None:
        pool.release(pool.take() or await pool.acquire())

    async def select() -> object:
        wire = pool.take() or await pool.acquire()
        value = await wire.fetchval("select 1")
        pool.release(wire)
        return value

    yield lend, select
    await pool.close()


@asynccontextmanager
async def psycopg_pool(url: str) -> AsyncIterator[tuple[Call, Call]]:
    """psycopg's pool; in autocommit, since its loan would end a transaction each time."""
    from psycopg_pool import AsyncConnectionPool

    options = {"autocommit": True, "prepare_threshold": 0}
    async with AsyncConnectionPool(url, min_size=1, max_size=10, kwargs=options) as pool:

        async def lend() -> None:
            async with pool.connection():
                pass

        async def select() -> object:
            async with pool.connection() as connection:
                return await (await connection.execute("select 1")).fetchone()

        yield lend, select


KINDS = {
    "no pool": no_pool,
    "asyncpg's pool": asyncpg_pool,
    "asyncpg's pool, reset off": asyncpg_without_reset,
    "psycopg_pool": psycopg_pool,
    "chatkeep's pool": chatkeep,
}


async def measure(kind: str, url: str) -> list[float]:
    """Time one kind: microseconds of a loan alone, and of a loan with a statement."""
    bytes(2**20)  # see benchmarks/README.md, glibc's allocator
    medians: list[float] = []
    async with KINDS[kind](url) as calls:
        for call in calls:
            times: list[float] = []
            for _ in range(CALLS):
                start = time.perf_counter()
                await call()
                times.append(time.perf_counter() - start)
            medians.append(statistics.median(times) * 1e6)
    return medians


def run(kind: str, url: str) -> list[float]:
    """Measure one kind in a process of its own."""
    interpreter = str(python()) if kind.startswith("psycopg") else sys.executable
    line = [interpreter, "-m", "benchmarks.pool", "measure", kind, url]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Run the rounds and print the table."""
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(asyncio.run(measure(*sys.argv[2:4]))))
        return
    from benchmarks import report
    from rich.console import Console
    from rich.table import Table

    rounds = int(next((word for word in sys.argv[1:] if word.isdigit()), "5"))
    found = compare(rounds)
    head = ("a loan, µs", *LOANS)
    rows = [
        [kind, *(f"{statistics.median(each):.1f}" for each in zip(*found[kind], strict=True))]
        for kind in KINDS
    ]
    table = Table(*head)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
    if "--write" in sys.argv:
        lines = ["", f"Medians of {rounds} rounds.", "", *report.table_lines(head, rows), "", ""]
        report.write_results("\n".join(lines), "pools")


def compare(rounds: int) -> dict[str, list[list[float]]]:
    """Run the rounds: each kind once in each, in shuffled order."""
    from benchmarks import data

    found: dict[str, list[list[float]]] = defaultdict(list)
    # What is started from now on inherits it: the server, its connections, the clients.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with data.server() as own:
        for _ in range(rounds):
            for kind in random.sample(list(KINDS), len(KINDS)):
                found[kind].append(run(kind, own.url()))
    return found


if __name__ == "__main__":
    main()
