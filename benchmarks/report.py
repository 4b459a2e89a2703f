"""What was measured, as tables on the terminal, as JSON, and as benchmarks/RESULTS.md."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.data import Size
from benchmarks.patterns import BY_NAME, Pattern
from benchmarks.peers.catalogue import BY_NAME as PEERS
from benchmarks.rounds import BASE, Plan, Results, Series, ratio
from benchmarks.workers import Worker
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Conditions:
    """What the figures hold for."""

    size: Size
    plan: Plan
    connections: int
    uvloop: bool
    postgres: str
    node: str


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores, memory, system; no names."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load": os.getloadavg()[0],
    }


def document(
    results: Results, workers: Sequence[Worker], memory: dict[str, int], conditions: Conditions
) -> dict[str, Any]:
    """Give everything that was measured as JSON values."""
    size, plan = conditions.size, conditions.plan
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "postgresql": conditions.postgres,
        "node": conditions.node,
        "versions": {worker.peer.name: worker.versions for worker in workers},
        "data": {"chats": size.chats, "messages": size.messages, "users": size.users},
        "rounds": plan.rounds,
        "seconds_a_turn": plan.seconds,
        "connections": conditions.connections,
        "event_loop": "uvloop" if conditions.uvloop else "asyncio",
        "memory_kib": {
            worker.peer.name: {
                "connected": worker.at_start_kib,
                "peak": memory[worker.peer.name],
            }
            for worker in workers
        },
        "patterns": {
            name: {peer: _figures(series, peers.get(BASE)) for peer, series in peers.items()}
            for name, peers in results.items()
        },
    }


def _figures(series: Series, base: Series | None) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "p50_us": round(statistics.median(series.p50), 1),
        "p99_us": round(statistics.median(series.p99), 1),
        "p50_us_by_round": [round(value, 1) for value in series.p50],
        "calls": series.calls,
        "throughput": {
            tasks: round(statistics.median(values)) for tasks, values in series.throughput.items()
        },
    }
    if base is not None:
        figures["ratio"] = round(ratio(series.p50, base.p50), 3)
        figures["throughput_ratio"] = {
            tasks: round(ratio(values, base.throughput[tasks]), 3)
            for tasks, values in series.throughput.items()
        }
    return figures


def show(found: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console()
    for title, cell in _cells(found):
        table = Table("", *(PEERS[peer].title for peer in found["versions"]), title=title)
        for name, peers in found["patterns"].items():
            table.add_row(BY_NAME[name].title, *(cell(peers[peer]) for peer in found["versions"]))
        console.print(table)


def _cells(found: dict[str, Any]) -> list[tuple[str, Any]]:
    cells = [
        ("latency alone: p50 in µs (times bare asyncpg)", _latency),
        ("latency alone: p99 in µs", lambda figures: f"{figures['p99_us']:.0f}"),
    ]
    first = next(iter(next(iter(found["patterns"].values())).values()))
    for tasks in first["throughput"]:
        title = f"calls a second with {tasks} tasks on {found['connections']} connections"
        cells.append((title, lambda figures, tasks=tasks: _throughput(figures, tasks)))
    return cells


def _latency(figures: dict[str, Any]) -> str:
    times = f" ({figures['ratio']:.2f})" if "ratio" in figures else ""
    return f"{figures['p50_us']:.0f}{times}"


def _throughput(figures: dict[str, Any], tasks: int) -> str:
    ratios = figures.get("throughput_ratio")
    return f"{figures['throughput'][tasks]:,}" + (f" ({ratios[tasks]:.2f})" if ratios else "")


def patterns_of(found: dict[str, Any]) -> list[Pattern]:
    """Give the patterns that were measured."""
    return [BY_NAME[name] for name in found["patterns"]]
