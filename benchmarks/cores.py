"""Where the client and the server run, for the turns in which one call follows the other.

A server that shares the client's core answers a one-row query in 25 µs on the machine that this was
written on; on another core, which must wake first, in 75 µs. Left alone, the system chooses now one,
now the other. So a run can say: `shared` shows the whole cost of the client's code, `apart` is what
an application and its database on cores of their own have, `free` is the system's choice. Turns
with many tasks are always free.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import asyncpg
from benchmarks.workers import Worker

MODES = ("shared", "apart", "free")


class Cores:
    """Places the processes on cores."""

    def __init__(self, mode: str, connection: asyncpg.Connection) -> None:
        self._all = os.sched_getaffinity(0)
        self.mode = mode if len(self._all) > 1 else "free"
        self._connection = connection
        self._servers: list[int] = []

    async def look(self) -> None:
        """Find the server's processes; a pool may have opened connections since the last look."""
        if self.mode != "free":
            rows = await self._connection.fetch("select pid from pg_stat_activity")
            self._servers = [row["pid"] for row in rows]

    def place(self, worker: Worker, tasks: int) -> None:
        """Put a peer and the server on their cores for a turn with so many tasks."""
        if self.mode == "free":
            return
        first, second, *_ = sorted(self._all)
        if tasks > 1:
            self._put(worker, self._all)
            self._put_server(self._all)
        else:
            self._put(worker, {first})
            self._put_server({first if self.mode == "shared" else second})

    def _put(self, worker: Worker, cores: Iterable[int]) -> None:
        if worker.peer.home == "node":  # its compiler and collector keep threads of their own
            os.sched_setaffinity(worker.pid, cores)
            return
        for thread in Path(f"/proc/{worker.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)

    def _put_server(self, cores: Iterable[int]) -> None:
        for pid in self._servers:
            try:
                os.sched_setaffinity(pid, cores)
            except ProcessLookupError:
                continue  # a connection was closed since
