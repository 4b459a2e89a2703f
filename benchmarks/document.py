"""What was measured, as JSON: everything that tables, plot and promises are made of."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.data import Size
from benchmarks.rounds import Contestant, Plan, Results, Series

Document = dict[str, Any]


@dataclass(frozen=True)
class Conditions:
    """What the figures hold for."""

    size: Size
    plan: Plan
    connections: int
    cores: str
    event_loop: str
    postgres: str


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, memory, system; no names."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "load_before": round(os.getloadavg()[0], 2),
    }


async def document(
    results: Results, field: Sequence[Contestant], conditions: Conditions, about: dict[str, Any]
) -> Document:
    """Put together everything that was measured; asks each peer for its memory.

    Args:
        results: Of all rounds.
        field: Who was measured; their processes still run.
        conditions: What it holds for.
        about: The machine as it was before the run.
    """
    size, plan = conditions.size, conditions.plan
    memory: dict[str, Any] = {}
    for one in field:
        peak = (await one.worker.ask(cmd="memory"))["peak_kib"]
        memory[one.name] = {"connected": one.worker.at_start_kib, "peak": peak}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": about,
        "postgresql": conditions.postgres,
        "versions": {one.name: one.worker.versions for one in field},
        "data": {"chats": size.chats, "messages": size.messages, "users": size.users},
        "rounds": plan.rounds,
        "seconds_a_turn": plan.seconds,
        "connections": conditions.connections,
        "cores": conditions.cores,
        "event_loop": conditions.event_loop,
        "memory_kib": memory,
        "patterns": patterns(results),
    }


def patterns(results: Results) -> dict[str, Any]:
    """Give the figures by pattern and contestant: medians, and the value of each round."""
    return {
        pattern: {name: _figures(series) for name, series in found.items()}
        for pattern, found in results.items()
    }


def _figures(series: Series) -> dict[str, Any]:
    return {
        "p50_us": round(statistics.median(series.p50), 1),
        "p99_us": round(statistics.median(series.p99), 1),
        "calls": series.calls,
        "p50_us_by_round": [round(value, 1) for value in series.p50],
        "calls_a_second": {
            str(tasks): round(statistics.median(values))
            for tasks, values in series.throughput.items()
        },
        "calls_a_second_by_round": {
            str(tasks): [round(value) for value in values]
            for tasks, values in series.throughput.items()
        },
    }


def times(found: dict[str, Any], name: str, base: str) -> float:
    """Give how many times as long as `base` somebody took: the median of the rounds' ratios."""
    pairs = zip(found[name]["p50_us_by_round"], found[base]["p50_us_by_round"], strict=True)
    return statistics.median(a / b for a, b in pairs)


def share(found: dict[str, Any], name: str, base: str, tasks: str) -> float:
    """Give the throughput as a share of that of `base`: the median of the rounds' ratios."""
    key = "calls_a_second_by_round"
    pairs = zip(found[name][key][tasks], found[base][key][tasks], strict=True)
    return statistics.median(a / b for a, b in pairs)
