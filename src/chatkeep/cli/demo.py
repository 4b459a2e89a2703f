"""`chatkeep demo`: the report of the main job."""

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.console import Console

    from chatkeep.demo.job import Outcome
    from chatkeep.kit.migrate import Applied

WIDE = 120  # columns; below that the report leaves the calls out


@click.command()
@click.option("--keep-running", is_flag=True, help="Leave the server up and print its URL.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder whose .chatkeep/ holds the server; the current one by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def demo(*, keep_running: bool, directory: Path, as_json: bool) -> None:
    """Show the whole database layer at work on real data.

    Starts the embedded PostgreSQL, applies the migrations of the DeepSearch example, imports 100
    real conversations for five users, and runs each access pattern. A second run adds nothing.
    """
    from rich.console import Console

    from chatkeep.demo.job import DATABASE, run_demo
    from chatkeep.server import EmbeddedServer

    console = Console(quiet=as_json, highlight=False)
    server = EmbeddedServer(directory.resolve() / ".chatkeep")
    console.print("[bold]chatkeep demo[/]: the database layer of an AI chat application\n")
    started = time.perf_counter()
    with server.acquire():
        startup = time.perf_counter() - started
        url = server.create_database(DATABASE)
        console.print(f"PostgreSQL is up after {startup:.2f} s, data in {server.root}")
        with Steps(console) as steps:
            outcome = asyncio.run(run_demo(url, steps))
        if keep_running:
            server.start(keep=True)
    if as_json:
        click.echo(json.dumps(as_dict(outcome, startup, url if keep_running else None), indent=2))
    else:
        show(console, outcome, url if keep_running else None)


class Steps:
    """Shows the progress of a run on the console."""

    def __init__(self, console: "Console") -> None:
        from rich.progress import Progress

        self._console = console
        self._progress: Progress = Progress(console=console, transient=True)
        self._task = self._progress.add_task("Importing conversations", total=None, visible=False)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self._progress.stop()

    def applied(self, migration: "Applied") -> None:
        """Print the migration."""
        tag = migration.migration.tag
        self._console.print(f"  applied {tag} in {migration.seconds * 1000:.0f} ms")

    def importing(self, total: int) -> None:
        """Start the bar."""
        self._progress.update(self._task, total=total, visible=True)

    def imported_one(self) -> None:
        """Move the bar."""
        self._progress.advance(self._task)


def show(console: "Console", outcome: "Outcome", url: str | None) -> None:
    """Print the report."""
    from rich.table import Table

    console.print(
        f"Migrations: {outcome.migrations_applied} applied now, {outcome.migrations} in all\n"
        f"Users: {outcome.users_added} added now, {outcome.users} in all\n"
        f"Messages: {outcome.messages_added} added now, {outcome.messages} in all, "
        f"in {outcome.chats} chats\n"
        f"Migrating and importing took {outcome.seconds:.2f} s\n"
    )
    wide = console.width >= WIDE
    table = Table(title="Access patterns", title_justify="left", expand=True)
    table.add_column("pattern", min_width=24)
    if wide:
        table.add_column("call", min_width=46)
    table.add_column("result", no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column("sent", justify="right", min_width=4)
    table.add_column("median", justify="right", min_width=7)
    for row in outcome.measured:
        call = [row.pattern.code] if wide else []
        sent, median = str(row.statements), f"{row.median_ms:.2f} ms"
        table.add_row(row.pattern.title, *call, row.result, sent, median)
    console.print(table)
    console.print("sent: statements of one call; median: of 30 calls, records built")
    if url:
        console.print("\nThe server stays up until `chatkeep db stop`. Its URL:")
        console.print(url, soft_wrap=True)
    else:
        console.print("\nThe server is stopped; the data stays.")
    console.print(
        "\nNext:\n"
        "  chatkeep studio --demo                       look at it in a browser\n"
        "  chatkeep demo --keep-running                 leave it up, print its URL\n"
        "  chatkeep db shell --database chatkeep_demo   psql on this data\n"
        "  examples/deepsearch/                         the project behind this\n"
        "  docs/seed-snippets.md                        the seed's queries, ours beside"
    )


def as_dict(outcome: "Outcome", startup: float, url: str | None) -> dict[str, object]:
    """Give the report as JSON-ready values; times in seconds and milliseconds as named."""
    counts = {name: value for name, value in outcome._asdict().items() if name != "measured"}
    patterns = [
        {
            "pattern": row.pattern.title,
            "result": row.result,
            "statements": row.statements,
            "medianMs": round(row.median_ms, 3),
        }
        for row in outcome.measured
    ]
    return {"startupSeconds": round(startup, 3), **counts, "patterns": patterns, "url": url}
