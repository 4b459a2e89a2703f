"""What clients wait for while `chatkeep sweep` removes old rows beside them.

    ./dev run python -m benchmarks.sweep                 200,000 chats, 1,000,000 messages, 8 clients
    ./dev run python -m benchmarks.sweep --touch-old     clients append to what is to go, too
    ./dev run python -m benchmarks.sweep --chats 20000   less

Eight processes list, get, append, create and delete chats without a pause, first alone, then beside a
sweep and the report before it, on an embedded server with `fsync` on. Printed are what each kind of call took at
most and at 99.9 %, before and during the sweep, and whether the sweep removed what its report had
said. Clients work with chats that no policy takes away, unless `--touch-old` is given: then the
difference between the two is what they changed.
"""

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from chatkeep import ChatNotFoundError, Database, NewMessage
from chatkeep.database.creation import create_tables
from chatkeep.personal.retention import Policy
from chatkeep.personal.sweep_batches import Pace
from chatkeep.personal.sweep_report import SweepReport
from chatkeep.personal.sweeping import sweep
from chatkeep.presets import deepsearch
from chatkeep.server import EmbeddedServer

SCHEMA = deepsearch.schema(prefix="x_")
USERS = 2000
CLIENTS = 8
DAY = timedelta(days=1)
POLICIES = (
    Policy("chats", 365 * DAY),
    Policy("chats", 730 * DAY, of="admins"),
    Policy("temporary", 1 * DAY),
    Policy("messages", 30 * DAY, role="tool"),
    Policy("trash", 30 * DAY),
    Policy("shares", 7 * DAY),
    Policy("usage", 730 * DAY),
)
# Of a hundred chats: 28 without activity for a year and more (2 of them pinned), 4 temporary ones of
# last week, 4 in the trash for two months; the others are of the last months, in use.
FILL = (
    """
insert into "x_user" (id, email, is_admin)
select 'u' || n, 'u' || n || '@example.com', n % 20 = 0 from generate_series(1, $1::int) as n
""",
    """
insert into "x_chat"
    (id, user_id, title, created_at, updated_at, deleted_at, is_pinned, is_temporary, head)
select 'c' || n, 'u' || 1 + n % $2::int, 'Chat ' || n, at, at,
    case when kind between 32 and 35 then now() - interval '60 d' end,
    kind < 2, kind between 28 and 31, 'm' || n || '-' || $3::int
from generate_series(1, $1::int) as n,
lateral (select (n * 7919::bigint / 3) % 100 as kind) as k,
lateral (select now() - case when kind < 28 then interval '366 d' + interval '1 h' * (n % 9000)
    when kind < 36 then interval '7 d' + interval '1 s' * (n % 1000)
    else interval '2 d' + interval '1 min' * (n % 90000) end as at) as a
""",
    """
insert into "x_message"
    (id, chat_id, user_id, role, content, created_at, updated_at, deleted_at, parent_id)
select 'm' || substr(c.id, 2) || '-' || n, c.id, c.user_id,
    (array['user', 'assistant', 'tool', 'user', 'assistant'])[1 + (n - 1) % 5],
    'Message ' || n || ' of ' || c.title || repeat(' and some more words', 1 + n % 12),
    at, at, c.deleted_at, case when n > 1 then 'm' || substr(c.id, 2) || '-' || (n - 1) end
from "x_chat" as c, generate_series(1, $1::int) as n,
lateral (select c.updated_at - interval '1 min' * ($1 - n) as at) as a
""",
    """
insert into "x_message_usage"
    (user_id, message_id, chat_id, prompt_tokens, total_tokens, created_at)
select user_id, id, chat_id, 10, 10, created_at from "x_message" where role = 'assistant'
""",
    """
insert into "x_chat_share" (id, user_id, chat_id, token_hash, kind, expires_at)
select 's' || id, user_id, id, sha256(id::bytea), 'live', updated_at + interval '30 d'
from "x_chat" where right(id, 1) = '7' and deleted_at is null
""",
    """
insert into "x_session" (session_token, user_id, expires)
select 't' || n, 'u' || 1 + n % $1::int, now() + interval '1 min' * (n % 2000 - 1000)
from generate_series(1, 10 * $1::int) as n
""",
    """
insert into "x_search_cache" (query, results, expires_at)
select 'q' || n, '{"answers": []}', now() + interval '1 min' * (n % 2000 - 1500)
from generate_series(1, 5 * $1::int) as n
""",
)


async def fill(connection: asyncpg.Connection, chats: int, messages: int, users: int) -> None:
    """Put users, chats and messages of all ages into empty tables."""
    arguments = ((users,), (chats, users, messages), (messages,), (), (), (users,), (users,))
    for sql, given in zip(FILL, arguments, strict=True):
        await connection.execute(sql, *given)
    await connection.execute("vacuum analyze")


class Client:
    """One client of the application: what it does, and how long each call took."""

    def __init__(self, db: Database, number: int, users: int, *, touches_old: bool) -> None:
        self.took: dict[str, list[float]] = defaultdict(list)
        self.gone = 0
        self._db = db
        self._chances = random.Random(number)
        self._users = users
        self._touches_old = touches_old

    async def work(self, stop: asyncio.Event) -> None:
        """Call after call, until it is told to stop."""
        while not stop.is_set():
            mine = self._db.as_user(f"u{self._chances.randint(1, self._users)}")
            page = await self._timed("list", mine.chats.list(limit=50))
            chats = [chat for chat in page.items if self._is_used(chat)]
            for chat in self._chances.sample(chats, min(3, len(chats))):
                try:
                    await self._timed("get", mine.chats.get(chat.id, messages=50))
                    said = NewMessage(role="user", content="one more question")
                    await self._timed("append", mine.messages.append(chat.id, said))
                except ChatNotFoundError:
                    self.gone += 1  # the sweep was quicker, or another client
            new = await self._timed("create", mine.chats.create(title="Short-lived"))
            await self._timed("delete", mine.chats.delete(new.id, hard=True))

    async def _timed(self, name: str, call: Any) -> Any:
        started = time.perf_counter()
        try:
            return await call
        finally:
            self.took[name].append(time.perf_counter() - started)

    def _is_used(self, chat: Any) -> bool:
        """Say that it is no other client's of a moment, nor one that a policy takes away."""
        is_young = not chat.is_temporary and chat.updated_at > datetime.now(UTC) - 300 * DAY
        return chat.title != "Short-lived" and (self._touches_old or is_young)


async def client_process(url: str, number: int, users: int, *, touches_old: bool) -> None:
    """Work until stdin closes; each line on it ends a phase, whose times are printed."""
    async with Database(SCHEMA, url, max_connections=1) as db:
        while True:
            client, stop = Client(db, number, users, touches_old=touches_old), asyncio.Event()
            task = asyncio.create_task(client.work(stop))
            line = await asyncio.to_thread(sys.stdin.readline)
            stop.set()
            await task
            print(json.dumps({"took": client.took, "gone": client.gone}), flush=True)
            if not line:
                return


def start_clients(url: str, users: int, *, touches_old: bool) -> list[subprocess.Popen[str]]:
    """Start the clients, each in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.sweep", "--url", url, "--users", str(users)]
    words += ["--touch-old"] if touches_old else []
    return [
        subprocess.Popen(
            [*words, "--client", str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for n in range(1, CLIENTS + 1)
    ]


def phase(clients: Sequence[subprocess.Popen[str]]) -> tuple[dict[str, list[float]], int]:
    """End a phase, and give what calls took in it."""
    took: dict[str, list[float]] = defaultdict(list)
    for client in clients:
        client.stdin.write("\n")
        client.stdin.flush()
    gone = 0
    for client in clients:
        found = json.loads(client.stdout.readline())
        gone += found["gone"]
        for name, times in found["took"].items():
            took[name] += times
    return took, gone


def told(title: str, took: Mapping[str, list[float]], seconds: float) -> None:
    """Print what the calls of a phase took."""
    calls = sum(map(len, took.values()))
    print(f"\n{title}: {calls:,} calls in {seconds:.0f} s, {calls / seconds:.0f} a second\n")
    print("| call | calls | median | 99 % | 99.9 % | longest |")
    print("|---|---|---|---|---|---|")
    for name, times in sorted(took.items()):
        ordered = sorted(times)
        cuts = [statistics.median(ordered)]
        cuts += [ordered[min(int(len(ordered) * part), len(ordered) - 1)] for part in (0.99, 0.999)]
        cells = " | ".join(f"{cut * 1000:.1f} ms" for cut in (*cuts, ordered[-1]))
        print(f"| {name} | {len(ordered):,} | {cells} |")


def compared(done: SweepReport, gone: Counter[str]) -> None:
    """Print what was found before and removed, by policy, and what is gone by count."""
    print("\n| policy | found | removed | kept |\n|---|---|---|---|")
    for line in done.policies:
        name = f"{line.policy.label}, {line.policy.age}"
        print(f"| {name} | {dict(line.found)} | {dict(line.removed)} | {dict(line.kept)} |")
    print(f"\nreport before equal to what was removed: {done.found == done.removed}")
    print(f"rows that are gone, counted: {dict(gone)}; equal: {gone == done.removed}")
    print(f"{done.batches} batches, the longest {done.longest_batch * 1000:.0f} ms")


async def counts(connection: asyncpg.Connection) -> Counter[str]:
    """Count what was there at the beginning: rows that clients add have other ids."""
    ids = {
        "chats": "id like 'c%' and id not like 'chat%'",
        "messages": "id like 'm%-%' and id not like 'msg%'",
    }
    return Counter(
        {
            name: await connection.fetchval(
                f'select count(*) from "{table.name}" where {ids.get(name, "true")}'
            )
            for name, table in SCHEMA.tables.items()
        }
    )


async def measured(url: str, options: argparse.Namespace) -> None:
    """Fill, let the clients work alone, then beside the sweep."""
    await create_tables(SCHEMA, url)
    connection = await asyncpg.connect(url)
    started = time.perf_counter()
    await fill(connection, options.chats, options.messages, options.users)
    print(f"filled in {time.perf_counter() - started:.0f} s: {dict(+await counts(connection))}")
    print(await connection.fetchval("select version()"))
    before = await counts(connection)
    clients = start_clients(url, options.users, touches_old=options.touch_old)
    try:
        await asyncio.sleep(5)  # they have all begun
        await asyncio.to_thread(phase, clients)
        await asyncio.sleep(options.seconds)
        took, _ = await asyncio.to_thread(phase, clients)
        told("Clients alone", took, options.seconds)
        pace = Pace(lock_timeout=timedelta(seconds=options.lock_timeout))
        started = time.perf_counter()
        done = await sweep(SCHEMA, url, POLICIES, pace=pace)
        seconds = time.perf_counter() - started
        took, gone = await asyncio.to_thread(phase, clients)
        told(f"Clients beside the sweep, lock_timeout {options.lock_timeout} s", took, seconds)
        if options.touch_old:
            print(f"\n{gone} calls found a chat gone")
    finally:
        for client in clients:
            client.stdin.close()
        for client in clients:
            client.stdout.read()  # what it did since: a full pipe would hold it
            client.wait(30)
    compared(done, +(before - await counts(connection)))
    await connection.close()


def main() -> None:
    """Run it all, or be one of the clients."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chats", type=int, default=200_000)
    parser.add_argument("--messages", type=int, default=5, help="in each chat")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--seconds", type=float, default=30, help="for the clients alone")
    parser.add_argument("--lock-timeout", type=float, default=1.0)
    parser.add_argument("--touch-old", action="store_true")
    parser.add_argument("--client", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        asyncio.run(
            client_process(
                options.url, options.client, options.users, touches_old=options.touch_old
            )
        )
        return
    with tempfile.TemporaryDirectory(prefix="chatkeep-sweep-") as folder:
        server = EmbeddedServer(Path(folder) / ".chatkeep")
        with server.acquire():
            asyncio.run(measured(server.url(), options))


if __name__ == "__main__":
    main()
