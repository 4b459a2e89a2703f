"""`chatkeep import`."""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli.bars import bar
from chatkeep.cli.places import database_url, print_json, schema_object
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import Any

    from chatkeep.exchange import BadRecord, ExportReport, ImportOptions, ImportReport, Progress


def known_format(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    """Refuse a format that there is not, as wrong usage."""
    from chatkeep.exchange.formats import FORMATS

    if name is not None and name not in FORMATS:
        raise click.BadParameter(f"there is no format {name!r}; there are: {', '.join(FORMATS)}.")
    return name


on_error_option = click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="What becomes of a record that cannot be used.",
)


@click.command("import")
@click.argument("source")
@click.option(
    "--format",
    "format_name",
    required=True,
    metavar="FORMAT",
    callback=known_format,
    help="open-assistant, chatgpt, fine-tuning, vercel or open-webui.",
)
@click.option("--user", metavar="ID|EMAIL", help="Whose the conversations become.")
@click.option(
    "--all",
    "is_all",
    is_flag=True,
    help="Of a database with many users: each one's to who has the same e-mail here.",
)
@on_error_option
@click.option(
    "--errors",
    "errors_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write where each record stands that was skipped, and what is wrong with it, to a new "
    "file, as JSON Lines.",
)
@click.option("--account", metavar="ID|EMAIL", help="Whose they are in a database with many users.")
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def import_(  # noqa: PLR0913 - one parameter for each option
    source: str,
    *,
    format_name: str,
    user: str | None,
    is_all: bool,
    on_error: str,
    errors_file: Path | None,
    account: str | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Bring conversations of another product into one user's account, or into everybody's.

    SOURCE is a file, or the URL of a database. An import that runs again stores what is missing,
    and nothing twice.
    """
    from chatkeep.exchange import ImportOptions
    from chatkeep.exchange.everybody import EverybodyReport

    if (user is not None) + is_all != 1:
        raise click.UsageError("Say whose they become: --user, or --all.")
    if is_all and account is not None:
        raise click.UsageError("--all means everybody: it takes no --account.")
    settings = Settings.load(url=url)
    with _errors_into(errors_file) as on_bad, bar("Importing", _state) as on_progress:
        options = ImportOptions(
            "skip" if on_error == "skip" else "stop", account, on_bad, on_progress
        )
        report = _run(settings, user, (source, format_name), options)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if report.skipped or (isinstance(report, EverybodyReport) and report.unmatched):
        raise SystemExit(1)


def _run(
    settings: Settings, user: str | None, what: tuple[str, str], options: "ImportOptions"
) -> "ImportReport":
    import asyncio

    from chatkeep.database import Database
    from chatkeep.exchange import find_user_id, import_conversations
    from chatkeep.exchange.everybody import import_everybody
    from chatkeep.personal.registry import schema_of

    schema = schema_of(schema_object(settings))

    async def run(address: str) -> "ImportReport":
        async with Database(schema, address) as db:
            if user is None:
                return await import_everybody(db, *what, options)
            user_id = await find_user_id(db, user)
            return await import_conversations(db, user_id, *what, options)

    with database_url(settings) as address:
        return asyncio.run(run(address))


@contextmanager
def _errors_into(path: Path | None) -> "Generator[Callable[[BadRecord], object] | None]":
    """Tell of each bad record in a file at once: it is there also when the run is killed."""
    if path is None:
        yield None
        return
    from chatkeep.exchange.importing import error_as_json

    try:
        if path.is_file() and path.stat().st_size:  # which may be the source itself
            raise click.BadParameter(f"{path} is there already. Name another file, or remove it.")
        stream = path.open("a", encoding="utf-8", buffering=1)
    except OSError as exc:
        raise click.BadParameter(f"{path} cannot be written: {exc.strerror}.") from exc
    with stream:
        yield lambda bad: stream.write(json.dumps(error_as_json(bad), ensure_ascii=False) + "\n")


def _state(progress: "Progress") -> "Mapping[str, Any]":
    return {
        "completed": progress.done,
        "total": progress.size,
        "description": counted(progress.report.messages, "message"),
    }


def counted(number: int, what: str) -> str:
    """Give a number with the name of what it counts."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def print_errors(report: "ImportReport | ExportReport") -> None:
    """Tell of the records that were skipped, and last of what ended the reading."""
    for bad in report.errors:
        if not bad.is_last:
            click.echo(f"{bad.place}: {bad.problem}; skipped.", err=True)
    if report.skipped > len(report.errors):
        click.echo(f"... and {report.skipped - len(report.errors):,} more.", err=True)
    for bad in report.errors:
        if bad.is_last:
            click.echo(f"{bad.place}: {bad.problem}; nothing behind it was read.", err=True)


def _print(report: "ImportReport") -> None:
    print_errors(report)
    for account in getattr(report, "unmatched", ()):
        click.echo(
            f"No user here has the e-mail of {account.id}; "
            f"{counted(account.conversations, 'conversation')} left out.",
            err=True,
        )
    was = "was" if report.there_already == 1 else "were"
    there = f", {report.there_already:,} {was} there already" if report.there_already else ""
    empty = f", {report.empty:,} without messages left out" if report.empty else ""
    skipped = f", {counted(report.skipped, 'record')} skipped" if report.skipped else ""
    click.echo(
        f"{counted(report.conversations, 'conversation')} with "
        f"{counted(report.messages, 'message')} imported in {report.seconds:.1f} s"
        f"{there}{empty}{skipped}."
    )
