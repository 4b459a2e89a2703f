"""`chatkeep export`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli.bars import bar
from chatkeep.cli.import_ import counted, known_format, on_error_option, print_errors
from chatkeep.cli.places import database_url, print_json, schema_object
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from chatkeep.exchange import ExportOptions, ExportReport


@click.command()
@click.option(
    "--format",
    "format_name",
    metavar="FORMAT",
    callback=known_format,
    help="open-assistant, chatgpt, fine-tuning, markdown, vercel or open-webui; without, "
    "everything about --user, in one zip.",
)
@click.option("--user", metavar="ID|EMAIL", help="Whose chats.")
@click.option("--chat", "chat_id", metavar="ID", help="One chat alone.")
@click.option("--all", "is_all", is_flag=True, help="The chats of all users.")
@click.option("--out", metavar="FILE", help="What to write: a file, or the URL of a database.")
@on_error_option
@click.option("--account", metavar="ID|EMAIL", help="Into whose account of a database with many.")
@click.option("--force", is_flag=True, help="Without --format: write over a zip that is there.")
@click.option("--actor", metavar="NAME", help="Without --format: who asked for it, for the audit.")
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def export(  # noqa: PLR0913 - one parameter for each option
    *,
    format_name: str | None,
    user: str | None,
    chat_id: str | None,
    out: str | None,
    on_error: str,
    account: str | None,
    actor: str | None,
    url: str | None,
    is_all: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write chats in another product's format, or all that is stored about a person."""
    settings = Settings.load(url=url)
    if format_name is None:
        if user is None or chat_id is not None or is_all or account is not None:
            raise click.UsageError("Without --format it takes --user alone: all about that person.")
        _export_person(settings, user, (out, actor), force=force, as_json=as_json)
        return
    if (user is not None) + (chat_id is not None) + is_all != 1:
        raise click.UsageError("Say which chats: --user, --chat or --all.")
    if out is None:
        raise click.UsageError("Say where to: --out FILE.")
    if force or actor is not None:
        raise click.UsageError("--force and --actor belong to the export of a person.")
    from chatkeep.exchange import ExportOptions

    with bar("Exporting", _state) as on_progress:
        options = ExportOptions(
            user_id=user,
            chat_id=chat_id,
            on_error="skip" if on_error == "skip" else "stop",
            account=account,
            on_progress=on_progress,
        )
        report = _run(settings, (out, format_name), options)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report, out)
    if report.skipped:
        raise SystemExit(1)


def _run(settings: Settings, what: tuple[str, str], options: "ExportOptions") -> "ExportReport":
    import asyncio
    from dataclasses import replace

    from chatkeep.database import Database
    from chatkeep.exchange import export_conversations, find_user_id
    from chatkeep.personal.registry import schema_of

    schema = schema_of(schema_object(settings))

    async def run(address: str) -> "ExportReport":
        async with Database(schema, address) as db:
            given = options
            if options.user_id is not None:
                given = replace(options, user_id=await find_user_id(db, options.user_id))
            return await export_conversations(db, *what, given)

    with database_url(settings) as address:
        return asyncio.run(run(address))


def _export_person(
    settings: Settings,
    user: str,
    more: tuple[str | None, str | None],
    *,
    force: bool,
    as_json: bool,
) -> None:
    import asyncio

    from chatkeep.personal.exporting import ExportOptions, export_person
    from chatkeep.personal.registry import schema_of

    out, actor = more
    schema = schema_of(schema_object(settings))
    options = ExportOptions(force=force, actor=actor)
    path = None if out is None else Path(out)
    with database_url(settings) as address:
        report = asyncio.run(export_person(address, schema, user, path, options))
    if as_json:
        print_json(report.as_json())
        return
    rows, tables = counted(report.rows, "row"), counted(len(report.files), "table")
    click.echo(f"{rows} of {tables} {'is' if report.rows == 1 else 'are'} in {report.path}.")
    for table, number in report.quoted.items():
        quoted = counted(number, "row")
        click.echo(
            f"Left out: {quoted} of {table}, where others may have written of them.", err=True
        )
    for column in report.suspects:
        click.echo(f"{column} sounds like a person, and nothing links it to one.", err=True)


def _state(report: "ExportReport") -> "Mapping[str, Any]":
    return {"description": counted(report.conversations, "chat")}


def _print(report: "ExportReport", out: str) -> None:
    print_errors(report)
    where = "the database" if "://" in out else out
    was = "was" if report.there_already == 1 else "were"
    there = f", {report.there_already:,} {was} there already" if report.there_already else ""
    hidden = f", {counted(report.not_shown, 'message')} not shown and left out"
    left_out = hidden if report.not_shown else ""
    skipped = f", {report.skipped:,} skipped" if report.skipped else ""
    is_one = "is" if report.conversations == 1 else "are"
    click.echo(
        f"{counted(report.conversations, 'chat')} with {counted(report.messages, 'message')} "
        f"{is_one} in {where}, in {report.seconds:.1f} s{there}{left_out}{skipped}."
    )
