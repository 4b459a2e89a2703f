"""The hardening of a busy database: no statement of its clients fails or waits beyond the limit."""

import asyncio
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit.applying.limits import LOCK_TIMEOUT
from chatkeep.kit.check import check
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.target import target_of
from fixtures.seeds import hardened_schema
from kit.traffic.traffic import MARGIN, P, Traffic, fill, spread

MESSAGES = int(os.environ.get("CHATKEEP_MESSAGES", "1000000"))
FULL = bool(os.environ.get("CHATKEEP_FULL"))


async def harden(root: Path, url: str, *, messages: int, clients: int, limit: float) -> Traffic:
    """Migrate while the clients work; print what they waited."""
    traffic = Traffic(messages, limit)
    marks = [("before", time.monotonic())]
    tasks = [asyncio.create_task(traffic.client(url, n)) for n in range(clients)]
    try:
        await asyncio.sleep(5 if FULL else 0)
        await migrate(
            Folder.read(root),
            url,
            on_applied=lambda a: marks.append((a.migration.tag, time.monotonic())),
        )
    finally:
        traffic.stopping = True
        await asyncio.gather(*tasks)
    report(traffic, marks)
    return traffic


def report(traffic: Traffic, marks: list[tuple[str, float]]) -> None:
    """Print, for each migration, what statements that ran meanwhile took."""
    line = "{:38} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8}"
    print("\n" + line.format("migration", "seconds", "statements", "p50 ms", "p99", "p99.9", "max"))
    for (_, start), (tag, end) in pairwise(marks):
        seen = [s for at, s in traffic.times if at < end and at + s > start]
        numbers = [f"{1000 * value:.1f}" for value in spread(seen)]
        print(line.format(tag, f"{end - start:.1f}", len(seen), *numbers))
    print(f"failed: {len(traffic.failed)} {traffic.failed[:3]}", file=sys.stdout, flush=True)


@pytest.mark.timeout(7200)
async def test_clients_are_held_up_by_no_step_of_the_hardening(golden, scratch, pg18, database_url):
    messages, clients = (MESSAGES, 8) if FULL else (5_000, 4)
    root, target = golden("deepsearch"), target_of(hardened_schema("deepsearch", seed_writers=True))
    await migrate(Folder.read(root), database_url)
    await fill(database_url, messages)
    await generate(root, target, scratch, Options(safe=True))
    limit = LOCK_TIMEOUT + MARGIN
    traffic = await harden(root, database_url, messages=messages, clients=clients, limit=limit)
    assert traffic.failed == []
    assert len(traffic.times) > 100
    checked = await check(Folder.read(root), target, scratch, url=database_url)
    assert checked.findings == []
    await nothing_is_lost(database_url, traffic)


async def nothing_is_lost(url: str, traffic: Traffic) -> None:
    """Every row of before and every acknowledged one is there, whole, and in order."""
    connection = await asyncpg.connect(url)
    try:
        ids = list(traffic.written)
        rows = await connection.fetch(
            f'select id, chat_id from "{P}message" where id = any ($1)', ids
        )
        assert dict(rows) == traffic.written
        old = f"""select count(*), count(sources), count(metadata), min(seq)
            from "{P}message" where id like 'm%'"""
        count, with_sources, with_metadata, first = await connection.fetchrow(old)
        total = traffic.messages
        assert (count, with_sources, with_metadata, first) == (total, total // 4, total // 2, 1)
        disorder = f"""select count(*) from (
            select created_at < lag(created_at) over (partition by chat_id order by seq) as late
            from "{P}message" where id like 'm%') x where late"""
        assert await connection.fetchval(disorder) == 0
    finally:
        await connection.close()


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.skipif(not FULL, reason="figures for docs/RESULTS.md; CHATKEEP_FULL=1 runs it")
async def test_figures_of_the_plain_hardening(golden, scratch, pg18, database_url):
    """What the clients wait without `--safe`: no promise, a figure to compare with."""
    root, target = golden("deepsearch"), target_of(hardened_schema("deepsearch", seed_writers=True))
    await migrate(Folder.read(root), database_url)
    await fill(database_url, MESSAGES)
    await generate(root, target, scratch, Options())
    await harden(root, database_url, messages=MESSAGES, clients=8, limit=600)
