"""`chatkeep migrate`."""

from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from chatkeep.cli.places import database_url, lock_wait_option, print_event, print_json
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.migrate import Applied, DryRun, Options, Report


class _Chosen(TypedDict):
    """What was said about waiting and order."""

    lock_wait: float
    lock_timeout: float
    lock_attempts: int
    statement_timeout: float | None
    allow_out_of_order: bool
    resume_after: int | None


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--to", metavar="TAG", help="Last migration to apply, by name or number.")
@click.option("--dry-run", is_flag=True, help="Print all that would be sent; change nothing.")
@lock_wait_option
@click.option(
    "--lock-timeout",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How long a statement waits for a lock before it gives way and comes again; 0: no end.",
)
@click.option(
    "--lock-attempts",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="How often a transaction is tried that does not get its locks, or deadlocks.",
)
@click.option(
    "--statement-timeout",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How long a statement may run; without it, what the role has.",
)
@click.option(
    "--allow-out-of-order",
    is_flag=True,
    help="Apply also what stands or is dated before something applied.",
)
@click.option(
    "--resume-after",
    type=click.IntRange(min=0),
    metavar="N",
    help="Say that N statements of the migration that broke off are there.",
)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def migrate(
    url: str | None, to: str | None, *, dry_run: bool, as_json: bool, **chosen: Unpack[_Chosen]
) -> None:
    """Apply the pending migrations."""
    import asyncio

    from chatkeep.kit import migrate as kit
    from chatkeep.kit.applying.events import silent
    from chatkeep.kit.folder.reading import Folder

    settings = Settings.load(url=url)
    folder = Folder.read(settings.migrations)
    options = _options(chosen)
    with database_url(settings) as database:
        if dry_run:
            found = asyncio.run(kit.dry_run(folder, database, to=to, options=options))
            _print_dry_run(found, as_json=as_json)
            return
        report = asyncio.run(
            kit.migrate(
                folder,
                database,
                to=to,
                options=options,
                on_applied=None if as_json else _say_applied,
                on_event=silent if as_json else print_event,
            )
        )
    _print_report(report, as_json=as_json)


def _options(chosen: _Chosen) -> "Options":
    from chatkeep.kit.applying.limits import Limits
    from chatkeep.kit.migrate import Options

    return Options(
        lock_wait=chosen["lock_wait"],
        limits=Limits(
            lock_timeout=chosen["lock_timeout"],
            statement_timeout=chosen["statement_timeout"],
            attempts=chosen["lock_attempts"],
        ),
        allow_out_of_order=chosen["allow_out_of_order"],
        resume_after=chosen["resume_after"],
    )


def _say_applied(applied: "Applied") -> None:
    click.echo(f"{applied.migration.tag}  {_time(applied.seconds)}")


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def _print_dry_run(found: "DryRun", *, as_json: bool) -> None:
    if as_json:
        pending = [
            {"tag": one.migration.tag, "sql": one.migration.sql, "sent": one.sql}
            for one in found.planned
        ]
        print_json({"before": found.before, "pending": pending, "after": found.after})
        return
    if not found.planned:
        click.echo("-- Nothing is pending." if found.books else "Nothing is pending.")
        if not found.books:
            return
    for text in (found.before, *(one.sql for one in found.planned), found.after):
        click.echo(text)


def _print_report(report: "Report", *, as_json: bool) -> None:
    if as_json:
        applied = [{"tag": a.migration.tag, "seconds": a.seconds} for a in report.applied]
        print_json(
            {
                "applied": applied,
                "already": report.already,
                "unknown": report.unknown,
                "ledger": report.ledger,
                "invalid_indexes": list(report.invalid_indexes),
            }
        )
        return
    from chatkeep.kit.status import invalid_line

    if report.applied:
        click.echo(f"{_count(len(report.applied))} applied.")
    else:
        click.echo(f"Nothing to apply: all of {_count(report.already)} are in the database.")
    for index in report.invalid_indexes:
        click.echo(invalid_line(index), err=True)
    if not report.ledger:
        click.echo("This role may not create the schema chatkeep: times were not noted.", err=True)


def _count(number: int) -> str:
    return f"{number} migration{'' if number == 1 else 's'}"
