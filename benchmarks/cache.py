"""What the search cache costs: a hit of each tier and a miss, beside the bare drivers and other caches.

    ./dev run python -m benchmarks.cache            prints the tables, about two minutes
    ./dev run python -m benchmarks.cache --write    and keeps them: benchmarks/CACHE.md
    ./dev run python -m benchmarks.cache --quick    a look, some seconds

One call after the other; the process, Redis and PostgreSQL share one core. Searches have ten results,
about 3 kB. Ours is the whole call, `await db.search_cache.get_or_fetch(...)`, in a database opened
as usual but for the tiers: events are counted, times are bounded, results are built and checked.

- Redis: bare redis-py `GET` of the very bytes that ours reads; by hand also decoded by msgspec.
- PostgreSQL: the very statement that ours sends, prepared, on a connection of the driver's own.
- cashews and aiocache: their decorators on the same Redis, in a process with packages of its own
  (`.venv-cache/`, from `cache.txt`).

Pieces of 50 ms by turns, in shuffled order; a ratio is that of two turns of one round, and the table
has the median of the rounds.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1] / "tests")
)  # servers stand with the tests

import asyncpg
import msgspec
import redis.asyncio
from benchmarks import environment
from benchmarks.auth import place as on_one_core
from benchmarks.cache_peers import AT_ONCE, PEERS, QUERIES, found, misses, turn
from benchmarks.worker import settle_allocator

from chatkeep import Database, SearchCacheOptions
from chatkeep.access.catalogue import catalogue_of
from chatkeep.cache.keys import make_key
from chatkeep.cache.postgres_queries import cache_queries
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from chatkeep.server import EmbeddedServer
from fixtures.redis import RedisServer, redis_program, serving

REPORT = Path(__file__).with_name("CACHE.md")
MARK = "<!-- what calls cost -->"
SCHEMA = deepsearch.schema(prefix="x_")
OPTIONS = {"num": 10, "gl": "de"}
TURN_SECONDS = 0.05

Measured = Callable[[float], Awaitable[float]]


@dataclass
class Case:
    """What is measured against each other.

    Attributes:
        ways: Each takes seconds, gives microseconds a call; the first one is ours.
        goal: Of ours, in microseconds, or beside the second way.
    """

    name: str
    ways: dict[str, Measured]
    goal: str = ""
    times: dict[str, list[float]] = field(default_factory=dict[str, list[float]])


class Peers:
    """The process of the other caches."""

    def __init__(self, port: int) -> None:
        interpreter = _environment()
        self.process = subprocess.Popen(
            [interpreter, Path(__file__).with_name("cache_peers.py"), str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.versions: dict[str, str] = self._read()

    def measured(self, peer: str, place: str) -> Measured:
        """Give the way to measure one of them."""

        async def measure(seconds: float) -> float:
            assert self.process.stdin is not None
            told = {"peer": peer, "place": place, "seconds": seconds}
            self.process.stdin.write(json.dumps(told) + "\n")
            self.process.stdin.flush()
            return await asyncio.to_thread(self._read)

        return measure

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _read(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())


def _environment() -> Path:
    folder, lock = environment.ROOT / ".venv-cache", environment.HERE / "cache.txt"
    interpreter, mark = folder / "bin" / "python", folder / "lock.sha256"
    if not environment.is_current(mark, lock):
        if not interpreter.exists():
            venv.create(folder, with_pip=True)
        command = [interpreter, "-m", "pip", "install", "-q", "--require-hashes", "-r", lock]
        subprocess.run([str(word) for word in command], check=True)
        environment.note(mark, lock)
    return interpreter


async def fetch() -> dict[str, Any]:
    """Search, at once."""
    return found()


def timed(call: Callable[[str], Awaitable[Any]], at_once: int = 1) -> Measured:
    """Give the way to measure hits."""
    return lambda seconds: turn(call, QUERIES, seconds, at_once)


@asynccontextmanager
async def opened(url: str, tier: str, redis_url: str | None) -> AsyncIterator[Database]:
    """Open a database whose searches are answered by this tier, and have it hold all of them."""
    more: dict[str, Any] = {} if tier == "memory" else {"memory_bytes": 0}
    options = SearchCacheOptions(redis_url=redis_url, **more)
    async with Database(SCHEMA, url, search_cache=options) as db:
        for query in QUERIES:
            await db.search_cache.put(query, found())
            await db.search_cache.put(query, found(), options=OPTIONS)
            kept = await db.search_cache.get_or_fetch(query, fetch)
            assert (kept.tier, kept.outcome, len(kept)) == (tier, "hit", 10)
        yield db


def memory_cases(db: Database, peers: Peers) -> list[Case]:
    """A hit in the process, by the shortest call and by one that says everything."""
    cache = db.search_cache

    async def said(query: str) -> Any:
        return await cache.get_or_fetch(
            query, fetch, provider="serper", locale="en", options=OPTIONS
        )

    others = {peer: peers.measured(peer, "memory") for peer in PEERS}
    plain = timed(lambda query: cache.get_or_fetch(query, fetch), AT_ONCE)
    return [
        Case("hit in the process", {"chatkeep": plain, **others}, "under 5 µs"),
        Case(
            "the same, provider, locale and options said", {"chatkeep": timed(said, AT_ONCE)},
            "under 5 µs",
        ),
    ]  # fmt: skip


def redis_case(db: Database, client: redis.asyncio.Redis, peers: Peers) -> Case:
    """A hit in Redis."""
    names = {query: f"x_:v1:{make_key(query, 'serper', 'en').hash.hex()}" for query in QUERIES}
    decode = msgspec.msgpack.Decoder().decode

    async def bare(query: str) -> Any:
        return await client.get(names[query])

    async def by_hand(query: str) -> Any:
        return decode((await client.get(names[query]))[3:])

    cache = db.search_cache
    return Case(
        "hit in Redis",
        {
            "chatkeep": timed(lambda query: cache.get_or_fetch(query, fetch)),
            "bare": timed(bare),
            "bare, and its bytes decoded": timed(by_hand),
            **{peer: peers.measured(peer, "redis") for peer in PEERS},
        },
        "at most 1.3 times bare",
    )


async def postgres_case(db: Database, connection: asyncpg.Connection) -> Case:
    """A hit in PostgreSQL."""
    get = await connection.prepare(cache_queries(catalogue_of(SCHEMA)).get.statement.sql)
    hashes = {query: make_key(query, "serper", "en").hash for query in QUERIES}
    decode = msgspec.json.Decoder().decode

    async def bare(query: str) -> Any:
        return await get.fetchrow(hashes[query])

    async def by_hand(query: str) -> Any:
        async with asyncio.timeout(1):
            row = await get.fetchrow(hashes[query])
        assert row is not None
        return row["expires_at"] > datetime.now(UTC) and decode(row["results"])

    cache = db.search_cache
    return Case(
        "hit in PostgreSQL",
        {
            "chatkeep": timed(lambda query: cache.get_or_fetch(query, fetch)),
            "bare": timed(bare),
            "bare in a time-out, its JSON decoded": timed(by_hand),
        },
        "at most 1.15 times bare",
    )


def miss_case(name: str, db: Database, ways: dict[str, Measured]) -> Case:
    """A search that nobody has: until it is answered, and until all is kept as well."""
    numbers, cache, background = count(), db.search_cache, db._runner.background  # noqa: SLF001

    async def measure(seconds: float) -> float:
        began = asyncio.get_running_loop().time()
        new = (f"{name} {next(numbers)}" for _ in count())
        answered, calls = await misses(lambda query: cache.get_or_fetch(query, fetch), new, seconds)
        while tasks := background._saving:  # noqa: SLF001 - what is written beside the calls
            await asyncio.wait(tasks)
        whole.append((asyncio.get_running_loop().time() - began) / calls * 1e6)
        return answered

    async def kept(_: float) -> float:  # of the turn before
        return whole[-1]

    whole = [0.0]
    return Case(name, {"chatkeep": measure, "chatkeep, until it is kept": kept, **ways})


async def measure(cases: list[Case], rounds: int) -> None:
    """Take turns; the first round is not counted."""
    draw = random.Random(7)
    for number in range(rounds + 1):
        for case in draw.sample(cases, len(cases)):
            names = draw.sample(list(case.ways), len(case.ways))
            names.sort(key=lambda name: name.endswith("kept"))
            for name in names:
                took = await case.ways[name](TURN_SECONDS)
                if number:
                    case.times.setdefault(name, []).append(took)


def table(cases: list[Case]) -> str:
    """The medians; in brackets the middle four fifths of the rounds."""
    lines = [
        "| call | by | time | chatkeep's by this one's | goal of chatkeep |",
        "|---|---|--:|--:|---|",
    ]
    for case in cases:
        ours = case.times["chatkeep"]
        for name, times in ((way, case.times[way]) for way in case.ways):
            ratios = sorted(one / other for one, other in zip(ours, times, strict=True))
            low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
            ratio = f"**{statistics.median(ratios):.2f}** ({low:.2f} to {high:.2f})"
            first = name == "chatkeep"
            lines.append(
                f"| {case.name if first else ''} | {name} | {statistics.median(times):.1f} µs "
                f"| {'' if name.startswith('chatkeep') else ratio} | {case.goal if first else ''} |"
            )
    return "\n".join(lines)


@contextmanager
def servers() -> Iterator[tuple[EmbeddedServer, RedisServer]]:
    """Start both."""
    with tempfile.TemporaryDirectory(prefix="chatkeep-cache-") as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        running = serving(redis_program())
        try:
            yield server, next(running)
        finally:
            next(running, None)
            server.stop()


async def measured(rounds: int) -> tuple[str, str]:
    """Fill the caches, take turns, and give the table and the versions."""
    before = os.sched_getaffinity(0)
    with servers() as (server, redis_server):
        url = server.url()
        await create_tables(SCHEMA, url)
        peers = Peers(redis_server.port)
        try:
            async with AsyncExitStack() as stack:
                enter = stack.enter_async_context
                memory = await enter(opened(url, "memory", None))
                of_redis = await enter(opened(url, "redis", redis_server.url))
                postgres = await enter(opened(url, "postgres", None))
                client = await enter(redis.asyncio.Redis(port=redis_server.port))
                connection = await asyncpg.connect(url)
                await connection.execute("VACUUM ANALYZE")
                others = {peer: peers.measured(peer, "miss") for peer in PEERS}
                cases = [
                    *memory_cases(memory, peers),
                    redis_case(of_redis, client, peers),
                    await postgres_case(postgres, connection),
                    miss_case("miss, Redis and PostgreSQL", of_redis, others),
                    miss_case("miss, PostgreSQL alone", postgres, {}),
                ]
                on_one_core(server, min(before))
                for pid in (peers.process.pid, redis_server.pid):
                    os.sched_setaffinity(pid, {min(before)})
                await measure(cases, rounds)
                said = await connection.fetchval("SHOW server_version")
                info = await client.info("server")
                await connection.close()
        finally:
            os.sched_setaffinity(0, before)
            peers.close()
    return table(cases), _versions(str(said), str(info["redis_version"]), peers.versions)


def _versions(postgres: str, server: str, others: dict[str, str]) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("redis", "asyncpg", "msgspec"))
    peers = ", ".join(f"{name} {number}" for name, number in others.items())
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: PostgreSQL {postgres} (embedded), Redis {server}, Python "
        f"{platform.python_version()}, {packages}, {peers}; {platform.system()} on "
        f"{os.cpu_count()} cores"
    )


def report(rows: str, machine: str) -> str:
    """Give the section of the report."""
    return f"""{MARK}

## What calls cost

Written by `./dev run python -m benchmarks.cache --write`, whose text says what is measured.
{machine}.

{rows}

In brackets: the middle four fifths of the rounds; other work went on beside. A hit in PostgreSQL
misses its goal: the statement itself takes as long as the driver's, and the rest goes into decoding
3 kB of JSON, building ten results, and one look for all callers at once; on one core with the
server, whose work drives that code out of the processor's caches, it takes three times as long as
alone. cashews and aiocache give a hit in memory as the
object that was stored, which a caller can change for all others. A miss is answered when the
search is; ours then keeps it in Redis and PostgreSQL and gives back the lock that kept other
processes from fetching as well, while cashews and aiocache write to Redis, without such a lock,
before they answer.

{MARK}"""


def keep(section: str) -> None:
    """Put the section into the report, in place of the one before."""
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else "# The search cache\n"
    if MARK in text:
        before, _, after = text.split(MARK)
        text = before + section + after
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    REPORT.write_text(text, encoding="utf-8")


async def main() -> None:
    """Measure, print, and keep it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--write", action="store_true", help="keep it: benchmarks/CACHE.md")
    args = parser.parse_args()
    os.environ.pop("REDIS_URL", None)
    settle_allocator()
    section = report(*await measured(8 if args.quick else 40))
    print(section)
    if args.write:
        keep(section)


if __name__ == "__main__":
    asyncio.run(main())
