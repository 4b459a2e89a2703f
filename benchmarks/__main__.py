"""chatkeep beside its peers, on one server and the same data: `./dev bench`."""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import asyncpg
from benchmarks import data, report
from benchmarks.cores import MODES, Cores
from benchmarks.data import Keeper, Size
from benchmarks.patterns import BY_NAME as PATTERNS
from benchmarks.peers.catalogue import BY_NAME as PEERS
from benchmarks.rounds import TASKS, Plan, measure
from benchmarks.verify import WrongAnswerError, verify
from benchmarks.workers import Worker, WorkerError, started


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--chats", type=int, default=120_000)
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.2, help="of one peer's turn")
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--patterns", type=_names(PATTERNS), default=list(PATTERNS))
    parser.add_argument("--peers", type=_names(PEERS), default=list(PEERS))
    parser.add_argument(
        "--tasks", type=_numbers, default=list(TASKS), help="such as 16,64; 0: none"
    )
    parser.add_argument("--cores", choices=MODES, default=MODES[0], help="see benchmarks/cores.py")
    parser.add_argument("--quick", action="store_true", help="short turns, little data")
    parser.add_argument("--uvloop", action="store_true", help="for all Python peers")
    parser.add_argument("--out", type=Path, help="folder for results.json and the plot")
    parser.add_argument("--url", help="an empty database to fill, instead of a server of our own")
    args = parser.parse_args(words)
    if args.quick:
        args.chats, args.messages = min(args.chats, 3000), min(args.messages, 20_000)
        args.seconds, args.rounds = min(args.seconds, 0.05), min(args.rounds, 3)
    return args


def _names(known: dict[str, object]):  # what argparse calls on the text
    def read(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name!r}; there are: {', '.join(known)}")
        return names

    return read


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",") if int(word) > 0]


async def compare(args: argparse.Namespace, url: str) -> dict[str, object]:
    """Fill the database, check every peer's answers, measure."""
    size = Size(args.chats, args.messages)
    patterns = [PATTERNS[name] for name in args.patterns]
    plan = Plan(patterns, args.rounds, args.seconds, args.tasks)
    print(f"filling: {size.chats:,} chats, {size.messages:,} messages", flush=True)
    await data.fill(url, size)
    async with AsyncExitStack() as stack:
        connection = await asyncpg.connect(url)
        stack.push_async_callback(connection.close)
        keeper = Keeper(connection, size, seed=1)
        workers: list[Worker] = []
        for name in args.peers:
            opening = started(PEERS[name], url, args.connections, uvloop=args.uvloop)
            workers.append(await stack.enter_async_context(opening))
        print("checking every answer", flush=True)
        for worker in workers:
            for pattern in patterns:
                await verify(worker, pattern, keeper)
        await keeper.take_back()
        results = await measure(workers, keeper, Cores(args.cores, connection), plan)
        memory = {w.peer.name: (await w.ask(cmd="memory"))["peak_kib"] for w in workers}
        postgres = connection.get_server_version()
        conditions = report.Conditions(
            size, plan, args.connections, args.uvloop, f"{postgres.major}.{postgres.minor}", _node()
        )
    return report.document(results, workers, memory, conditions)


def _node() -> str:
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "absent"
    return said.stdout.strip().removeprefix("v")


def main() -> int:
    """Run what was asked for; 1 when a peer gave a wrong answer or broke down."""
    args = parse()
    with ExitStack() as stack:
        url = args.url
        if url is None:
            own = stack.enter_context(data.server())
            asyncio.run(data.configure(own))
            url = own.create_database("bench")
        try:
            found = asyncio.run(compare(args, url))
        except (WrongAnswerError, WorkerError) as exc:
            print(exc, file=sys.stderr)
            return 1
    report.show(found)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(found, indent=1) + "\n"
        (args.out / "results.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
