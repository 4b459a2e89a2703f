"""`chatkeep review`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.review import Review


@click.command()
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@click.option(
    "--url", help="Database that is only read: what is pending, sizes, rows; else DATABASE_URL."
)
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option(
    "--small",
    default=1.0,
    show_default=True,
    metavar="MB",
    help="A table of the database that is smaller turns a danger about locks into a note.",
)
@click.option(
    "--json",
    "form",
    flag_value="json",
    help="Report as JSON.",
)
@click.option("--markdown", "form", flag_value="markdown", help="Report for a pull request.")
def review(
    tags: tuple[str, ...],
    url: str | None,
    scratch_url: str | None,
    small: float,
    form: str | None,
) -> None:
    """Say what pending migrations do to a live database: locks, rewrites, lost rows."""
    import asyncio

    from chatkeep.kit import review as kit
    from chatkeep.kit.folder.reading import Folder

    settings = Settings.load(url=url, scratch_url=scratch_url)
    folder = Folder.read(settings.migrations)
    options = kit.Options(small_bytes=round(small * (1 << 20)))
    with places.scratch(settings) as scratch:
        found = asyncio.run(
            kit.review(folder, scratch, tags=tags, url=settings.url, options=options)
        )
    _print(found, form)
    if found.fails:
        raise SystemExit(1)


def _print(found: "Review", form: str | None) -> None:
    from chatkeep.kit.review import as_markdown, as_plain

    if form == "json":
        places.print_json(found.as_json())
    else:
        click.echo(as_markdown(found) if form == "markdown" else as_plain(found))
