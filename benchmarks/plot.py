"""Draw a run: how many times as long as bare asyncpg each peer takes, on a logarithmic scale.

    python -m benchmarks.plot results.json ratios.svg

Runs in the benchmarks' environment, which has matplotlib.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from benchmarks.patterns import BY_NAME
from benchmarks.peers.catalogue import BY_NAME as PEERS
from matplotlib.ticker import ScalarFormatter

BASE, OURS = "asyncpg", "chatkeep"


def ratios(found: dict[str, Any], peer: str) -> list[float]:
    """Give the peer's ratio for each pattern: the median of the rounds' ratios."""
    key = "p50_us_by_round"
    return [
        statistics.median(a / b for a, b in zip(peers[peer][key], peers[BASE][key], strict=True))
        for peers in found["patterns"].values()
    ]


def draw(found: dict[str, Any], target: Path) -> None:
    """Write the plot; the file's ending says which kind."""
    names = [BY_NAME[name].short for name in found["patterns"]]
    peers = sorted(
        (peer for peer in found["versions"] if peer != BASE),
        key=lambda peer: statistics.geometric_mean(ratios(found, peer)),
    )
    figure, axes = plt.subplots(figsize=(11, 6.5), layout="constrained")
    colours = mpl.colormaps["tab20"]
    for number, peer in enumerate(peers):
        is_ours = peer == OURS
        axes.plot(
            names,
            ratios(found, peer),
            marker="o",
            markersize=7 if is_ours else 4,
            linewidth=3 if is_ours else 1,
            color="black" if is_ours else colours(number % 20),
            label=PEERS[peer].title,
            zorder=3 if is_ours else 2,
        )
    axes.axhline(1, color="grey", linewidth=1, linestyle="--", label=PEERS[BASE].title)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.set_yticks([1, 1.5, 2, 3, 5, 10, 20, 50])
    axes.minorticks_off()
    axes.grid(axis="y", alpha=0.3)
    axes.set_ylabel("times bare asyncpg (p50, one call after the other)")
    data = found["data"]
    axes.set_title(
        f"{data['chats']:,} chats, {data['messages']:,} messages, PostgreSQL {found['postgresql']}"
    )
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    mpl.rcParams["svg.hashsalt"] = "chatkeep"  # the same figures give the same file
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    source, target = map(Path, sys.argv[1:3])
    draw(json.loads(source.read_text(encoding="utf-8")), target)


if __name__ == "__main__":
    main()
