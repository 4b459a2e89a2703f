"""The peers' processes, as the driver speaks with them. Only one of them works at a time."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.patterns import Pattern
from benchmarks.peers.catalogue import PeerInfo, command, process_environment

_LINE_BYTES = 64 * 2**20
_ANSWER_SECONDS = 120.0


class WorkerError(Exception):
    """A peer's process ended, or did not answer."""


class Worker:
    """One peer's process, connected to one database."""

    def __init__(self, peer: PeerInfo, process: Process) -> None:
        self.peer = peer
        self.versions: dict[str, str] = {}
        self.at_start_kib = 0
        self._process = process

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def hello(self) -> None:
        """Wait until it has connected."""
        answer = await self._read()
        self.versions, self.at_start_kib = answer["versions"], answer["now_kib"]

    async def answer(self, pattern: Pattern, values: list[object]) -> object:
        """Make one call and give its answer in the common form."""
        said = await self.ask(cmd="answer", pattern=pattern.name, args=values)
        return said["answer"]

    async def ask(self, **message: object) -> dict[str, Any]:
        """Send a command and wait for its answer.

        Raises:
            WorkerError: The process ended, or took too long.
        """
        stdin = self._process.stdin
        if stdin is None:
            raise WorkerError(f"{self.peer.name}: no way to speak to its process")
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            await stdin.drain()
        except ConnectionError as exc:
            raise WorkerError(f"{self.peer.name}: its process ended") from exc
        return await self._read()

    async def end(self) -> None:
        """Let the process end, or end it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _read(self) -> dict[str, Any]:
        stdout = self._process.stdout
        if stdout is None:
            raise WorkerError(f"{self.peer.name}: no way to hear its process")
        try:
            line = await asyncio.wait_for(stdout.readline(), _ANSWER_SECONDS)
        except TimeoutError as exc:
            raise WorkerError(f"{self.peer.name}: no answer in {_ANSWER_SECONDS:.0f} s") from exc
        if not line:
            raise WorkerError(f"{self.peer.name}: its process ended; its own words stand above")
        return json.loads(line)


@asynccontextmanager
async def started(
    peer: PeerInfo, url: str, connections: int, *, uvloop: bool
) -> AsyncIterator[Worker]:
    """Start a peer's process and wait until it has connected; it ends with the block."""
    line, folder = command(peer, url, connections, uvloop=uvloop)
    process = await asyncio.create_subprocess_exec(
        *line,
        cwd=folder,
        env=process_environment(uvloop=uvloop),
        stdin=PIPE,
        stdout=PIPE,
        limit=_LINE_BYTES,
    )
    worker = Worker(peer, process)
    try:
        await worker.hello()
        yield worker
    finally:
        await worker.end()
