"""What chatkeep promises of its speed, compared with what was measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.document import Document, share, times
from benchmarks.patterns import BY_NAME

BASE, OURS = "asyncpg", "chatkeep"
PLAIN, WITH_JSON = 1.15, 1.25
GROWTH = 1.3


@dataclass(frozen=True)
class Promise:
    """One promised figure for all patterns.

    Attributes:
        text: In words.
        figures: What was measured, by pattern.
        missed: Patterns that are on the wrong side of the limit.
    """

    text: str
    figures: dict[str, float]
    missed: list[str]


def promises(found: Document) -> Iterator[Promise]:
    """Compare; a promise on somebody who was not measured is left out."""
    if OURS not in found["versions"]:
        return
    if BASE in found["versions"]:
        yield _kept(
            found,
            f"times bare asyncpg: at most {PLAIN}, with JSON columns at most {WITH_JSON}",
            lambda peers: times(peers, OURS, BASE),
            lambda name, figure: figure <= (WITH_JSON if BY_NAME[name].has_json else PLAIN),
        )
    for peer, least in (
        ("sqlalchemy-orm", 3.0),
        ("drizzle-prepared", 1.0),
        ("drizzle-prepared-js", 1.0),
        ("drizzle", 2.0),
    ):
        if peer in found["versions"]:
            yield _kept(
                found,
                f"{peer} takes at least {least:g} times as long",
                lambda peers, peer=peer: times(peers, peer, OURS),
                lambda _, figure, least=least: figure >= least,
            )
    if BASE in found["versions"] and _has_tasks(found, "64"):
        yield _kept(
            found,
            "calls a second with 64 tasks: at least 0.85 of bare asyncpg's",
            lambda peers: share(peers, OURS, BASE, "64"),
            lambda _, figure: figure >= 0.85,
        )
    if "growth" in found:
        yield _kept(
            {"patterns": found["growth"]},
            f"on 10 times the data at most {GROWTH} times as long",
            lambda peers: times(peers, "large", "small"),
            lambda _, figure: figure <= GROWTH,
        )


def _kept(
    found: Document,
    text: str,
    figure: Callable[[dict[str, Any]], float],
    holds: Callable[[str, float], bool],
) -> Promise:
    figures = {name: figure(peers) for name, peers in found["patterns"].items()}
    missed = [name for name, value in figures.items() if not holds(name, round(value, 2))]
    return Promise(text, figures, missed)


def _has_tasks(found: Document, tasks: str) -> bool:
    return all(tasks in peers[OURS]["calls_a_second"] for peers in found["patterns"].values())
