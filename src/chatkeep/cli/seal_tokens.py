"""`chatkeep auth seal-tokens`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli.bars import bar
from chatkeep.cli.places import database_url, print_json, schema_object
from chatkeep.errors import ConfigError
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatkeep.auth.reseal_report import ResealReport


@click.command("seal-tokens")
@click.option("--open", "opens", is_flag=True, help="The way back: open every sealed token.")
@click.option("--dry-run", is_flag=True, help="Count, and change nothing.")
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option(
    "--rows",
    type=click.IntRange(1, 10_000),
    default=500,
    show_default=True,
    help="Accounts in a batch at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def seal_tokens(url: str | None, rows: int, *, opens: bool, dry_run: bool, as_json: bool) -> None:
    """Seal providers' tokens with the newest key of CHATKEEP_TOKEN_KEYS, older seals too.

    The application may be up meanwhile, with the same keys. Ctrl-C ends it; the next call goes on.
    """
    import asyncio

    from chatkeep.auth.resealing import reseal, survey
    from chatkeep.schema.schema import Schema

    settings = Settings.load(url=url)
    found = schema_object(settings)
    if not isinstance(found, Schema):
        raise ConfigError(
            f"`{settings.schema}` is no schema of chatkeep's, so it has no accounts to seal.",
            hint="schema = deepsearch.schema(prefix=...)",
        )
    with database_url(settings) as database:
        if dry_run:
            report = asyncio.run(survey(found, database, opens=opens))
        else:
            with bar("Tokens", _state) as tell:
                report = asyncio.run(reseal(found, database, opens=opens, rows=rows, tell=tell))
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if not report.is_whole:
        raise SystemExit(1)


def _state(report: "ResealReport") -> "Mapping[str, int]":
    return {"completed": report.done, "total": report.pending}


def _print(report: "ResealReport") -> None:
    click.echo(f"plain: {report.plain:,}")
    for key_id, count in sorted(report.keys.items()):
        newest = ", the newest" if key_id == report.newest else ""
        click.echo(f"sealed with {key_id}{newest}: {count:,}")
    if report.better_auth:
        click.echo(f"left to Better Auth: {report.better_auth:,}")
    if report.damaged:
        click.echo(f"damaged: {report.damaged:,}")
    for key_id, count in sorted(report.unreadable.items()):
        click.echo(f"without the right key {key_id}: {count:,}")
    if report.unreadable:
        click.echo(
            f"Give CHATKEEP_TOKEN_KEYS the keys that sealed them ({', '.join(sorted(report.unreadable))}), "
            "behind the newest, and call it again. Where a key is lost, its tokens are: people sign in "
            "with the provider once more, and new tokens take their place."
        )
    if report.busy:
        click.echo(f"Accounts that others held until the end: {report.busy:,}; call it again.")
    word = "open" if report.opens else "seal"
    if not report.pending:
        click.echo(f"Nothing is to {word}.")
    elif report.is_dry_run:
        lost = report.unreadable.total()
        but = f", and {lost:,} of them do not open" if lost else ""
        click.echo(f"Nothing was changed; {report.pending:,} tokens are to {word}{but}.")
    else:
        past = "Opened" if report.opens else "Sealed"
        click.echo(f"{past} {report.done:,} of {report.pending:,} tokens.")
