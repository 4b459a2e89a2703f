"""What a search in one user's messages costs: ours beside ILIKE, the seed's index and pg_trgm.

    ./dev run python -m benchmarks.search               prints the tables, about half an hour
    ./dev run python -m benchmarks.search --write       and keeps them: benchmarks/SEARCH.md
    ./dev run python -m benchmarks.search --sizes 10000 little data

Twenty users are asked; each has 500 messages in 100 chats, the same words at each size. The others,
with as many messages each, fill the table; the messages of all users lie mixed, as they would have
come. Words are drawn from 30,000, the common ones often, as in a language (Zipf). The server is an
embedded one with `random_page_cost = 1.1`, all of it in memory.

Each user asks eight queries of every sort: rare and common words, two words, a phrase, a prefix, an
exclusion, and nothing that is there. A call of ours is the whole of it: reading the query, one
statement on messages and titles, ranking, snippets and highlights as records; `chats.list()` and the
two orders are timed by turns, so that their ratios hold whatever else the machine does. The other
three give the rows of 20 messages, the newest first, through asyncpg, prepared.
"""

import argparse
import asyncio
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import asyncpg
from benchmarks.search_cases import SCRIPTS, Script, english, ilike

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from chatkeep.server import EmbeddedServer

REPORT = Path(__file__).with_name("SEARCH.md")
SCHEMA = deepsearch.schema(prefix="x_")
INDEX = "x_message_search_idx"
OWN_USERS, OWN_MESSAGES, OWN_CHATS = 20, 500, 100
SIZES = (10_000, 100_000, 1_000_000)
INSERTS = 1000
WORDS = 30_000
_COMPARED = ("chats.list()", "chatkeep", 'chatkeep, order="newest"')  # timed by turns
START = datetime(2025, 1, 1, tzinfo=UTC)

Conditions = Callable[[str, int], tuple[str, list[str]]]
Call = Callable[[str, str], Awaitable[int]]


@dataclass(frozen=True)
class Way:
    """One of the others: its condition, and the index that serves it."""

    name: str
    condition: Conditions
    index: str | None = None


WAYS = (
    Way("ILIKE, no index of its own", ilike),
    Way(
        "the seed's GIN index, repaired",
        english,
        "CREATE INDEX other_idx ON x_message USING gin (to_tsvector('english', content))",
    ),
    Way(
        "pg_trgm",
        ilike,
        "CREATE INDEX other_idx ON x_message USING gin (content gin_trgm_ops)",
    ),
)


@dataclass
class Figures:
    """What was measured of one way at one size; times in microseconds.

    Attributes:
        p50: Of all queries.
        p95: Of all queries.
        index_bytes: Size of the index that serves it; 0 where it has none of its own.
        build_seconds: How long that took to build.
        insert: How much longer one insert takes with it.
        by_query: p50 and p95 of each sort of query.
    """

    p50: float
    p95: float
    index_bytes: int = 0
    build_seconds: float = 0.0
    insert: float = 0.0
    by_query: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])


class Texts:
    """Makes messages of a vocabulary; the same for the same seed."""

    def __init__(self) -> None:
        chances = random.Random(7)
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        weights = list(accumulate(1 / (n + 3) for n in range(len(letters))))
        words: dict[str, None] = {}
        while len(words) < WORDS:
            length = chances.randint(4, 11)
            words["".join(chances.choices(letters, cum_weights=weights, k=length))] = None
        self.words = list(words)
        self._weights = list(accumulate(1 / (n + 2.7) for n in range(WORDS)))

    def message(self, chances: random.Random) -> str:
        """Give a text of 5 to 400 words, 60 as a rule."""
        number = min(400, max(5, int(chances.lognormvariate(4.0, 0.7))))
        return " ".join(chances.choices(self.words, cum_weights=self._weights, k=number))


def queries(texts: Texts, own: Sequence[str], chances: random.Random) -> dict[str, str]:
    """Give one query of each sort, about words of these messages."""
    words = chances.choice(own).split()
    place = chances.randrange(len(words) - 1)
    rank = {word: number for number, word in enumerate(texts.words)}
    rare = max(words, key=lambda word: rank[word])
    return {
        "a rare word": rare,
        "a word in 1 of 100": texts.words[150],
        "a word in 1 of 3": texts.words[20],
        "two words": f"{texts.words[40]} {texts.words[60]}",
        "a phrase": f'"{words[place]} {words[place + 1]}"',
        "a prefix": f"{rare[:3]}*",
        "an exclusion": f"{texts.words[50]} -{texts.words[10]}",
        "nothing": "zzqqxxnothing",
    }


async def fill(connection: asyncpg.Connection, size: int, texts: Texts) -> dict[str, list[str]]:
    """Store chats and messages; give the texts of each user who is asked."""
    users = size // OWN_MESSAGES
    own: dict[str, list[str]] = {}
    sources = [random.Random(f"u{number}") for number in range(users)]

    def chats() -> Iterator[tuple[object, ...]]:
        for number in range(users):
            chances = random.Random(f"titles of u{number}")
            for chat in range(OWN_CHATS):
                title = " ".join(texts.message(chances).split()[:5])
                at = START + timedelta(minutes=chat)
                yield f"c{number}_{chat}", f"u{number}", title, at, at

    def messages() -> Iterator[tuple[object, ...]]:
        for place in range(OWN_MESSAGES):
            for number in range(users):
                text = texts.message(sources[number])
                if number < OWN_USERS:
                    own.setdefault(f"u{number}", []).append(text)
                chat = f"c{number}_{place % OWN_CHATS}"
                at = START + timedelta(minutes=place)
                yield f"m{number}_{place}", chat, f"u{number}", "user", text, at

    await connection.execute(
        "INSERT INTO x_user (id, email) SELECT 'u' || n, n || '@x' FROM generate_series(0, $1) n",
        users - 1,
    )
    await connection.copy_records_to_table(
        "x_chat", records=chats(), columns=["id", "user_id", "title", "created_at", "updated_at"]
    )
    await connection.copy_records_to_table(
        "x_message",
        records=messages(),
        columns=["id", "chat_id", "user_id", "role", "content", "created_at"],
    )
    return own


class Run:
    """Measures every way on one database."""

    def __init__(self, url: str, rounds: int) -> None:
        self.url = url
        self.rounds = rounds
        self.texts = Texts()
        self.asked: list[tuple[str, str, str]] = []

    async def all(self, size: int) -> dict[str, Figures]:
        """Give the figures of each way on so many messages."""
        await create_tables(SCHEMA, self.url)
        connection = await asyncpg.connect(self.url)
        await connection.execute("CREATE EXTENSION pg_trgm")
        definition = await connection.fetchval("SELECT pg_get_indexdef($1::regclass)", INDEX)
        await connection.execute(f"DROP INDEX {INDEX}")
        own = await fill(connection, size, self.texts)
        chances = random.Random(3)
        self.asked = [
            (user, sort, query)
            for user, texts in own.items()
            for sort, query in queries(self.texts, texts, chances).items()
        ]
        await connection.execute("SET maintenance_work_mem = '1GB'")
        await connection.execute("VACUUM ANALYZE")
        found = {way.name: await self._other(connection, way) for way in WAYS}
        without = await self._insert(connection, None)
        started = time.perf_counter()
        await connection.execute(definition)
        seconds = time.perf_counter() - started
        await connection.execute("ANALYZE x_message")
        found |= await self._ours()
        ours = found["chatkeep"]
        ours.build_seconds = seconds
        ours.index_bytes = await connection.fetchval("SELECT pg_relation_size($1::regclass)", INDEX)
        ours.insert = await self._insert(connection, None) - without
        await connection.close()
        return found

    async def _other(self, connection: asyncpg.Connection, way: Way) -> Figures:
        seconds = size = 0
        without = await self._insert(connection, None)
        if way.index:
            started = time.perf_counter()
            await connection.execute(way.index)
            seconds = time.perf_counter() - started
            size = await connection.fetchval("SELECT pg_relation_size('other_idx')")
        await connection.execute("ANALYZE x_message")

        async def call(user: str, query: str) -> int:
            condition, values = way.condition(query, 2)
            rows = await connection.fetch(  # which keeps it prepared
                "SELECT id, chat_id, role, content, created_at FROM x_message "
                f"WHERE user_id = $1 AND deleted_at IS NULL AND {condition} "
                "ORDER BY created_at DESC, id DESC LIMIT 20",
                user,
                *values,
            )
            return len(rows)

        figures = (await self._timed({way.name: call}))[way.name]
        figures.build_seconds, figures.index_bytes = seconds, size
        if way.index:
            inserted = await self._insert(connection, "other_idx")
            figures.insert = inserted - without
            await connection.execute("DROP INDEX other_idx")
        return figures

    async def _ours(self) -> dict[str, Figures]:
        async with Database(SCHEMA, self.url) as db:

            async def search(user: str, query: str) -> int:
                return len((await db.as_user(user).search(query)).items)

            async def newest(user: str, query: str) -> int:
                return len((await db.as_user(user).search(query, order="newest")).items)

            async def chats(user: str, _query: str) -> int:
                return len((await db.as_user(user).chats.list()).items)

            calls = {"chats.list()": chats, "chatkeep": search, 'chatkeep, order="newest"': newest}
            return await self._timed(calls)

    async def _timed(self, calls: Mapping[str, Call]) -> dict[str, Figures]:
        """Time calls that are compared by turns, so that what else the machine does meets all."""
        taken: dict[str, dict[str, list[float]]] = {name: {} for name in calls}
        for number in range(self.rounds + 1):
            for user, sort, query in self.asked:
                for name, call in calls.items():
                    started = time.perf_counter()
                    await call(user, query)
                    seconds = time.perf_counter() - started
                    if number:  # the first round warms up
                        taken[name].setdefault(sort, []).append(seconds * 1e6)
        return {name: _figures(sorts) for name, sorts in taken.items()}

    async def _insert(self, connection: asyncpg.Connection, pending: str | None) -> float:
        """Give the microseconds that PostgreSQL takes for one insert; what it put off is counted."""
        chances = random.Random(5)
        rows = [
            (f"new{n}", self.texts.message(chances), START + timedelta(days=400))
            for n in range(INSERTS)
        ]
        statement = await connection.prepare(
            "INSERT INTO x_message (id, chat_id, user_id, role, content, created_at)"
            " VALUES ($1, 'c0_0', 'u0', 'user', $2, $3)"
        )
        started = time.perf_counter()
        async with connection.transaction():
            for row in rows:
                await statement.fetch(*row)
        if pending:
            await connection.execute("SELECT gin_clean_pending_list($1::regclass)", pending)
        seconds = time.perf_counter() - started
        await connection.execute("DELETE FROM x_message WHERE chat_id = 'c0_0' AND id LIKE 'new%'")
        return seconds / INSERTS * 1e6


def _figures(sorts: Mapping[str, Sequence[float]]) -> Figures:
    every = [time for times in sorts.values() for time in times]
    by_query = {
        sort: (statistics.median(times), percentile(times, 95)) for sort, times in sorts.items()
    }
    return Figures(statistics.median(every), percentile(every, 95), by_query=by_query)


def percentile(values: Sequence[float], percent: int) -> float:
    """Give the value that so many percent stay below."""
    return statistics.quantiles(values, n=100)[percent - 1]


async def tell_found(url: str) -> dict[str, dict[str, list[str]]]:
    """Ask the 60 queries in each way; give what each query found, by script and way."""
    await create_tables(SCHEMA, url)
    connection = await asyncpg.connect(url)
    told: dict[str, dict[str, list[str]]] = {}
    async with Database(SCHEMA, url) as db:
        for script in SCRIPTS:
            told[script.name] = await _found_in(db, connection, script)
    await connection.close()
    return told


async def _found_in(
    db: Database, connection: asyncpg.Connection, script: Script
) -> dict[str, list[str]]:
    user = script.name
    await connection.execute("INSERT INTO x_user (id, email) VALUES ($1, $1)", user)
    await connection.execute("INSERT INTO x_chat (id, user_id, title) VALUES ($1, $1, '-')", user)
    for name, text in script.texts.items():
        await connection.execute(
            "INSERT INTO x_message (id, chat_id, user_id, role, content)"
            " VALUES ($1 || $2, $1, $1, 'user', $3)",
            user,
            name,
            text,
        )
    found: dict[str, list[str]] = {"chatkeep": [], "ILIKE and pg_trgm": [], "the seed's index": []}
    for query in script.queries:
        page = await db.as_user(user).search(query)
        found["chatkeep"].append(_names(hit.message_id or "" for hit in page.items))
        for way, make in (("ILIKE and pg_trgm", ilike), ("the seed's index", english)):
            condition, values = make(query, 2)
            rows = await connection.fetch(
                f"SELECT id FROM x_message WHERE user_id = $1 AND {condition}", user, *values
            )
            found[way].append(_names(row["id"] for row in rows))
    return found


def _names(ids: Iterator[str]) -> str:
    return "".join(sorted(id_[-1] for id_ in ids))


def found_table(told: dict[str, dict[str, list[str]]]) -> str:
    """Write what was found and missed as a table."""
    ways = list(next(iter(told.values())))
    lines = [
        "| script | queries | " + " | ".join(ways) + " |",
        "|---|--:|" + "---|" * len(ways),
    ]
    totals = dict.fromkeys(ways, 0)
    for script in SCRIPTS:
        cells: list[str] = []
        for way in ways:
            pairs = list(zip(script.queries.values(), told[script.name][way], strict=True))
            right = sum(wanted == found for wanted, found in pairs)
            missed = sum(bool(set(wanted) - set(found)) for wanted, found in pairs)
            wrong = sum(bool(set(found) - set(wanted)) for wanted, found in pairs)
            totals[way] += right
            rest = ", ".join(
                f"{count} {word}"
                for count, word in ((missed, "missed"), (wrong, "too much"))
                if count
            )
            cells.append(f"{right}{f' ({rest})' if rest else ''}")
        lines.append(f"| {script.name} | {len(script.queries)} | " + " | ".join(cells) + " |")
    total = sum(len(script.queries) for script in SCRIPTS)
    lines.append(f"| all | {total} | " + " | ".join(str(totals[way]) for way in ways) + " |")
    return "\n".join(lines)


def speed_table(sizes: dict[int, dict[str, Figures]]) -> str:
    """Write the figures as tables."""
    lines: list[str] = []
    for size, found in sizes.items():
        listed = found["chats.list()"]
        lines += [
            f"### {size:,} messages, {size // OWN_MESSAGES:,} users",
            "",
            "| way | p50 | p95 | p50, p95 beside `chats.list()` | index | built in | more for an insert |",
            "|---|--:|--:|--:|--:|--:|--:|",
        ]
        for name, figures in found.items():
            has_index = figures.index_bytes > 0
            cells = (
                name,
                f"{figures.p50:,.0f} µs",
                f"{figures.p95:,.0f} µs",
                f"{figures.p50 / listed.p50:.1f}, {figures.p95 / listed.p95:.1f}"
                if name in _COMPARED
                else "",
                f"{figures.index_bytes / 2**20:,.0f} MB" if has_index else "",
                f"{figures.build_seconds:,.1f} s" if has_index else "",
                f"{figures.insert:,.0f} µs" if has_index else "",
            )
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    found = sizes[max(sizes)]
    ways = list(found)
    lines += [
        f"p50 and p95 by query, at {max(sizes):,} messages, in µs (`chats.list()` knows no query):",
        "",
        "| query | " + " | ".join(ways) + " |",
        "|---|" + "--:|" * len(ways),
    ]
    for sort in found["chatkeep"].by_query:
        pairs = (found[way].by_query[sort] for way in ways)
        cells = (f"{p50:,.0f} / {p95:,.0f}" for p50, p95 in pairs)
        lines.append(f"| {sort} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


async def main() -> None:
    """Measure, print, and keep it if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    sizes: dict[int, dict[str, Figures]] = {}
    with tempfile.TemporaryDirectory(prefix="chatkeep-search-") as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        try:
            admin = await asyncpg.connect(server.url())
            await admin.execute("ALTER SYSTEM SET random_page_cost = 1.1")
            await admin.execute("ALTER SYSTEM SET jit = off")
            await admin.execute("ALTER SYSTEM SET synchronous_commit = off")
            await admin.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
            await admin.execute("SELECT pg_reload_conf()")
            version = await admin.fetchval("SHOW server_version")
            for size in map(int, args.sizes.split(",")):
                await admin.execute(f"CREATE DATABASE s{size}")
                run = Run(server.url(f"s{size}"), args.rounds)
                sizes[size] = await run.all(size)
                print(speed_table({size: sizes[size]}), flush=True)
            await admin.execute("CREATE DATABASE scripts")
            told = await tell_found(server.url("scripts"))
            await admin.close()
        finally:
            server.stop()
    found = found_table(told)
    print(found)
    if args.write:
        machine = f"PostgreSQL {version}; Linux on 2 cores, Python {platform.python_version()}"
        REPORT.write_text(report(found, speed_table(sizes), machine), encoding="utf-8")


def report(found: str, speed: str, machine: str) -> str:
    """Give the page."""
    return f"""# Search in one user's messages

Written by `./dev run python -m benchmarks.search --write`; its text says what is measured.
{machine}.

## What is found

60 queries in ten scripts, and for each the messages that somebody means by it
(`benchmarks/search_cases.py`). A cell counts the queries whose answer was exactly that; in brackets,
how many missed some, and how many gave others too. ILIKE asks for each word of the query and pg_trgm
makes that faster; the seed's index is its `to_tsvector`, quoted and with a configuration, asked by
`websearch_to_tsquery('english', ...)`.

{found}

## What it costs

{speed}
"""


if __name__ == "__main__":
    asyncio.run(main())
