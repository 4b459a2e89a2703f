"""The writer's process is killed in mid-stream: what it had flushed is there, and the sweep says so."""

import asyncio
import json
import os
import random
import sys
from datetime import timedelta
from itertools import count, islice
from pathlib import Path

from chatkeep import Database
from chatkeep.access.scope import UserScope
from streaming.conftest import FULL, Place
from streaming.writer import token

WRITER = Path(__file__).with_name("writer.py")
KILLS = 50 if FULL else 4
AT_ONCE = 2
WINDOW = 0.25  # what `stream` takes unless told
SLACK = 3.0  # seconds for a round trip on a machine with other work
TEXT = "".join(token(number) for number in range(20_000))


async def kill_one(place: Place, chat_id: str, seconds: float) -> list[tuple[float, int, int]]:
    """Run a writer, kill it after so long since its first token; what it told."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, WRITER, place.url, chat_id, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline()]
    try:
        async with asyncio.timeout(seconds):
            while line := await process.stdout.readline():
                lines.append(line)
    except TimeoutError:
        pass
    process.kill()
    rest = await process.stdout.read()
    assert await process.wait() == -9
    whole = b"".join(lines) + rest
    told = [
        line.split() for line in whole.decode().splitlines(keepends=True) if line.endswith("\n")
    ]
    return [(float(at), int(written), int(flushed)) for at, written, flushed in told]


async def test_of_a_killed_writer_nothing_acknowledged_is_lost(
    place: Place, db: Database, mine: UserScope
) -> None:
    chances = random.Random(5)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> tuple[str, list[tuple[float, int, int]]]:
        chat = await mine.chats.create(title=f"{number}")
        async with slots:
            told = await kill_one(place, chat.id, chances.uniform(0.0, 1.5))
        (message,) = (await mine.messages.list(chat.id)).items
        assert (message.status, message.content) == ("streaming", "")
        return message.id, told

    killed = await asyncio.gather(*(one(number) for number in range(KILLS)))
    assert await db.messages.sweep_interrupted(older_than=timedelta(hours=1)) == 0
    assert await db.messages.sweep_interrupted(older_than=timedelta()) == KILLS
    missing: list[float] = []
    for message_id, told in killed:
        stored = await mine.messages.get(message_id)
        length = len(stored.content)
        assert (stored.status, stored.content) == ("interrupted", TEXT[:length])
        died, _, flushed = told[-1]
        assert length >= flushed
        # What was written longer ago than the window is there.
        assert length >= max((w for at, w, _ in told if at < died - WINDOW - SLACK), default=0)
        lost = [at for at, written, _ in told if written > length]
        missing.append(died - lost[0] if lost else 0.0)
    assert await place.rows("running_answer") == await place.rows("message_chunk") == 0
    if path := os.environ.get("CHATKEEP_CRASH_REPORT"):
        Path(path).write_text(json.dumps(sorted(missing)), encoding="utf-8")


def test_the_text_that_writers_write_is_the_one_that_is_compared() -> None:
    assert TEXT.startswith("".join(islice((token(number) for number in count()), 100)))
