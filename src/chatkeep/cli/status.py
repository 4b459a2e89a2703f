"""`chatkeep status`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli.migrate import invalid_line
from chatkeep.cli.places import database_url, print_json
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.status import Status

_WORDS = {
    "edited": "edited: the file changed after being applied",
    "redated": "redated: applied with another date in the journal",
}


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
        word = _WORDS.get(line.state, line.state)
        if line.done is not None:
            what = "its rollback broke off" if line.state == "reversing" else "broke off"
            word = f"{what}: {line.done} of its {line.statements} statements are there"
        click.echo(f"{line.tag:<{width}}  {word}{when}")
    applied, pending = found.count("applied"), found.count("pending", "running")
    changed, back = found.count("edited", "redated"), found.count("reversing")
    more = f", {changed} changed since" if changed else ""
    more += f", {back} half taken back" if back else ""
    click.echo(f"{applied} applied, {pending} pending{more} in {found.folder}.")
    for tag in found.missing:
        click.echo(f"{tag} is in this database, and its file is gone from the folder.")
    for index in found.invalid_indexes:
        click.echo(invalid_line(index))
    for row in found.unknown:
        name = row.tag or f"hash {row.hash[:12]}…"
        click.echo(
            f"Row {row.id} of the bookkeeping ({name}) belongs to no migration of this folder; "
            "another project may keep its books here."
        )
