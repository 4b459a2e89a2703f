"""A process that writes an answer until it is killed, and tells what it did.

    python writer.py URL CHAT_ID

Each line of its output is `<seconds> <written> <flushed>`: characters that were written, and that
PostgreSQL has acknowledged, as known at that time of its own clock.
"""

import asyncio
import itertools
import os
import sys
import time

from chatkeep import Database
from chatkeep.presets import deepsearch


def token(number: int) -> str:
    return f"{number}🐘 "


async def main(url: str, chat_id: str) -> None:
    async with (
        Database(deepsearch.schema(prefix="x_"), url) as db,
        db.as_user("ada").messages.stream(chat_id) as answer,
    ):
        for number in itertools.count():
            await answer.write(token(number))
            line = f"{time.monotonic()} {answer.written} {answer.flushed}\n"
            os.write(1, line.encode())  # at once: no buffer dies with us
            await asyncio.sleep(0.003)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
