"""`chatkeep migrate`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli.places import database_url, print_json
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.folder.reading import Migration
    from chatkeep.kit.migrate import Applied, Report


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--to", metavar="TAG", help="Last migration to apply, by name or number.")
@click.option("--dry-run", is_flag=True, help="Print the SQL that would run; change nothing.")
@click.option(
    "--lock-wait",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another process that migrates this database.",
)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def migrate(
    url: str | None, to: str | None, *, dry_run: bool, lock_wait: float, as_json: bool
) -> None:
    """Apply the pending migrations."""
    import asyncio

    from chatkeep.kit import migrate as kit
    from chatkeep.kit.folder.reading import Folder

    settings = Settings.load(url=url)
    folder = Folder.read(settings.migrations)
    with database_url(settings) as database:
        if dry_run:
            _print_pending(asyncio.run(kit.pending(folder, database, to=to)), as_json=as_json)
            return
        said = None if as_json else _say
        report = asyncio.run(
            kit.migrate(folder, database, to=to, lock_wait=lock_wait, on_applied=said)
        )
    _print_report(report, as_json=as_json)


def _say(applied: "Applied") -> None:
    click.echo(f"{applied.migration.tag}  {applied.seconds * 1000:.0f} ms")


def _print_pending(pending: "list[Migration]", *, as_json: bool) -> None:
    if as_json:
        print_json({"pending": [{"tag": m.tag, "sql": m.sql} for m in pending]})
        return
    for migration in pending:
        click.echo(f"-- {migration.label}\n{migration.sql.rstrip()}\n")
    if not pending:
        click.echo("Nothing is pending.")


def _print_report(report: "Report", *, as_json: bool) -> None:
    if as_json:
        applied = [{"tag": a.migration.tag, "seconds": a.seconds} for a in report.applied]
        print_json(
            {
                "applied": applied,
                "already": report.already,
                "unknown": report.unknown,
                "ledger": report.ledger,
            }
        )
        return
    if report.applied:
        click.echo(f"{_count(len(report.applied))} applied.")
    else:
        click.echo(f"Nothing to apply: all of {_count(report.already)} are in the database.")
    if not report.ledger:
        click.echo("This role may not create the schema chatkeep: times were not noted.", err=True)


def _count(number: int) -> str:
    return f"{number} migration{'' if number == 1 else 's'}"
