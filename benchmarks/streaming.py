"""What it costs to store an answer while it is written: ours beside the two naive ways.

    ./dev run python -m benchmarks.streaming            prints a table, about five minutes
    ./dev run python -m benchmarks.streaming --write    and keeps it: benchmarks/STREAMING.md

An answer of 10,000 tokens (50 tokens a second, 4 characters each on average) is stored on an embedded
server with `fsync` on. What it wrote is what PostgreSQL counts: bytes and records of the WAL
(`pg_stat_wal`), rows and dead rows (`pg_stat_user_tables`). Time is compressed: between two flushes of
250 ms lie as many tokens as a model gives in 250 ms, and nobody waits for the clock.

- ours: one piece inserted at each flush, the whole written once, at the end;
- whole at each flush: `UPDATE message SET content = <all so far>` every 250 ms;
- whole at each token: the same for each token.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg

from chatkeep import Database, NewUser
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from chatkeep.server import EmbeddedServer

REPORT = Path(__file__).with_name("STREAMING.md")
TOKENS = 10_000
TOKENS_A_SECOND = 50
WINDOW = 0.25
A_FLUSH = int(TOKENS_A_SECOND * WINDOW)
SCHEMA = deepsearch.schema(prefix="x_")
TABLES = ("x_message", "x_message_chunk", "x_running_answer", "x_chat")


@dataclass
class Cost:
    """What storing one answer cost."""

    name: str
    statements: int
    wal_bytes: int
    wal_records: int
    rows: int
    dead: int
    seconds: float


def tokens() -> list[str]:
    """Give an answer: words of one to seven letters from a large alphabet."""
    chances = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ["".join(chances.choices(letters, k=chances.randint(1, 6))) + " " for _ in range(TOKENS)]


async def counters(connection: asyncpg.Connection) -> tuple[int, int, int]:
    """Give bytes and records of the WAL and rows written, as PostgreSQL counts them."""
    await connection.execute("select pg_stat_force_next_flush()")
    await asyncio.sleep(11)  # an idle connection reports after ten seconds
    wal = await connection.fetchrow("select wal_bytes::bigint b, wal_records r from pg_stat_wal")
    rows = await connection.fetchval(
        "select sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_user_tables "
        "where relname = any($1)",
        list(TABLES),
    )
    return wal["b"], wal["r"], rows


async def measured(name: str, url: str, store: Callable[[], Awaitable[int]]) -> Cost:
    """Run one way of storing and read the counters around it."""
    witness = await asyncpg.connect(url)
    for table in TABLES:
        await witness.execute(f'vacuum full "{table}"')
    await witness.execute("checkpoint")
    before = await counters(witness)
    started = time.perf_counter()
    statements = await store()
    seconds = time.perf_counter() - started
    after = await counters(witness)
    dead = await witness.fetchval(
        "select sum(n_dead_tup)::bigint from pg_stat_user_tables where relname = any($1)",
        list(TABLES),
    )
    await witness.close()
    wal_bytes, records, rows = (b - a for a, b in zip(before, after, strict=True))
    return Cost(name, statements, wal_bytes, records, rows, dead, seconds)


async def ours(db: Database, chat_id: str, words: list[str]) -> int:
    """Store the answer as `stream` does, a flush after each window's tokens."""
    mine = db.as_user("ada")
    with db.statements() as sent:
        # The window is left to the loop below: each flush has its 250 ms of tokens.
        async with mine.messages.stream(chat_id, flush_after=timedelta(seconds=30)) as answer:
            for start in range(0, TOKENS, A_FLUSH):
                for word in words[start : start + A_FLUSH]:
                    await answer.write(word)
                await answer.flush()
    assert (await mine.messages.get(answer.id)).content == "".join(words)
    return sent.count


async def naive(db: Database, url: str, chat_id: str, words: list[str], step: int) -> int:
    """Store all of the text again after each `step` tokens."""
    mine = db.as_user("ada")
    connection = await asyncpg.connect(url)
    async with mine.messages.stream(chat_id) as answer:
        pass
    update = await connection.prepare('update "x_message" set content = $2 where id = $1')
    count = 0
    for end in range(step, TOKENS + step, step):
        await update.fetch(answer.id, "".join(words[:end]))
        count += 1
    await connection.close()
    return count


async def writers(db: Database, number: int, seconds: float) -> tuple[int, list[float]]:
    """Let many write at once, each with a flush every 250 ms; flushes, and how long each took."""
    mine = db.as_user("ada")
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def one(index: int) -> None:
        chat = await mine.chats.create(title=f"{index}")
        async with mine.messages.stream(chat.id, flush_after=timedelta(milliseconds=10)) as answer:
            await asyncio.sleep(random.uniform(0, WINDOW))
            while time.perf_counter() < end:
                await answer.write("token " * A_FLUSH)
                started = time.perf_counter()
                await answer.flush()
                took.append(time.perf_counter() - started)
                await asyncio.sleep(max(WINDOW - took[-1], 0))

    await asyncio.gather(*(one(index) for index in range(number)))
    return len(took), took


@contextlib.asynccontextmanager
async def place() -> AsyncIterator[tuple[Database, str]]:
    """Start a server with fsync on, with our tables and a user."""
    with tempfile.TemporaryDirectory(prefix="ckb-") as folder:
        lease = await asyncio.to_thread(EmbeddedServer(Path(folder)).acquire)
        try:
            await create_tables(SCHEMA, lease.url)
            async with Database(SCHEMA, lease.url) as db:
                await db.users.create(NewUser(id="ada", email="ada@example.com"))
                yield db, lease.url
        finally:
            await asyncio.to_thread(lease.close)


async def main(*, write: bool) -> None:
    words = tokens()
    size = len("".join(words))
    costs: list[Cost] = []
    async with place() as (db, url):
        admin = await asyncpg.connect(url)
        version, fsync = (
            await admin.fetchval("show server_version"),
            await admin.fetchval("show fsync"),
        )
        await admin.close()
        mine = db.as_user("ada")

        async def chat() -> str:
            return (await mine.chats.create(title="x")).id

        ids = [await chat() for _ in range(3)]
        costs.append(await measured("chatkeep", url, lambda: ours(db, ids[0], words)))
        costs.append(
            await measured(
                "whole at each flush", url, lambda: naive(db, url, ids[1], words, A_FLUSH)
            )
        )
        costs.append(
            await measured("whole at each token", url, lambda: naive(db, url, ids[2], words, 1))
        )
        many = [(number, *await writers(db, number, 8)) for number in (1, 16, 64, 256)]
    lines = report(costs, many, size, f"PostgreSQL {version}, fsync {fsync}")
    print("\n".join(lines))
    if write:
        REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")


def report(
    costs: list[Cost], many: list[tuple[int, int, list[float]]], size: int, server: str
) -> list[str]:
    """Give the page."""
    first = costs[0]
    lines = [
        "# What streamed answers cost",
        "",
        "Written by `./dev run python -m benchmarks.streaming --write`; its text says what is measured.",
        f"{server}; {platform.system()} on {os.cpu_count()} cores, Python {platform.python_version()}.",
        "",
        f"An answer of {TOKENS:,} tokens, {size:,} characters, flushed every {WINDOW * 1000:.0f} ms:",
        "",
        "| way | statements | rows written | WAL records | WAL bytes | of ours | bytes of WAL for one of text |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {cost.name} | {cost.statements:,} | {cost.rows:,} | {cost.wal_records:,} "
        f"| {cost.wal_bytes:,} | {cost.wal_bytes / first.wal_bytes:.1f} | {cost.wal_bytes / size:.1f} |"
        for cost in costs
    ]
    lines += [
        "",
        "Rows written are inserted, updated and deleted ones. Of ours, each flush is a piece and the",
        "writer's sign of life, and the end deletes the pieces.",
        "",
        "Many answers at once, each with a flush every 250 ms, on one `Database` with its ten connections;",
        "how long PostgreSQL took to acknowledge a flush, waiting for a connection and for the disk",
        "included:",
        "",
        "| answers at once | flushes a second | median | p99 |",
        "|--:|--:|--:|--:|",
    ]
    for number, count, took in many:
        took.sort()
        lines.append(
            f"| {number} | {count / 8:,.0f} | {statistics.median(took) * 1000:.1f} ms "
            f"| {took[int(len(took) * 0.99)] * 1000:.1f} ms |"
        )
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="keep the table: STREAMING.md")
    asyncio.run(main(write=parser.parse_args().write))
