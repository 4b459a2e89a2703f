"""The measuring: rounds in which every peer has its turn at every pattern, in shuffled order.

Noise of the machine then hits all alike, and a ratio compares what was measured within seconds of
each other.
"""

import math
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cores import Cores
from benchmarks.data import Keeper
from benchmarks.patterns import Pattern
from benchmarks.workers import Worker

TASKS = (16, 64)
BASE = "asyncpg"
PARTS = 4  # a peer's turn at one call after the other is taken in so many pieces


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        rounds: How often every peer has its turn at every pattern.
        seconds: About how long one turn takes; in four pieces.
        tasks: For throughput: how many tasks make calls side by side; none for latency alone.
    """

    patterns: Sequence[Pattern]
    rounds: int
    seconds: float
    tasks: Sequence[int] = TASKS


@dataclass
class Series:
    """What one peer gave for one pattern, a value for each round.

    Times are in microseconds, throughput in calls a second, by number of tasks.
    """

    p50: list[float] = field(default_factory=list[float])
    p99: list[float] = field(default_factory=list[float])
    calls: int = 0
    throughput: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, times: list[float]) -> None:
        """Add the times of one round's calls."""
        ordered = sorted(times)
        self.p50.append(percentile(ordered, 0.50))
        self.p99.append(percentile(ordered, 0.99))
        self.calls += len(ordered)

    def add(self, other: "Series") -> None:
        """Add what another series holds."""
        self.p50 += other.p50
        self.p99 += other.p99
        self.calls += other.calls
        for tasks, values in other.throughput.items():
            self.throughput[tasks] += values


Results = dict[str, dict[str, Series]]
"""By pattern, then by peer."""


async def measure(workers: Sequence[Worker], keeper: Keeper, cores: Cores, plan: Plan) -> Results:
    """Run all rounds, after a shorter one that is not counted."""
    results: Results = {
        pattern.name: {worker.peer.name: Series() for worker in workers}
        for pattern in plan.patterns
    }
    turns = _Turns(keeper, cores, plan)
    await turns.round(workers, plan.seconds / 2, None)
    started = time.monotonic()
    for number in range(1, plan.rounds + 1):
        await turns.round(workers, plan.seconds, results)
        spent = time.monotonic() - started
        left = spent / number * (plan.rounds - number)
        print(f"  round {number} of {plan.rounds}, {left:.0f} s to go", flush=True)
    return results


class _Turns:
    def __init__(self, keeper: Keeper, cores: Cores, plan: Plan) -> None:
        self._keeper = keeper
        self._cores = cores
        self._plan = plan

    async def round(
        self, workers: Sequence[Worker], seconds: float, results: Results | None
    ) -> None:
        """Let every peer have its turns at every pattern, and take back what was written."""
        for pattern in self._plan.patterns:
            await self._cores.look()
            if not pattern.once:
                await self._load(workers, pattern)
            found = {worker.peer.name: Series() for worker in workers}
            await self._pattern(workers, pattern, seconds, found)
            if results is not None:
                for peer, series in found.items():
                    results[pattern.name][peer].add(series)
        if any(pattern.writes for pattern in self._plan.patterns):
            await self._keeper.take_back()

    async def _pattern(
        self,
        workers: Sequence[Worker],
        pattern: Pattern,
        seconds: float,
        found: dict[str, Series],
    ) -> None:
        times: dict[str, list[float]] = {name: [] for name in found}
        for _ in range(PARTS):
            for worker in _shuffled(workers):
                answer = await self._turn(worker, pattern, 1, seconds / PARTS)
                times[worker.peer.name] += answer["times"]
        for name, values in times.items():
            found[name].note(values)
        for tasks in self._plan.tasks:
            for worker in _shuffled(workers):
                answer = await self._turn(worker, pattern, tasks, seconds)
                rate = answer["calls"] / answer["seconds"]
                found[worker.peer.name].throughput[tasks].append(rate)

    async def _load(self, workers: Sequence[Worker], pattern: Pattern) -> None:
        given = await self._keeper.arguments(pattern)
        for worker in workers:
            await worker.ask(cmd="load", pattern=pattern.name, args=given)

    async def _turn(
        self, worker: Worker, pattern: Pattern, tasks: int, seconds: float
    ) -> dict[str, Any]:
        if pattern.once:
            await self._load([worker], pattern)
        self._cores.place(worker, tasks)
        return await worker.ask(
            cmd="run",
            pattern=pattern.name,
            tasks=tasks,
            seconds=seconds,
            tag=self._keeper.tag(),
            fresh=pattern.fresh,
            once=pattern.once,
        )


def _shuffled(workers: Sequence[Worker]) -> list[Worker]:
    return random.sample(workers, len(workers))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Give the value below which this share of the ordered ones lies."""
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def ratio(of: Sequence[float], to: Sequence[float]) -> float:
    """Give the median over the rounds of one peer's value divided by another's."""
    return statistics.median(a / b for a, b in zip(of, to, strict=True))
