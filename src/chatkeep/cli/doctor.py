"""`chatkeep doctor`."""

import textwrap
from typing import TYPE_CHECKING

import click

from chatkeep.cli.places import database_url, print_json, schema_object
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.doctor import Report


def _known(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    if not values:
        return values
    from chatkeep.doctor import CHECKS

    names = [check.name for check in CHECKS]
    for value in values:
        if value not in names:
            raise click.BadParameter(f"there is no check `{value}`. There are: {', '.join(names)}.")
    return values


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option(
    "--only", multiple=True, metavar="CHECK", callback=_known, help="Make this check; repeatable."
)
@click.option(
    "--skip", multiple=True, metavar="CHECK", callback=_known, help="Leave it out; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def doctor(url: str | None, only: tuple[str, ...], skip: tuple[str, ...], *, as_json: bool) -> None:
    """Say what is wrong with a database, and the command that mends it."""
    import asyncio

    from chatkeep.doctor import CHECKS, Options, diagnose

    if not {check.name for check in CHECKS if not only or check.name in only} - set(skip):
        raise click.UsageError("--only and --skip leave no check to make.")
    settings = Settings.load(url=url)
    schema = schema_object(settings)
    options = Options(
        only=only,
        skip=skip,
        folder=settings.migrations,
        tables_filter=settings.tables_filter,
        embedded=None if settings.url else settings.embedded_root,
    )
    with database_url(settings) as database:
        report = asyncio.run(diagnose(schema, database, options))
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if not report.is_healthy:
        raise SystemExit(1)


def _print(report: "Report") -> None:
    from chatkeep.doctor import Severity

    for finding in report.findings:
        click.echo(f"{finding.severity}: {finding.about} ({finding.check})")
        click.echo(f"    {finding.message}")
        click.echo(f"    {finding.why}")
        click.echo(f"    mend ({finding.mend_with}):")
        click.echo(textwrap.indent(finding.mend, "        "))
    reasons: dict[str, list[str]] = {}
    for each in report.unseen:
        reasons.setdefault(each.reason.rstrip("."), []).append(each.check)
    for reason, names in reasons.items():
        click.echo(f"not looked at: {', '.join(names)}: {reason}.")
    counts = [(report.count(severity), severity) for severity in Severity]
    said = ", ".join(f"{count} {word}{'s' if count > 1 else ''}" for count, word in counts if count)
    checks = f"{len(report.checked)} check{'s' if len(report.checked) != 1 else ''}"
    click.echo(f"{said or 'Nothing found'}, {checks} made.")
