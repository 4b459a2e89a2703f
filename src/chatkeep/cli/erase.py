"""`chatkeep erase`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.personal.erasing import ErasureOptions
    from chatkeep.personal.erasure_report import ErasureReport
    from chatkeep.personal.proof import Proof


@click.command()
@click.option("--user", metavar="ID|EMAIL", help="Whom; for --history the id.")
@click.option("--yes", is_flag=True, help="Do it. Without, it is only shown.")
@click.option(
    "--also",
    multiple=True,
    metavar="EMAIL",
    help="A further e-mail of theirs to look for; then --user may be the id of somebody gone.",
)
@click.option("--redact", is_flag=True, help="Replace what others wrote of id and e-mail.")
@click.option("--actor", metavar="NAME", help="Who asked for it; else the system's user.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0.001),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for rows that others hold.",
)
@click.option("--history", is_flag=True, help="Show the audit: who did what, newest first.")
@click.option("--limit", type=click.IntRange(min=1), default=100, help="Rows of --history.")
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def erase(  # noqa: PLR0913 - one parameter for each option
    user: str | None,
    also: tuple[str, ...],
    actor: str | None,
    wait: float,
    limit: int,
    url: str | None,
    *,
    yes: bool,
    redact: bool,
    history: bool,
    as_json: bool,
) -> None:
    """Erase a person from the database, and prove it; shows first what would go."""
    from chatkeep.personal.erasing import ErasureOptions

    settings = Settings.load(url=url)
    if history:
        _history(settings, user, limit, as_json=as_json)
        return
    if user is None:
        raise click.UsageError("Say whom: --user ID, or --user EMAIL.")
    options = ErasureOptions(also=also, actor=actor, redact=redact, lock_wait=wait)
    report = _run(settings, user, options, yes=yes)
    if as_json:
        places.print_json(report.as_json())
    else:
        _print(report)
    if not report.is_clean:
        raise SystemExit(1)


def _run(settings: Settings, user: str, options: "ErasureOptions", *, yes: bool) -> "ErasureReport":
    import asyncio

    from chatkeep.personal.erasing import erase_person, preview_erasure
    from chatkeep.personal.registry import schema_of

    schema = schema_of(places.schema_object(settings))
    work = erase_person if yes else preview_erasure
    with places.database_url(settings) as database:
        return asyncio.run(work(database, schema, user, options))


def _history(settings: Settings, user: str | None, limit: int, *, as_json: bool) -> None:
    import asyncio

    from chatkeep.personal.audit import read_history

    if user is not None and "@" in user:
        raise click.UsageError("The audit knows nobody's e-mail: give the id.")
    with places.database_url(settings) as database:
        entries = asyncio.run(read_history(database, subject_id=user, limit=limit))
    if as_json:
        places.print_json([entry.as_json() for entry in entries])
        return
    for entry in entries:
        whom = f"  {entry.subject[:12]}…" if entry.subject else ""
        click.echo(f"{entry.at:%Y-%m-%d %H:%M:%S %Z}  {entry.action}  by {entry.actor}{whom}")
    if not entries:
        click.echo("Nothing was noted in this database.")


def _print(report: "ErasureReport") -> None:
    width = max(len(step.table) for step in report.steps)
    for step in report.steps:
        reason = f"  ({step.reason})" if step.reason else ""
        click.echo(f"{step.table:<{width}}  {step.rule:<9}  {step.rows:>9,} rows{reason}")
    told = "were" if report.is_done else "would be"
    click.echo(
        f"{report.rows('delete'):,} rows {told} deleted, {report.rows('anonymise'):,} anonymised, "
        f"{report.rows('keep'):,} kept."
    )
    for each in report.redacted:
        click.echo(f"{each.table}.{each.column}: replaced in {each.rows:,} rows of others.")
    for cache in report.caches:
        said = f"failed with {cache.failure}" if cache.failure else f"forgot {cache.entries:,}"
        click.echo(f"Cache {cache.name}: {said}.")
    if report.proof is not None:
        _print_proof(report.proof, is_done=report.is_done)
    for failure in report.failures:
        click.echo(f"Failed after the person was erased: {failure}")
    for column in report.suspects:
        click.echo(f"{column} sounds like a person, and nothing links it to one.", err=True)
    for key in report.absent:
        click.echo(f"The schema has a foreign key {key}, the database has not.", err=True)
    if not report.is_done:
        click.echo("Nothing was changed. Run it again with --yes to erase.")


def _print_proof(proof: "Proof", *, is_done: bool) -> None:
    left = "is" if is_done else "would be"
    read = f"{proof.tables:,} tables with {proof.rows:,} rows read"
    if proof.is_clean:
        click.echo(f"{read}: neither id nor e-mail {left} left.")
    elif proof.findings:
        click.echo(f"{read}: something {left} left.")
    else:
        click.echo(f"{read}: nothing was found there, and not all could be read.")
    for each in proof.findings:
        keys = ", ".join(each.keys) + (", …" if each.rows > len(each.keys) else "")
        perhaps = f" ({each.perhaps:,} perhaps another's)" if each.perhaps else ""
        click.echo(
            f"  {each.what} in {each.table}.{each.column}, {each.rows:,} rows{perhaps}: {keys}"
        )
    for place, reason in proof.failed.items():
        click.echo(f"  {place} could not be read: {reason}")
    for column in proof.statistics:
        click.echo(f"Still in the planner's statistics, until ANALYZE sees other rows: {column}.")
    for column in proof.exempt:
        click.echo(f"Not looked into, because it is kept: {column}.")
    for table in proof.unread:
        click.echo(f"Not read, a foreign table or an extension's own: {table}.")
