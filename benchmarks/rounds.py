"""The measuring: rounds in which every peer has its turn at every pattern, in shuffled order.

Noise of the machine then hits all alike, and a ratio compares what was measured within seconds of
each other.
"""

import math
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from typing import Any

from benchmarks.cores import Cores
from benchmarks.data import VICTIMS, Keeper
from benchmarks.patterns import Pattern
from benchmarks.workers import Worker

TASKS = (16, 64)
PARTS = 4  # a peer's turn at one call after the other is taken in so many pieces


@dataclass(frozen=True)
class Plan:
    """What to measure.

    Attributes:
        rounds: How often every peer has its turn at every pattern.
        seconds: About how long one turn takes; in four pieces.
        ids: Each turn goes round so many lists of arguments, the same for all.
        tasks: For throughput: how many tasks make calls side by side; none for latency alone.
    """

    patterns: Sequence[Pattern]
    rounds: int
    seconds: float
    tasks: Sequence[int] = TASKS
    ids: int = 400


@dataclass
class Series:
    """What one peer gave for one pattern, a value for each round.

    Times are in microseconds, throughput in calls a second, by number of tasks.
    """

    p50: list[float] = default(default_factory=list[float])
    p99: list[float] = default(default_factory=list[float])
    calls: int = 0
    throughput: dict[int, list[float]] = default(default_factory=lambda: defaultdict(list))

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
"""By pattern, then by the contestant's name."""


@dataclass(frozen=True)
class Contestant:
    """A peer's process at work on one database.

    Attributes:
        name: Of the peer; another one where a peer stands against itself on other data.
        keeper: Of the database.
    """

    name: str
    worker: Worker
    keeper: Keeper


async def measure(field: Sequence[Contestant], cores: Cores, plan: Plan) -> Results:
    """Run all rounds, after a shorter one that is not counted."""
    results: Results = {
        pattern.name: {contestant.name: Series() for contestant in field}
        for pattern in plan.patterns
    }
    await _round(field, cores, replace(plan, seconds=plan.seconds / 2))
    started = time.monotonic()
    for number in range(1, plan.rounds + 1):
        for pattern, found in (await _round(field, cores, plan)).items():
            for name, series in found.items():
                results[pattern][name].add(series)
        spent = time.monotonic() - started
        left = spent / number * (plan.rounds - number)
        print(f"  round {number} of {plan.rounds}, {left:.0f} s to go", flush=True)
    return results


async def _round(field: Sequence[Contestant], cores: Cores, plan: Plan) -> Results:
    """Let everyone have their turns at every pattern, and take back what was written."""
    found: Results = {}
    for pattern in plan.patterns:
        await cores.look()
        if not pattern.once:
            await _load(field, pattern, plan.ids)
        found[pattern.name] = await _pattern(field, pattern, cores, plan)
    if any(pattern.writes for pattern in plan.patterns):
        for keeper in {id(one.keeper): one.keeper for one in field}.values():
            await keeper.take_back()
    return found


async def _pattern(
    field: Sequence[Contestant], pattern: Pattern, cores: Cores, plan: Plan
) -> dict[str, Series]:
    found = {one.name: Series() for one in field}
    times: dict[str, list[float]] = {one.name: [] for one in field}
    for _ in range(PARTS):
        for one in _shuffled(field):
            answer = await _turn(one, pattern, 1, plan.seconds / PARTS, cores)
            times[one.name] += answer["times"]
    for name, values in times.items():
        found[name].note(values)
    for tasks in plan.tasks:
        for one in _shuffled(field):
            answer = await _turn(one, pattern, tasks, plan.seconds, cores)
            found[one.name].throughput[tasks].append(answer["calls"] / answer["seconds"])
    return found


async def _load(field: Sequence[Contestant], pattern: Pattern, ids: int) -> None:
    """Give the arguments of the next turns: the same to all who work on the same database."""
    given: dict[int, list[list[object]]] = {}
    for one in field:
        key = id(one.keeper)
        if key not in given:
            given[key] = await one.keeper.arguments(pattern, ids)
        await one.worker.ask(cmd="load", pattern=pattern.name, args=given[key])


async def _turn(
    one: Contestant, pattern: Pattern, tasks: int, seconds: float, cores: Cores
) -> dict[str, Any]:
    if pattern.once:
        await _load([one], pattern, VICTIMS)
    cores.place(one.worker, tasks)
    return await one.worker.ask(
        cmd="run",
        pattern=pattern.name,
        tasks=tasks,
        seconds=seconds,
        tag=one.keeper.tag(),
        fresh=pattern.fresh,
        once=pattern.once,
    )


def _shuffled(field: Sequence[Contestant]) -> list[Contestant]:
    return random.sample(field, len(field))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Give the value below which this share of the ordered ones lies."""
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
