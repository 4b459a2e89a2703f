"""Tables of a run, for the terminal and for benchmarks/RESULTS.md."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.document import Document, share, times
from benchmarks.patterns import BY_NAME, Pattern
from benchmarks.peers.catalogue import BY_NAME as PEERS
from benchmarks.promises import BASE, promises
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).with_name("RESULTS.md")


class Grid(NamedTuple):
    """One table."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def show(found: Document) -> None:
    """Print the tables."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)
    for title, head, rows in grids(found):
        table = Table(*head, title=title)
        for column in table.columns[1:]:
            column.justify = "right"
        for row in rows:
            table.add_row(*row)
        console.print(table)
    if found.get("floor_us"):
        console.print(_floor(found))


def grids(found: Document) -> Iterator[Grid]:
    """Give the tables: a line for each peer or promise, a column for each pattern."""
    patterns = patterns_of(found)
    head = ["", *(pattern.short for pattern in patterns)]
    has_base = BASE in found["versions"]
    if has_base:
        ratios = _rows(found, lambda peers, name: f"{times(peers, name, BASE):.2f}")
        yield Grid("latency, times bare asyncpg (median of the rounds)", head, ratios)
    p50 = _rows(found, lambda peers, name: f"{peers[name]['p50_us']:.0f}")
    yield Grid("latency, p50 in µs", head, p50)
    p99 = _rows(found, lambda peers, name: f"{peers[name]['p99_us']:.0f}")
    yield Grid("latency, p99 in µs", head, p99)
    for tasks in _tasks(found):
        title = f"calls a second, {tasks} tasks on {found['connections']} connections"
        rows = _rows(
            found, lambda peers, name, tasks=tasks: f"{peers[name]['calls_a_second'][tasks]:,}"
        )
        yield Grid(title, head, rows)
        if has_base:
            rows = _rows(
                found, lambda peers, name, tasks=tasks: f"{share(peers, name, BASE, tasks):.2f}"
            )
            yield Grid(f"share of bare asyncpg's calls a second, {tasks} tasks", head, rows)
    memory = [
        [PEERS[name].title, *(f"{kib[key] / 1024:.0f}" for key in ("connected", "peak"))]
        for name, kib in found["memory_kib"].items()
    ]
    yield Grid("memory of the process in MiB", ["", "connected", "peak of the run"], memory)
    kept = [
        [
            promise.text,
            *(_figure(promise.figures[p.name], p.name in promise.missed) for p in patterns),
        ]
        for promise in promises(found)
    ]
    if kept:
        yield Grid("what chatkeep promises (! is a miss)", head, kept)


def _floor(found: Document) -> str:
    return (
        f"The floor: PostgreSQL's own pgbench, in C and prepared, takes {found['floor_us']:.0f} µs "
        "for user by e-mail, in the median."
    )


def _figure(value: float, is_miss: bool) -> str:
    return f"{value:.2f}" + (" !" if is_miss else "")


def _rows(found: Document, cell: Callable[[dict[str, Any], str], str]) -> list[list[str]]:
    patterns = found["patterns"]
    return [
        [PEERS[name].title, *(cell(peers, name) for peers in patterns.values())]
        for name in found["versions"]
    ]


def _tasks(found: Document) -> list[str]:
    first = next(iter(next(iter(found["patterns"].values())).values()))
    return list(first["calls_a_second"])


def patterns_of(found: Document) -> list[Pattern]:
    """Give the patterns that were measured."""
    return [BY_NAME[name] for name in found["patterns"]]


def write_results(text: str, part: str, path: Path = RESULTS) -> None:
    """Write a part of RESULTS.md, between its two marks; what stands around them stays."""
    begin, end = (f"<!-- written by the {part}: {side} -->" for side in ("begin", "end"))
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(end)[2]
    path.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")


def markdown(found: Document) -> str:
    """Give the tables as Markdown, with what they hold for."""
    machine, data = found["machine"], found["data"]
    conditions = (
        f"{found['date']}: PostgreSQL {found['postgresql']} on a Unix socket; "
        f"{data['chats']:,} chats, {data['messages']:,} messages, {data['users']:,} users; "
        f"{found['rounds']} rounds of {found['seconds_a_turn']:g} s a turn; "
        f"{found['event_loop']} for Python; client and server: `--cores {found['cores']}`."
    )
    place = (
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, "
        f"{machine['system']}; load {machine['load_before']} when it began."
    )
    if machine["load_before"] > machine["cores"] / 2:
        place += " **Provisional: the machine was busy with other work.**"
    lines = [
        "",
        conditions,
        "",
        place,
        "",
        "| column | pattern |",
        "|---|---|",
        *(f"| {pattern.short} | {pattern.title} |" for pattern in patterns_of(found)),
        "",
    ]
    for title, head, rows in grids(found):
        lines += [f"### {title[0].upper()}{title[1:]}", "", *table_lines(head, rows), ""]
    if found.get("floor_us"):
        lines += [_floor(found), ""]
    lines += ["### Versions", "", "| | |", "|---|---|"]
    for name, versions in found["versions"].items():
        said = ", ".join(f"{package} {number}" for package, number in versions.items())
        lines.append(f"| {PEERS[name].title} | {said} |")
    return "\n".join([*lines, ""]) + "\n"


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Give a table in Markdown, numbers to the right."""
    return [
        "| " + " | ".join(head) + " |",
        "|---" + "|---:" * (len(head) - 1) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
