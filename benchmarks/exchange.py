"""Import and export of a million messages: time, memory, kills at random points, a damaged file.

    python -m benchmarks.exchange --messages 1000000 --kills 10

It makes a `conversations.json` in the form of ChatGPT's export, with one broken record in the middle
and the end cut off, imports it with `chatkeep import --on-error skip` under SIGKILLs at random
points, and looks whether everything is there once. The server is the embedded one in a folder that
is removed at the end.
"""

import argparse
import asyncio
import hashlib
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from chatkeep.exchange.array import Elements
from chatkeep.exchange.chatgpt import FORMAT as CHATGPT
from chatkeep.exchange.files import Part
from chatkeep.exchange.lines import Record
from chatkeep.server import EmbeddedServer

PER_CONVERSATION = 20
TEXT = (
    "the index of a table is read before its rows and a query that asks for one user finds them "
    "where they lie so that nothing else is touched while somebody writes beside it every answer "
    "has a place in the thread and keeps it when an older message is edited or made anew"
)
WORDS = TEXT.split()
USER = "bench@example.com"
KB = 1024


@dataclass
class Run:
    """One run of the command."""

    name: str
    seconds: float
    peak_mb: float
    code: int
    report: dict[str, Any] = field(default_factory=dict)


def conversation(number: int) -> dict[str, Any]:
    """Make a conversation with a branch, the same for the same number."""
    chance = random.Random(number)
    root = f"root-{number}"
    mapping: dict[str, Any] = {
        root: {"id": root, "message": None, "parent": None, "children": [f"{number}-0"]}
    }
    at = 1_600_000_000.0 + number * 60
    for place in range(PER_CONVERSATION):
        key = f"{number}-{place}"
        text = " ".join(chance.choices(WORDS, k=chance.randint(20, 120)))
        mapping[key] = {
            "id": key,
            "message": {
                "id": key,
                "author": {"role": ("user", "assistant")[place % 2], "name": None, "metadata": {}},
                "create_time": at + place,
                "update_time": None,
                "content": {"content_type": "text", "parts": [text]},
                "status": "finished_successfully",
                "end_turn": True,
                "weight": 1.0,
                "metadata": {"model_slug": "gpt-4o"} if place % 2 else {},
                "recipient": "all",
                "channel": None,
            },
            "parent": f"{number}-{place - 1}" if place else root,
            "children": [f"{number}-{place + 1}"] if place + 1 < PER_CONVERSATION else [],
        }
    last, other = f"{number}-{PER_CONVERSATION - 1}", f"{number}-{PER_CONVERSATION - 3}"
    before = mapping[last]["parent"]  # the last answer was made anew: it stands beside another
    mapping[last]["parent"] = other
    mapping[other]["children"].append(last)
    mapping[before]["children"] = []
    return {
        "title": f"Conversation {number}",
        "create_time": at,
        "update_time": at + PER_CONVERSATION,
        "mapping": mapping,
        "moderation_results": [],
        "current_node": last,
        "conversation_id": f"c-{number}",
        "id": f"c-{number}",
    }


def generate(path: Path, conversations: int) -> tuple[int, int]:
    """Write the file; gives the offsets of the broken record and of the cut one."""
    broken = cut = 0
    with path.open("wb") as out:
        out.write(b"[\n")
        for number in range(conversations):
            text = json.dumps(conversation(number)).encode()
            if number == conversations // 2:
                broken = out.tell()
                text = text.replace(b'"mapping": {', b'"mapping": {{', 1)
            out.write(text + b",\n")
        cut = out.tell()
        text = json.dumps(conversation(conversations)).encode()
        out.write(text[: len(text) // 2])
    return broken, cut


def command(folder: Path, url: str, name: str, *words: str, kill_after: float | None = None) -> Run:
    """Run `chatkeep`, and kill it after some seconds unless it has ended."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "chatkeep", *words, "--url", url, "--json"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    if kill_after is not None:
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    text = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0) if process.returncode is None else (0, 0, None)
    code = os.waitstatus_to_exitcode(status) if used else process.returncode
    peak = used.ru_maxrss / KB if used else 0.0
    seconds = time.perf_counter() - started
    return Run(name, seconds, peak, code, json.loads(text) if text else {})


async def prepare(url: str, *, with_search: bool) -> None:
    from chatkeep.database.creation import create_tables
    from chatkeep.presets import deepsearch

    await create_tables(deepsearch.schema(), url)
    connection = await asyncpg.connect(url)
    await connection.execute(
        "insert into \"ai-app-template_user\" (id, email) values ('bench', $1)".replace(
            "$1", f"'{USER}'"
        )
    )
    if not with_search:
        await connection.execute('drop index "ai-app-template_message_search_idx"')
    await connection.close()


async def counted(url: str) -> dict[str, int]:
    """Count what is there, and what should never be: half a conversation."""
    connection = await asyncpg.connect(url)
    chats, messages = '"ai-app-template_chat"', '"ai-app-template_message"'
    found = {
        "chats": await connection.fetchval(f"select count(*) from {chats}"),
        "messages": await connection.fetchval(f"select count(*) from {messages}"),
        "halves": await connection.fetchval(
            f"select count(*) from (select chat_id from {messages} group by 1 "
            f"having count(*) <> {PER_CONVERSATION}) as half"
        ),
        "lost heads": await connection.fetchval(
            f"select count(*) from {chats} c where not exists "
            f"(select from {messages} m where m.id = c.head and m.chat_id = c.id)"
        ),
    }
    await connection.close()
    return found


def fingerprint(found: Iterator[object]) -> tuple[int, int]:
    """Sum up conversations whatever their order."""
    total = number = 0
    for one in found:
        text = json.dumps(one, sort_keys=True).encode()
        total ^= int.from_bytes(hashlib.sha256(text).digest(), "big")
        number += 1
    return number, total


def exported(path: Path) -> Iterator[object]:
    with path.open("rb") as stream:
        for record in Elements(Part(path.name, stream), rb'\{"title"', lambda _: True):
            assert isinstance(record, Record), record
            yield record.value


def measure(conversations: int, kills: int, folder: Path, url: str) -> dict[str, Any]:
    """Generate, import with kills, import again, export, compare."""
    assert CHATGPT.reader is not None
    source, target = folder / "conversations.json", folder / "back.json"
    broken, cut = generate(source, conversations)
    size = source.stat().st_size
    words = (
        "import", "--format", "chatgpt", "--user", USER, "--on-error", "skip", str(source),
    )  # fmt: skip
    runs: list[Run] = []
    chance = random.Random(conversations)
    for number in range(kills):
        wait = chance.uniform(0.8, max(2.0, conversations / 2500))
        runs.append(command(folder, url, f"killed {number + 1}", *words, kill_after=wait))
        print(json.dumps(runs[-1].__dict__), flush=True)
        halves = asyncio.run(counted(url))["halves"]
        assert halves == 0, halves
    for name in ("to the end", "again"):
        runs.append(command(folder, url, name, *words))
        print(json.dumps(runs[-1].__dict__), flush=True)
    report = runs[-1].report
    assert [(e["record"], e["byte"]) for e in report["errors"]] == [
        (conversations // 2 + 1, broken), (conversations + 1, cut),
    ], report  # fmt: skip
    found = asyncio.run(counted(url))
    assert found == {
        "chats": conversations - 1, "messages": (conversations - 1) * PER_CONVERSATION,
        "halves": 0, "lost heads": 0,
    }, found  # fmt: skip
    assert report["conversations"] == 0
    assert report["thereAlready"] == conversations - 1
    out = ("export", "--format", "chatgpt", "--all", "--out", str(target))
    runs.append(command(folder, url, "export", *out))
    print(json.dumps(runs[-1].__dict__), flush=True)
    was = fingerprint(conversation(n) for n in range(conversations) if n != conversations // 2)
    assert fingerprint(exported(target)) == was
    return {
        "messages": conversations * PER_CONVERSATION,
        "fileMb": round(size / KB / KB, 1),
        "broken": broken,
        "cut": cut,
        "runs": [run.__dict__ for run in runs],
        "peakMb": round(max(run.peak_mb for run in runs), 1),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument(
        "--without-search", action="store_true", help="Drop the search index: it costs most."
    )
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "chatkeep.toml").write_text('schema = "bench_schema:schema"\n')
        (folder / "bench_schema.py").write_text(
            "from chatkeep.presets import deepsearch\nschema = deepsearch.schema()\n"
        )
        server = EmbeddedServer(folder / ".chatkeep")
        try:
            with server.acquire():
                url = server.url()
                asyncio.run(prepare(url, with_search=not options.without_search))
                report = measure(options.messages // PER_CONVERSATION, options.kills, folder, url)
        finally:
            server.reset(force=True)
    print(json.dumps(report, indent=2))
    if options.out:
        options.out.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
