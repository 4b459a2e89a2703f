"""`chatkeep sweep`."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from chatkeep.cli.places import database_url, print_json, schema_object
from chatkeep.errors import ConfigError
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from asyncio import Event
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any

    from chatkeep.personal.sweep_report import PolicyReport, SweepReport

_ONE = {  # what a schema calls its tables; an application's own keep their names
    "chats": "chat",
    "messages": "message",
    "message_chunks": "message_chunk",
    "message_embeddings": "message_embedding",
    "running_answers": "running_answer",
    "chat_shares": "chat_share",
    "sessions": "session",
    "verification_tokens": "verification_token",
    "verifications": "verification",
    "search_events": "search_event",
    "search_days": "search_day",
}
_AT_ONCE = {"trash": "at once", "search_events": "summed up by day"}
_SIZES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@click.command()
@click.option("--yes", "removes", is_flag=True, help="Remove it; without, nothing is changed.")
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option(
    "--rows",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="Rows in a batch at most.",
)
@click.option(
    "--lock-timeout",
    type=click.FloatRange(0.02, 60),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="What a client waits for a batch at most; batches become smaller to keep to it.",
)
@click.option(
    "--pause",
    type=click.FloatRange(0, 60),
    default=0.02,
    show_default=True,
    metavar="SECONDS",
    help="Between two batches.",
)
@click.option("--actor", metavar="NAME", help="Who does it, for the audit; else the system's user.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def sweep(  # noqa: PLR0913 - one parameter for each option
    url: str | None,
    rows: int,
    lock_timeout: float,
    pause: float,
    actor: str | None,
    *,
    removes: bool,
    as_json: bool,
) -> None:
    """Remove what has expired or is older than the retention policies allow.

    Without --yes it reports what would go. Ctrl-C ends it after the batch that is running; the
    next sweep goes on from there.
    """
    from chatkeep.personal.retention import policies
    from chatkeep.personal.sweep_batches import Pace
    from chatkeep.personal.sweeping import sweep as remove
    from chatkeep.personal.sweeping import sweep_report
    from chatkeep.schema.schema import Schema

    settings = Settings.load(url=url)
    found = schema_object(settings)
    if not isinstance(found, Schema):
        raise ConfigError(
            f"`{settings.schema}` is no schema of chatkeep's, so it has nothing to sweep.",
            hint="schema = deepsearch.schema(prefix=...)",
        )
    chosen = policies(settings.retention, settings.source)
    pace = Pace(rows, timedelta(seconds=lock_timeout), timedelta(seconds=pause))
    with database_url(settings) as database:
        if removes:
            report = _run(
                lambda stop: remove(found, database, chosen, pace=pace, stop=stop, actor=actor)
            )
        else:
            report = _run(lambda stop: sweep_report(found, database, chosen, stop=stop))
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if report.is_stopped or any(line.kept for line in report.policies):
        raise SystemExit(1)


def _run(begin: "Callable[[Event], Coroutine[Any, Any, SweepReport]]") -> "SweepReport":
    """Run it; the first Ctrl-C lets the batch end, the second one takes it back."""
    import asyncio
    import signal

    async def until_stopped() -> "SweepReport":
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        signals = (signal.SIGINT, signal.SIGTERM)

        def on_signal() -> None:
            stop.set()
            click.echo("Stopping after this batch; once more takes it back.", err=True)
            for number in signals:
                loop.remove_signal_handler(number)

        for number in signals:
            loop.add_signal_handler(number, on_signal)
        return await begin(stop)

    return asyncio.run(until_stopped())


def _print(report: "SweepReport") -> None:
    for line in report.policies:
        _print_policy(line, removes=report.removes)
    if report.is_stopped:
        click.echo("Stopped before the end; the next sweep goes on from there.")
    elif not report.found:
        click.echo("Nothing is to go.")
    elif report.removes:
        batches = "1 batch" if report.batches == 1 else f"{report.batches} batches"
        click.echo(f"Removed in {batches}; the longest took {report.longest_batch:.2f} s.")
    else:
        click.echo("Nothing was changed. `chatkeep sweep --yes` removes this for good.")


def _print_policy(line: "PolicyReport", *, removes: bool) -> None:
    policy = line.policy
    at_once = _AT_ONCE.get(policy.what, "expired")
    age = f"older than {policy.age}" if policy.older_than else at_once
    name = f"{policy.label}, {'never' if policy.older_than is None else age}"
    if policy.at_most is not None:
        name = policy.label
    what = _counted(line.removed if removes else line.found)
    span = f"  {line.oldest:%Y-%m-%d} to {line.newest:%Y-%m-%d}" if line.oldest else ""
    size = "" if removes or not line.about_bytes else f"  about {_size(line.about_bytes)}"
    click.echo(f"{name}: {what}{span}{size}")
    for reason, number in line.kept.items():
        click.echo(f"  kept: {number}, {reason}")
    if removes and line.difference:
        click.echo(f"  found before: {_counted(line.found)}")


def _counted(counts: "Mapping[str, int]") -> str:
    parts = (
        f"{n:,} {_ONE.get(table, table) if n == 1 else table}" for table, n in counts.items() if n
    )
    return ", ".join(parts) or "none"


def _size(number: int) -> str:
    unit = next(((size, name) for size, name in _SIZES if number >= size), None)
    return f"{number / unit[0]:.1f} {unit[1]}" if unit else f"{number} bytes"
