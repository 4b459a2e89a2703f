"""A peer's process: takes commands as lines of JSON on stdin, answers on stdout.

    python -m benchmarks.worker benchmarks.peers.asyncpg_bare URL CONNECTIONS

Standard library only; everything else comes with the peer. Nothing but the awaited call lies
between the two readings of the clock: a peer that has `build` makes its arguments before (arrays,
validated inputs).
"""

import asyncio
import gc
import importlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from benchmarks.patterns import BY_NAME, Pattern

Call = Callable[..., Awaitable[Any]]
MIN_CALLS = 3
AT_ONCE = 50
LOADED: dict[str, list[list[Any]]] = {}


class Peer(Protocol):
    """What a module in `benchmarks/peers` gives as `Peer`: a method for each pattern, and these."""

    packages: tuple[str, ...]

    async def open(self, url: str, connections: int) -> None:
        """Connect, and prepare what this tool prepares."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...

    def plain(self, pattern: str, answer: Any) -> object:
        """Bring an answer into the common form (`benchmarks.canonical`)."""
        ...


def memory() -> dict[str, int]:
    """Give this process's memory and its peak, in KiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = dict(re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE))
    return {"now_kib": int(found["VmRSS"]), "peak_kib": int(found["VmHWM"])}


def arguments(peer: Any, pattern: Pattern, given: list[list[Any]], tag: str) -> Iterator[list[Any]]:
    """Give the arguments of one call after the other, as the peer's call takes them."""
    build = getattr(peer, "build", None)
    plain = plain_arguments(pattern, given, tag)
    if build is None:
        yield from plain
        return
    while some := list(
        islice(plain, AT_ONCE)
    ):  # or a caller's caches would be full of the building
        yield from [build(pattern.name, values) for values in some]


def plain_arguments(pattern: Pattern, given: list[list[Any]], tag: str) -> Iterator[list[Any]]:
    if pattern.once:
        yield from given
        return
    number = 0
    while True:
        for values in given:
            if pattern.fresh:
                number += 1
                yield [*values, f"{tag}_{number}"]
            else:
                yield values


async def alone(
    call: Call, source: Iterator[list[Any]], seconds: float, *, is_once: bool
) -> list[float]:
    """Make one call after the other; give the microseconds of each.

    The first quarter of the time is not counted: caches are cold after another peer's turn.
    """
    times: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    settled = end - 0.75 * seconds
    for values in source:
        start = clock()
        await call(*values)
        done = clock()
        if start < settled and not is_once:
            continue
        times.append(round((done - start) * 1e6, 2))
        if done > end and len(times) >= MIN_CALLS:
            break
    return times


async def together(call: Call, source: Iterator[list[Any]], seconds: float, tasks: int) -> int:
    """Let tasks make calls side by side; give the number of calls."""
    count = 0
    end = time.perf_counter() + seconds

    async def work() -> None:
        nonlocal count
        for values in source:
            await call(*values)
            count += 1
            if time.perf_counter() > end:
                break

    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(work())
    return count


async def load(peer: Any, command: dict[str, Any]) -> dict[str, Any]:
    """Take the arguments of the next turns at a pattern, and clean up after the turns before."""
    name = command["pattern"]
    LOADED[name] = await ready(peer, name, command["args"])
    gc.collect()
    return {}


async def run(peer: Any, command: dict[str, Any]) -> dict[str, Any]:
    """Take a turn of about so many seconds at a pattern."""
    pattern = BY_NAME[command["pattern"]]
    tasks: int = command["tasks"]
    source = arguments(peer, pattern, LOADED[pattern.name], command["tag"])
    choose = getattr(peer, "call", None)
    call: Call = choose(pattern.name, tasks) if choose else getattr(peer, pattern.name)
    if tasks == 1:
        return {"times": await alone(call, source, command["seconds"], is_once=pattern.once)}
    start = time.perf_counter()
    calls = await together(call, source, command["seconds"], tasks)
    return {"calls": calls, "seconds": time.perf_counter() - start}


async def ready(peer: Any, pattern: str, given: list[list[Any]]) -> list[list[Any]]:
    """Let the peer bring arguments into its own form, outside of the measured time."""
    prepare = getattr(peer, "ready", None)
    return [await prepare(pattern, values) for values in given] if prepare else given


async def answer(peer: Any, command: dict[str, Any]) -> dict[str, Any]:
    """Make one call of each kind and give what came back, in the common form."""
    name = command["pattern"]
    (values,) = await ready(peer, name, [command["args"]])
    values = next(arguments(peer, BY_NAME[name]._replace(fresh=False), [values], ""))
    choose = getattr(peer, "call", None)
    found: list[object] = []
    for tasks in (1, 2) if choose and not BY_NAME[name].writes else (1,):
        call: Call = choose(name, tasks) if choose else getattr(peer, name)
        found.append(peer.plain(name, await call(*values)))
    if any(one != found[0] for one in found):
        raise RuntimeError(f"{name}: one connection and the pool give different answers")
    return {"answer": found[0]}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # chatkeep itself, where its sources stand on the path
        return "of this folder"


async def serve(module: str, url: str, connections: int) -> None:
    """Open the peer and carry out commands until stdin ends."""
    peer = importlib.import_module(module).Peer()
    await peer.open(url, connections)
    versions = {name: _version(name) for name in peer.packages}
    say({"versions": {"Python": platform.python_version(), **versions}, **memory()})
    # Reading blocks the loop on purpose: between two commands the process does nothing at all.
    for line in sys.stdin:
        command = json.loads(line)
        what = {"load": load, "run": run, "answer": answer}.get(command["cmd"])
        if what is not None:
            say(await what(peer, command))
        else:
            say(memory())
    await peer.close()


def say(message: dict[str, Any]) -> None:
    """Answer the driver."""
    OUT.write(json.dumps(message) + "\n")
    OUT.flush()


def settle_allocator() -> None:
    """Let glibc keep blocks of 256 KiB on its heap, in every peer alike.

    asyncio asks for so much at each read from a socket. Until a process has once freed a larger
    block, glibc maps and unmaps memory for it: 13 µs a call, more than the rest of a short call.
    Whether some library has done so by accident would decide a comparison.
    """
    bytes(2**20)


def main() -> None:
    """Run the event loop: asyncio's own, or uvloop where the driver asks for it."""
    settle_allocator()
    module, url, connections = sys.argv[1:4]
    work = serve(module, url, int(connections))
    if os.environ.get("BENCH_UVLOOP"):
        importlib.import_module("uvloop").run(work)
    else:
        asyncio.run(work)


if __name__ == "__main__":
    OUT = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    main()
