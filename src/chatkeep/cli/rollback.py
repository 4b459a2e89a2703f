"""`chatkeep rollback`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.rollback import Options, Plan, Report, Reverted


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--to", metavar="TAG", help="Last migration that stays, by name or number.")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many to take back; without --to, one.",
)
@click.option("--dry-run", is_flag=True, help="Print all that would be sent; change nothing.")
@click.option("--accept-data-loss", is_flag=True, help="Stored rows and values may go.")
@places.lock_wait_option
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def rollback(  # noqa: PLR0913 - one parameter for each option
    url: str | None,
    to: str | None,
    steps: int | None,
    scratch_url: str | None,
    *,
    dry_run: bool,
    accept_data_loss: bool,
    lock_wait: float,
    as_json: bool,
) -> None:
    """Take applied migrations back by their reverses."""
    import asyncio

    from chatkeep.kit import rollback as kit
    from chatkeep.kit.applying.events import silent
    from chatkeep.kit.folder.reading import Folder

    if to is not None and steps is not None:
        raise click.UsageError("--to and --steps say the same in two ways: give one of them.")
    settings = Settings.load(url=url, scratch_url=scratch_url)
    folder = Folder.read(settings.migrations)
    options = kit.Options(accept_data_loss, lock_wait)
    with places.database_url(settings) as database:
        plan = asyncio.run(kit.select(folder, database, to=to, steps=steps or 1))
        if not plan.is_proved:
            with places.scratch(settings) as scratch:
                plan = asyncio.run(kit.prove(plan, database, scratch))
        if dry_run:
            _print_plan(plan, options, as_json=as_json)
            return
        said, tell = (None, silent) if as_json else (_say, places.print_event)
        report = asyncio.run(kit.rollback(plan, database, options, on_reverted=said, on_event=tell))
    _print_report(plan, report, as_json=as_json)


def _say(reverted: "Reverted") -> None:
    click.echo(f"{reverted.migration.tag}  {reverted.seconds * 1000:.0f} ms")


def _losses(plan: "Plan") -> dict[str, list[dict[str, object]]]:
    return {
        tag: [{"what": loss.words, "rows": loss.rows} for loss in losses]
        for tag, losses in plan.losses.items()
    }


def _print_plan(plan: "Plan", options: "Options", *, as_json: bool) -> None:
    texts = plan.sql(options)
    if as_json:
        rows = [{"tag": up.tag, "sent": sql} for up, sql in texts]
        places.print_json({"would_revert": rows, "loses": _losses(plan), "note": plan.note})
        return
    for up, sql in texts:
        for loss in plan.losses[up.tag]:
            click.echo(f"-- Loses data: {loss}.")
        click.echo(sql)
    _print_note(plan)
    if not texts:
        click.echo("Nothing to take back.")


def _print_report(plan: "Plan", report: "Report", *, as_json: bool) -> None:
    if as_json:
        reverted = [{"tag": r.migration.tag, "seconds": r.seconds} for r in report.reverted]
        places.print_json(
            {
                "reverted": reverted,
                "left": report.left,
                "lost": _losses(plan),
                "note": plan.note,
            }
        )
        return
    for losses in plan.losses.values():
        for loss in losses:
            click.echo(f"Gone: {loss}.", err=True)
    _print_note(plan)
    if not report.reverted:
        click.echo("Nothing to take back.")
        return
    count = len(report.reverted)
    click.echo(f"{count} migration{'' if count == 1 else 's'} taken back, {report.left} left.")


def _print_note(plan: "Plan") -> None:
    if plan.note:
        click.echo(f"Note: {plan.note}", err=True)
