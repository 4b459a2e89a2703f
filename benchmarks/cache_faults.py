"""What requests cost while Redis fails in ten ways: `benchmarks/CACHE.md`.

    ./dev run python -m benchmarks.cache_faults            prints a table, under a minute
    ./dev run python -m benchmarks.cache_faults --write    and keeps it: benchmarks/CACHE.md

32 clients ask the search cache without pause, each for one of 40 searches that were made before and,
while Redis begins to fail, every tenth time for a new one. The tier in memory is off: else hardly
anybody would ask Redis. Redis is Debian's, PostgreSQL the embedded one, everything on one machine.

- struck: the 1,500 requests amid which it happens;
- after: 3,000 further ones, with the breaker open where Redis is away;
- PostgreSQL alone: the same requests without a URL of Redis.
"""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1] / "tests")
)  # servers stand with the tests

import asyncpg

from chatkeep import Database, SearchCacheOptions
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from chatkeep.server import EmbeddedServer
from fixtures.proxy import FaultProxy
from fixtures.redis import redis_program, serving
from fixtures.redis_faults import CLIENTS, FAULTS, Leg, Scene, Traffic

REPORT = Path(__file__).with_name("CACHE.md")
MARK = "<!-- faults of Redis -->"
SCHEMA = deepsearch.schema(prefix="x_")
STRUCK, AFTER = 1_500, 3_000


@dataclass
class Figures:
    """Of one scenario."""

    name: str
    struck: Leg
    after: Leg
    fetches: int
    twice: int

    def row(self) -> str:
        """A line of the table."""
        failed = len(self.struck.failed) + len(self.after.failed)
        wrong = len(self.struck.wrong) + len(self.after.wrong)
        where = ", ".join(f"{name} {count}" for name, count in sorted(self.after.tiers.items()))
        return (
            f"| {self.name} | {failed} | {wrong} | {_times(self.struck)} | {_times(self.after)} "
            f"| {where} | {self.fetches} | {self.twice} |"
        )


def _times(leg: Leg) -> str:
    return " | ".join(f"{leg.worst(share):.1f}" for share in (50, 99, 100))


HEAD = """\
| Redis | failed | wrong | struck: p50 | p99 | max | after: p50 | p99 | max | after: answered by | \
fetches | fetched twice |
|---|--:|--:|--:|--:|--:|--:|--:|--:|---|--:|--:|"""


@asynccontextmanager
async def opened(url: str, redis_url: str | None, bound: float) -> AsyncIterator[Database]:
    """Open the cache over empty tables."""
    connection = await asyncpg.connect(url)
    await connection.execute("TRUNCATE x_search_cache")
    await connection.close()
    options = SearchCacheOptions(
        redis_url=redis_url,
        memory_bytes=0,
        refresh_early=0,
        redis_timeout=timedelta(seconds=bound),
    )
    async with Database(SCHEMA, url, search_cache=options) as db:
        yield db


async def measured(name: str, url: str, scene: Scene | None, bound: float) -> Figures:
    """Run one scenario."""
    strikes = FAULTS.get(name)
    if name == "refused" and scene is not None and strikes is not None:
        strikes(scene)
        strikes = None
    async with opened(url, scene.url(name) if scene else None, bound) as db:
        traffic = Traffic(db)
        await traffic.warm()
        strike = (lambda: strikes(scene)) if strikes and scene else None
        struck = await traffic.run(STRUCK, new=0.1, strike=strike)
        after = await traffic.run(AFTER)
    twice = sum(count - 1 for count in traffic.fetched.values())
    return Figures(name, struck, after, traffic.fetched.total(), twice)


async def measure(url: str, bound: float) -> list[Figures]:
    """Run all of them, one after the other."""
    os.environ.pop("REDIS_URL", None)
    figures = [await measured("none: PostgreSQL alone", url, None, bound)]
    servers = serving(redis_program())
    server = next(servers)
    for name in ("well", *FAULTS):
        server.mend()
        proxy = FaultProxy(server.folder / "redis.sock")
        await proxy.start()
        figures.append(await measured(name, url, Scene(server, proxy), bound))
        await proxy.stop()
        print(figures[-1].row(), flush=True)
    server.mend()
    next(servers, None)
    return figures


def report(figures: dict[float, list[Figures]]) -> str:
    """Give the section of the report."""
    default = SearchCacheOptions().redis_timeout.total_seconds()
    parts = [MARK, "", "## While Redis fails", "", _prose(), ""]
    for bound, rows in figures.items():
        said = ", as it is unless told otherwise" if bound == default else ""
        parts += [f"`redis_timeout` {bound * 1000:g} ms{said}; times in milliseconds:", ""]
        parts += [HEAD, *(row.row() for row in rows), ""]
    parts += [MARK, ""]
    return "\n".join(parts)


def _prose() -> str:
    machine = (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f}"  # of ours about 2: the rest is other work
    )
    return (
        f"{CLIENTS} clients ask without pause for one of 40 searches, the tier in memory is off "
        f"(`python -m benchmarks.cache_faults`; {machine}). *Struck* are the {STRUCK:,} requests "
        "amid which it happens, every tenth of them for a search that nobody made before; *after* "
        f"are the {AFTER:,} that follow. Clients, servers and PostgreSQL share the machine: what "
        "counts is the distance from the row without Redis."
    )


def keep(section: str) -> None:
    """Put the section into the report, in place of the one before."""
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else "# The search cache\n\n"
    if MARK in text:
        before, _, after = text.split(MARK)
        text = before + section.rstrip("\n") + after
    else:
        text = text.rstrip("\n") + "\n\n" + section
    REPORT.write_text(text, encoding="utf-8")


async def main() -> None:
    """Measure, print, and keep it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep it: benchmarks/CACHE.md")
    parser.add_argument("--timeouts", default="0.25", help="seconds, one table for each")
    args = parser.parse_args()
    figures: dict[float, list[Figures]] = {}
    with tempfile.TemporaryDirectory() as folder:
        lease = await asyncio.to_thread(EmbeddedServer(Path(folder)).acquire)
        try:
            await create_tables(SCHEMA, lease.url)
            for bound in map(float, args.timeouts.split(",")):
                figures[bound] = await measure(lease.url, bound)
        finally:
            await asyncio.to_thread(lease.close)
    section = report(figures)
    print(section)
    if args.write:
        keep(section)


if __name__ == "__main__":
    asyncio.run(main())
