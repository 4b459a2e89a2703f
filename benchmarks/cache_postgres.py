"""The cache's tier in PostgreSQL beside the bare driver: what a hit costs there, and what keeping costs.

    ./dev run python -m benchmarks.cache_postgres            prints the table, about a minute
    ./dev run python -m benchmarks.cache_postgres --quick    a look, some seconds

One process, one connection, everything on one core, an embedded server with 20,000 searches of ten
results, about 3 kB each. The bare driver sends the very statement that chatkeep sends, prepared, on a
connection of its own; by hand it also decodes the JSON with msgspec into dictionaries, looks at the
times, and bounds the call with `asyncio.timeout`, without which a server that says nothing holds the
request. Pieces of 50 ms by turns, in shuffled order; a ratio is that of two turns of one round, and
the table has the median of the rounds.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from benchmarks.auth import Call, place, turn
from benchmarks.worker import settle_allocator

from chatkeep import Database
from chatkeep.access.catalogue import catalogue_of
from chatkeep.cache.entries import Entry, Key
from chatkeep.cache.keys import make_key
from chatkeep.cache.postgres_place import POSTGRES_TIMEOUT, PostgresPlace
from chatkeep.cache.postgres_queries import cache_queries
from chatkeep.cache.postgres_tier import PostgresTier, _values
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from chatkeep.records.search_cache import SearchResult
from chatkeep.server import EmbeddedServer

SEARCHES = 20_000
TURN_SECONDS = 0.05
LIMIT = 1.15  # the access layer's promise beside the bare driver
SCHEMA = deepsearch.schema(prefix="x_")
QUERIES = cache_queries(catalogue_of(SCHEMA))
DAY = timedelta(days=1).total_seconds()

_decode = msgspec.json.Decoder().decode


@dataclass
class Case:
    """One call: ours, the bare statement, and what a program does by hand for the same answer."""

    name: str
    calls: dict[str, Call]
    arguments: Sequence[Any]
    times: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    ratios: dict[str, list[float]] = field(default_factory=dict[str, list[float]])


def entry_of(draw: random.Random) -> Entry:
    """Ten results as a provider gives them; one has more than the usual fields."""
    words = ["postgres", "database", "cache", "search", "results", "of", "a", "page", "and"]
    results = tuple(
        SearchResult(
            title=" ".join(draw.choices(words, k=8)),
            link=f"https://example.com/{draw.randrange(10**9)}",
            snippet=" ".join(draw.choices(words, k=30)),
            position=n + 1,
            date="Nov 21, 2026",
            extra={"sitelinks": [{"title": "More", "link": "https://example.com"}]}
            if n == 0
            else {},
        )
        for n in range(10)
    )
    now = time.time()
    extra = b'{"searchParameters":{"q":"postgres","num":10},"credits":1}'
    return Entry(results, extra, now, now + DAY, now + 8 * DAY)


async def cases_of(url: str, db: Database[Any, Any, Any, Any]) -> list[Case]:
    """A hit, a miss, and keeping an entry that is there already."""
    draw = random.Random(5)
    tier = PostgresTier(PostgresPlace(db._runner), QUERIES)  # noqa: SLF001 - what `db.search_cache` asks
    keys = [make_key(f"query {n}", "serper", "en") for n in range(SEARCHES)]
    for start in range(0, SEARCHES, 8):
        await asyncio.gather(*(tier.put(key, entry_of(draw)) for key in keys[start : start + 8]))
    connection = await asyncpg.connect(url)
    await connection.execute("VACUUM ANALYZE")
    get = await connection.prepare(QUERIES.get.statement.sql)
    put = await connection.prepare(QUERIES.put.statement.sql)
    seconds = POSTGRES_TIMEOUT.total_seconds()

    async def bare(key: Key) -> Any:
        return await get.fetchrow(key.hash)

    async def decoded(key: Key) -> Any:
        row = await get.fetchrow(key.hash)
        return None if row is None else _decode(row["results"])

    async def by_hand(key: Key) -> Any:
        async with asyncio.timeout(seconds):
            row = await get.fetchrow(key.hash)
        if row is None or row["stale_until"] <= datetime.now(UTC):
            return None
        return _decode(row["results"])["organic"], row["expires_at"]

    kept = [(key, entry_of(draw)) for key in draw.sample(keys, 500)]
    written = {key: QUERIES.put.statement.arguments(_values(key, entry)) for key, entry in kept}

    async def ours_put(pair: tuple[Key, Entry]) -> Any:
        return await tier.put(*pair)

    async def bare_put(pair: tuple[Key, Entry]) -> Any:
        return await put.fetchrow(*written[pair[0]])

    reads: dict[str, Call] = {
        "ours": tier.get, "bare": bare, "decoded": decoded, "by hand": by_hand,
    }  # fmt: skip
    missing = [make_key(f"never {n}", "serper", "en") for n in range(500)]
    return [
        Case("hit, 10 results", reads, draw.sample(keys, 2000)),
        Case("miss", reads, missing),
        Case("put over an entry", {"ours": ours_put, "bare": bare_put}, kept),
    ]


async def measure(cases: Sequence[Case], rounds: int) -> None:
    """Take turns; the first round is not counted."""
    draw = random.Random(7)
    for number in range(rounds + 1):
        for case in draw.sample(cases, len(cases)):
            some = draw.sample(case.arguments, 200)
            took: dict[str, float] = {}
            for name in draw.sample(list(case.calls), len(case.calls)):
                took[name] = await turn(case.calls[name], some, TURN_SECONDS)
            for name, value in took.items() if number else ():
                case.times.setdefault(name, []).append(value)
                case.ratios.setdefault(name, []).append(took["ours"] / value)


def table(cases: Sequence[Case]) -> str:
    """The medians, with the middle four fifths of the rounds."""
    head = "call", "chatkeep, p50", "bare statement", "ratio", "its JSON decoded too", "ratio"
    lines = [f"| {' | '.join((*head, 'the same by hand', 'ratio'))} |", "|---|" + "--:|" * 7]
    for case in cases:
        cells = [case.name, f"{statistics.median(case.times['ours']):.1f} µs"]
        for name in ("bare", "decoded", "by hand"):
            cells += _cells(case, name)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cells(case: Case, name: str) -> list[str]:
    if name not in case.times:
        return ["", ""]
    ratios = sorted(case.ratios[name])
    low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
    median = statistics.median(case.times[name])
    return [f"{median:.1f} µs", f"**{statistics.median(ratios):.2f}** ({low:.2f} to {high:.2f})"]


async def measured(rounds: int) -> str:
    """Start a server, fill it, and give the table."""
    with tempfile.TemporaryDirectory(prefix="chatkeep-cache-") as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        before = os.sched_getaffinity(0)
        try:
            await create_tables(SCHEMA, server.url())
            async with Database(SCHEMA, server.url()) as db:
                cases = await cases_of(server.url(), db)
                place(server, min(before))
                await measure(cases, rounds)
        finally:
            os.sched_setaffinity(0, before)
            server.stop()
    return table(cases)


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    settle_allocator()
    print(await measured(10 if args.quick else 100))


if __name__ == "__main__":
    asyncio.run(main())
