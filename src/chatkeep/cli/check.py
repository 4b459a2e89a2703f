"""`chatkeep check`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.check import Checked
    from chatkeep.kit.folder.reading import Folder
    from chatkeep.kit.scratch import Scratch
    from chatkeep.kit.target import Target


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option(
    "--against",
    metavar="REF",
    help="Branch or commit, as origin/main, whose migrations must not have changed.",
)
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def check(url: str | None, scratch_url: str | None, against: str | None, *, as_json: bool) -> None:
    """Compare schema, folder and database."""
    import asyncio

    from chatkeep.kit.check import Checked
    from chatkeep.kit.folder.soundness import examine
    from chatkeep.kit.rebasing.history import history_findings
    from chatkeep.kit.target import target_of

    settings = Settings.load(url=url, scratch_url=scratch_url)
    examined = examine(settings.migrations)
    schema = places.schema_object(settings)
    goal = target_of(schema, settings.schema or "the schema")
    folder = examined.folder
    if folder is None:
        checked = Checked(list(examined.findings), ["A folder that cannot be run is not compared."])
    else:
        past = history_findings(folder, against) if against else []
        with places.scratch(settings) as scratch, places.known_database_url(settings) as found:
            checked = asyncio.run(_check(settings, folder, goal, scratch, found))
        checked.findings[:0] = past
    if getattr(schema, "edition", None) == "seed":
        checked.notes.append("The seed's edition is as the seed wrote it: conventions not checked.")
    else:
        _add_breaches(checked, goal)
    _print(checked, as_json=as_json)
    if checked.findings:
        raise SystemExit(1)


async def _check(
    settings: Settings,
    folder: "Folder",
    goal: "Target",
    scratch: "Scratch",
    database: str | None,
) -> "Checked":
    from chatkeep.kit import check as kit
    from chatkeep.kit.status import status

    if database is None:
        note = "No database was given (--url or DATABASE_URL): not compared."
    elif settings.url is None and not (await status(folder, database)).has_any:
        database, note = None, "The embedded database has nothing of the folder: not compared."
    else:
        note = None
    checked = await kit.check(
        folder, goal, scratch, url=database, tables_filter=settings.tables_filter
    )
    checked.notes += [note] if note else []
    return checked


def _add_breaches(checked: "Checked", goal: "Target") -> None:
    from chatkeep.kit.folder.soundness import Finding
    from chatkeep.schema.conventions import check_conventions

    for breach in check_conventions(goal.state.metadata, prefix=goal.prefix):
        place = f"{breach.table}.{breach.column}" if breach.column else breach.table
        checked.findings.append(Finding("conventions", f"{place}: {breach.message}"))


def _print(checked: "Checked", *, as_json: bool) -> None:
    if as_json:
        findings = [
            {"area": f.area, "message": f.message, "remedy": f.remedy} for f in checked.findings
        ]
        places.print_json({"findings": findings, "notes": checked.notes})
        return
    for finding in checked.findings:
        click.echo(f"{finding.area}: {finding}")
    for note in checked.notes:
        click.echo(f"Note: {note}")
    if not checked.findings:
        click.echo("Nothing found: what was compared agrees.")
