"""chatkeep beside its peers, on one server and the same data: `./dev bench`."""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import replace
from pathlib import Path

import asyncpg
from benchmarks import data, document, environment, report
from benchmarks.cores import MODES, Cores
from benchmarks.data import Keeper, Size
from benchmarks.floor import floor
from benchmarks.patterns import BY_NAME as PATTERNS
from benchmarks.peers.catalogue import BY_NAME as PEERS
from benchmarks.promises import OURS
from benchmarks.rounds import TASKS, Contestant, Plan, measure
from benchmarks.verify import WrongAnswerError, verify
from benchmarks.workers import WorkerError, started

LAST = environment.HERE / "last"


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    add = parser.add_argument
    add("--chats", type=int, default=120_000)
    add("--messages", type=int, default=500_000)
    add("--rounds", type=int, default=5)
    add("--seconds", type=float, default=0.2, help="of one peer's turn at one pattern")
    add("--connections", type=int, default=10)
    add("--patterns", type=_names(PATTERNS), default=list(PATTERNS), metavar="A,B")
    add("--peers", type=_names(PEERS), default=list(PEERS), metavar="A,B")
    add("--tasks", type=_numbers, default=list(TASKS), metavar="16,64", help="0 for latency alone")
    add("--cores", choices=MODES, default=MODES[0], help="see benchmarks/cores.py")
    add("--uvloop", action="store_true", help="for all Python peers")
    add(
        "--no-growth", action="store_true", help="leave out the comparison with a tenth of the data"
    )
    add("--quick", action="store_true", help="little data, short turns, three rounds, no growth")
    add("--url", help="an empty database to fill, instead of a server of our own; no growth")
    add("--out", type=Path, default=LAST, help="folder for results.json and ratios.svg")
    add("--write", action="store_true", help="keep the run: RESULTS.md, results.json, ratios.svg")
    add("--again", action="store_true", help="measure nothing; write those from results.json")
    args = parser.parse_args(words)
    if args.quick:
        args.chats, args.messages = min(args.chats, 3000), min(args.messages, 20_000)
        args.seconds, args.rounds = min(args.seconds, 0.1), min(args.rounds, 3)
    args.growth = not (args.no_growth or args.quick or args.url) and OURS in args.peers
    return args


def _names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name!r}; there are: {', '.join(known)}")
        return names

    return read


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if int(word) > 0]


class Run:
    """One run: its settings, and what must be closed at its end."""

    def __init__(self, args: argparse.Namespace, stack: AsyncExitStack) -> None:
        self.args = args
        self.size = Size(args.chats, args.messages)
        patterns = [PATTERNS[name] for name in args.patterns]
        ids = 60 if args.quick else 400
        self.plan = Plan(patterns, args.rounds, args.seconds, args.tasks, ids)
        self._stack = stack

    async def keeper(self, url: str, size: Size) -> Keeper:
        """Fill a database and open a connection for its keeper."""
        print(f"filling: {size.chats:,} chats, {size.messages:,} messages", flush=True)
        await data.fill(url, size)
        connection = await asyncpg.connect(url)
        self._stack.push_async_callback(connection.close)
        return Keeper(connection, size, seed=1)

    async def contestant(self, name: str, peer: str, url: str, keeper: Keeper) -> Contestant:
        """Start a peer's process, and check each of its answers."""
        opening = started(PEERS[peer], url, self.args.connections, uvloop=self.args.uvloop)
        worker = await self._stack.enter_async_context(opening)
        for pattern in self.plan.patterns:
            await verify(worker, pattern, keeper)
        return Contestant(name, worker, keeper)


async def compare(args: argparse.Namespace, url: str) -> document.Document:
    """Fill the database, check every peer's answers, measure."""
    about = document.machine()
    async with AsyncExitStack() as stack:
        run = Run(args, stack)
        keeper = await run.keeper(url, run.size)
        print("starting the peers, checking their answers", flush=True)
        field = [await run.contestant(peer, peer, url, keeper) for peer in args.peers]
        await keeper.take_back()
        cores = Cores(args.cores, keeper.connection)
        results = await measure(field, cores, run.plan)
        version = await keeper.connection.fetchval("show server_version")
        conditions = document.Conditions(
            run.size,
            run.plan,
            args.connections,
            cores.mode,
            "uvloop" if args.uvloop else "asyncio",
            version,
        )
        return await document.document(results, field, conditions, about)


async def grow(args: argparse.Namespace, url: str, small_url: str) -> document.Document:
    """Measure chatkeep on all of the data (already there) and on a tenth of it."""
    async with AsyncExitStack() as stack:
        run = Run(args, stack)
        small = await run.keeper(small_url, Size(args.chats // 10, args.messages // 10))
        connection = await asyncpg.connect(url)
        stack.push_async_callback(connection.close)
        large = Keeper(connection, run.size, seed=2)
        print("the same on a tenth of the data", flush=True)
        field = [
            await run.contestant("large", OURS, url, large),
            await run.contestant("small", OURS, small_url, small),
        ]
        cores = Cores(args.cores, connection)
        return document.patterns(await measure(field, cores, replace(run.plan, tasks=())))


def measured(args: argparse.Namespace) -> document.Document:
    """Have a server, and do the whole run on it."""
    with ExitStack() as stack:
        if args.url:
            return asyncio.run(compare(args, args.url))
        own = stack.enter_context(data.server())
        url = own.create_database("bench")
        found = asyncio.run(compare(args, url))
        if "user_by_email" in args.patterns:
            size = Size(args.chats, args.messages)
            found["floor_us"] = floor(own, "bench", size, found["cores"])
        if args.growth:
            found["growth"] = asyncio.run(grow(args, url, own.create_database("bench_small")))
        return found


def kept() -> document.Document:
    """Give the last run that was written."""
    return json.loads((environment.HERE / "results.json").read_text(encoding="utf-8"))


def keep(found: document.Document, folder: Path) -> None:
    """Write results.json and the plot."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "results.json"
    source.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if {OURS, "asyncpg"} < set(found["versions"]):  # a plot of two says nothing
        plot = [environment.python(), "-m", "benchmarks.plot", source, folder / "ratios.svg"]
        subprocess.run(plot, cwd=environment.ROOT, check=True)


def main() -> int:
    """Run what was asked for; 1 when a peer gave a wrong answer or broke down."""
    args = parse()
    try:
        found = kept() if args.again else measured(args)
    except (WrongAnswerError, WorkerError) as exc:
        print(exc, file=sys.stderr)
        return 1
    report.show(found)
    is_written = args.write or args.again
    keep(found, args.out.resolve())
    if is_written:
        keep(found, environment.HERE)
        report.write_results(report.markdown(found), "comparison")
    return 0


if __name__ == "__main__":
    sys.exit(main())
