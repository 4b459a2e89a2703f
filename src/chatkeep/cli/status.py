"""`chatkeep status`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli.places import database_url, print_json
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.status import Status


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def status(url: str | None, *, as_json: bool) -> None:
    """Show what is applied and what is pending."""
    import asyncio

    from chatkeep.kit import status as kit
    from chatkeep.kit.folder.reading import Folder

    settings = Settings.load(url=url)
    folder = Folder.read(settings.migrations)
    with database_url(settings) as database:
        found = asyncio.run(kit.status(folder, database))
    if as_json:
        print_json(found.as_json())
    else:
        _print(found)
    if not found.is_sound:
        raise SystemExit(1)


def _print(found: "Status") -> None:
    width = max((len(line.tag) for line in found.lines), default=0)
    for line in found.lines:
        when = f"  {line.applied_at:%Y-%m-%d %H:%M:%S %Z}" if line.applied_at else ""
        click.echo(f"{line.tag:<{width}}  {line.words}{when}")
    applied, pending = found.count("applied"), found.count("pending", "running")
    changed, back = found.count("edited", "redated"), found.count("reversing")
    more = f", {changed} changed since" if changed else ""
    more += f", {back} half taken back" if back else ""
    click.echo(f"{applied} applied, {pending} pending{more} in {found.folder}.")
    for note in found.notes():
        click.echo(note)
