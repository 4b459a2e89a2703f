"""The studio's row browser on a big table of messages, beside starlette-admin and sqladmin.

    ./dev run python -m benchmarks.studio            prints the table, about four minutes
    ./dev run python -m benchmarks.studio --write    and keeps it: benchmarks/STUDIO.md
    ./dev run python -m benchmarks.studio --quick    a look on 100,000 messages

Each serves the table from a process of its own (`studio_peers.py`), one after the other, on the same
database; 100 rows a page, in the order of the primary key, whose values are random. One client asks
for one page after the other. The peers give a whole page of HTML and count the table for it; ours
gives JSON, and the browser draws it. They live in `.venv-studio/`, from `studio.txt`.
"""

import argparse
import asyncio
import platform
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from benchmarks import environment
from benchmarks.data import Size, fill, server
from benchmarks.document import machine

REPORT = Path(__file__).with_name("STUDIO.md")
PEERS = ("chatkeep", "starlette-admin", "sqladmin")
FAR = 200
TIMES = 31
OURS = "/api/tables/public/b_message/rows"
WORD = "zebra crossing"  # stands in no message


@dataclass
class Figures:
    """What one of them needed; times in milliseconds."""

    first: float = 0.0
    page_2: float = 0.0
    page_far: float = 0.0
    page_last: float = 0.0
    sorted_first: float = 0.0
    search: str = ""
    bytes: int = 0
    rss: dict[str, int] = field(default_factory=dict[str, int])


class Peer:
    """A running server of the table."""

    def __init__(self, name: str, url: str, interpreter: Path, port: int) -> None:
        self.name = name
        command = [interpreter, Path(__file__).with_name("studio_peers.py"), name, url, str(port)]
        self.process = subprocess.Popen([str(word) for word in command])
        headers = {"x-chatkeep-studio": "1"}
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=120, trust_env=False
        )
        self._cursor: str | None = None

    def wait(self) -> None:
        """Wait until it answers."""
        for _ in range(300):
            try:
                self.page(1)
            except httpx.ConnectError:
                time.sleep(0.1)
            else:
                return
        sys.exit(f"{self.name} did not start.")

    def page(self, number: int, *, after: str | None = None, sort: bool = False) -> httpx.Response:
        """Ask for a page; ours goes on from a cursor."""
        if self.name == "chatkeep":
            params = {"limit": "100", **({"after": after} if after else {})}
            params |= {"sort": '[["created_at","desc"]]'} if sort else {}
            answer = self.client.get(OURS, params=params)
        elif self.name == "sqladmin":
            more = {"sortBy": "created_at", "sort": "desc"} if sort else {}
            answer = self.client.get(
                "/admin/message/list", params={"page": number, "pageSize": 100, **more}
            )
        else:
            more = {"sort": "created_at__desc"} if sort else {}
            answer = self.client.get(
                "/admin/message/list", params={"page": number, "page_size": 100, **more}
            )
        return answer

    def rows(self, answer: httpx.Response) -> int:
        """Count the rows of an answer: a page that shows an error is no page."""
        answer.raise_for_status()
        if self.name == "chatkeep":
            return len(answer.json()["rows"])
        return len({word for word in answer.text.split("msg_")[1:] for word in [word[:32]]})

    def search(self) -> httpx.Response:
        """Look for a word that no message has."""
        if self.name == "chatkeep":
            return self.client.get(OURS, params={"q": WORD})
        name = "search" if self.name == "sqladmin" else "q"
        return self.client.get("/admin/message/list", params={name: WORD})

    def rss(self) -> int:
        """Give the resident memory in MiB."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))

    def close(self) -> None:
        """End it."""
        self.client.close()
        self.process.terminate()
        self.process.wait()


def interpreter_of(name: str) -> Path:
    """Give the Python that has a peer's packages, and make it when it is not there."""
    if name == "chatkeep":
        return Path(sys.executable)
    folder, lock = environment.ROOT / ".venv-studio", environment.HERE / "studio.txt"
    interpreter, mark = folder / "bin" / "python", folder / "lock.sha256"
    if not environment.is_current(mark, lock):
        if not interpreter.exists():
            venv.create(folder, with_pip=True)
        command = [interpreter, "-m", "pip", "install", "-q", "--require-hashes", "-r", lock]
        subprocess.run([str(word) for word in command], check=True)
        environment.note(mark, lock)
    return interpreter


@contextmanager
def running(name: str, url: str, port: int) -> Iterator[Peer]:
    """Serve the table for the length of the block."""
    peer = Peer(name, url, interpreter_of(name), port)
    try:
        peer.wait()
        yield peer
    finally:
        peer.close()


def timed(call: Callable[[], httpx.Response]) -> tuple[float, httpx.Response]:
    """Give milliseconds and the answer."""
    began = time.perf_counter()
    answer = call()
    return (time.perf_counter() - began) * 1000, answer


def measure(peer: Peer, last: int) -> Figures:
    """Scroll through a server's pages."""
    found = Figures()
    answer = peer.page(1)
    assert peer.rows(answer) == 100, (peer.name, peer.rows(answer))
    found.bytes = len(answer.content)
    found.rss["page 1"] = peer.rss()
    cursors: dict[int, str | None] = {}
    numbers = (1, 2, FAR, FAR + 20, last)
    if peer.name == "chatkeep":  # it gets to a page by way of those before
        after: str | None = None
        for number in range(1, last + 1):
            cursors[number] = after
            after = peer.page(number, after=after).json()["next"]
            if number in numbers:
                found.rss[f"page {number:,}"] = peer.rss()
    else:
        for number in range(1, FAR + 21):
            peer.page(number)
        found.rss[f"page {FAR + 20:,}"] = peer.rss()

    # Call by call in turns, so that what else the machine does strikes all alike.
    times: dict[int, list[float]] = {1: [], 2: [], FAR: [], last: []}
    for _ in range(TIMES + 1):
        for number, series in times.items():
            took, answer = timed(lambda n=number: peer.page(n, after=cursors.get(n)))
            assert peer.rows(answer) == 100
            series.append(took)
    found.first, found.page_2, found.page_far, found.page_last = (
        statistics.median(series[1:]) for series in times.values()
    )
    sort_time, answer = timed(lambda: peer.page(1, sort=True))
    assert answer.is_success or answer.status_code == 409
    found.sorted_first = sort_time if answer.is_success else -1
    took, answer = timed(peer.search)
    found.search = f"{took:,.0f} ms" + (", refused" if answer.status_code == 409 else "")
    found.rss["end"] = peer.rss()
    return found


def table(found: dict[str, Figures], last: int) -> str:
    """Write the figures down."""
    head = "| | " + " | ".join(found) + " |\n|---|" + "--:|" * len(found)
    rows: list[tuple[str, Callable[[Figures], str]]] = [
        ("first page", lambda f: f"{f.first:.1f} ms"),
        ("page 2", lambda f: f"{f.page_2:.1f} ms"),
        (f"page {FAR}", lambda f: f"{f.page_far:.1f} ms"),
        (f"page {FAR} / page 2", lambda f: f"{f.page_far / f.page_2:.2f}"),
        (f"page {last:,}", lambda f: f"{f.page_last:,.1f} ms"),
        (
            "first page by `created_at`, which has no index",
            lambda f: "refused" if f.sorted_first < 0 else f"{f.sorted_first:,.0f} ms",
        ),
        (f"quick filter “{WORD}”, in no message", lambda f: f.search),
        ("bytes of a page", lambda f: f"{f.bytes:,}"),
        ("memory of the server after page 1", lambda f: f"{f.rss['page 1']} MiB"),
        (f"after page {FAR + 20}", lambda f: f"{f.rss[f'page {FAR + 20}']} MiB"),
        ("at the end", lambda f: f"{f.rss['end']} MiB"),
    ]
    lines = [
        f"| {name} | " + " | ".join(tell(f) for f in found.values()) + " |" for name, tell in rows
    ]
    return "\n".join([head, *lines])


async def about(url: str) -> dict[str, Any]:
    """Give what the figures hold for."""
    connection = await asyncpg.connect(url)
    row = await connection.fetchrow(
        "select count(*), pg_total_relation_size('b_message'), current_setting('server_version')"
        " from b_message"
    )
    await connection.close()
    assert row is not None
    return {"rows": row[0], "bytes": row[1], "postgres": row[2]}


def versions() -> str:
    """Give the peers' versions."""
    names = ("starlette-admin", "sqladmin", "sqlalchemy", "starlette", "uvicorn")
    code = f"import importlib.metadata as m; print(*(f'{{n}} {{m.version(n)}}' for n in {names}), sep=', ')"
    command = [str(interpreter_of("sqladmin")), "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def report(figures: str, facts: dict[str, Any], load: float) -> str:
    """Write the page."""
    its = machine()
    return f"""# The studio's row browser

`python -m benchmarks.studio --write`, {datetime.now(UTC):%Y-%m-%d}: {facts["rows"]:,} messages
({facts["bytes"] / 2**20:,.0f} MiB with indexes), PostgreSQL {facts["postgres"]}, Python
{platform.python_version()}; {versions()}; {its["cores"]} cores ({its["processor"]}), load average
{load:.1f} before the run. Milliseconds at a client on the same machine, medians of {TIMES}; 100 rows
a page in the order of the primary key.

{figures}

The peers give HTML and count the table for each page; ours gives JSON, and the estimate that
PostgreSQL keeps. They pass over the rows of the pages before (OFFSET); ours begins at the last row
of the page before. A sort or a filter that no index serves is refused unless it is asked for
(`scan=1`), and then runs at most 10 seconds.

A load average above the number of cores means that other work ran meanwhile, and not evenly for all
three: the times are upper bounds then, and what counts is how each grows from page 2 to page 2,000.
"""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the result in STUDIO.md")
    parser.add_argument("--quick", action="store_true", help="100,000 messages")
    parser.add_argument("--peers", default=",".join(PEERS))
    given = parser.parse_args()
    size = Size(24_000, 100_000) if given.quick else Size(240_000, 1_000_000)
    last = 500 if given.quick else 2000
    load = machine()["load_before"]
    with server() as own, own.acquire() as lease:
        asyncio.run(fill(lease.url, size))
        facts = asyncio.run(about(lease.url))
        found: dict[str, Figures] = {}
        for number, name in enumerate(given.peers.split(",")):
            with running(name, lease.url, 18_640 + number) as peer:
                found[name] = measure(peer, last)
            print(f"{name}: {found[name]}", flush=True)
    figures = table(found, last)
    print(figures)
    if given.write:
        REPORT.write_text(report(figures, facts, load), encoding="utf-8")


if __name__ == "__main__":
    main()
