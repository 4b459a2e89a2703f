"""`chatkeep pull`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.pull import Pulled


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("schema.py"),
    show_default=True,
    help="Module to write.",
)
@click.option(
    "--tables",
    multiple=True,
    metavar="PATTERN",
    help="Tables that are yours, as in app_* or auth.*; else tables_filter, else all.",
)
@click.option("--accept", multiple=True, metavar="KIND", help="Leave out objects, as in grant.")
@click.option("--force", is_flag=True, help="Replace a module that is there.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def pull(  # noqa: PLR0913 - one parameter for each option
    url: str | None,
    out: Path,
    *,
    tables: tuple[str, ...],
    accept: tuple[str, ...],
    force: bool,
    scratch_url: str | None,
    as_json: bool,
) -> None:
    """Write a schema module and first migration from a database."""
    import asyncio

    from chatkeep.kit import pull as kit

    settings = Settings.load(url=url, scratch_url=scratch_url)
    options = kit.Options(out, tables or settings.tables_filter, accept, force=force)
    with places.database_url(settings) as database, places.scratch(settings) as scratch:
        pulled = asyncio.run(kit.pull(database, settings.migrations, scratch, options))
    _print(pulled, settings, as_json=as_json)


def _print(pulled: "Pulled", settings: Settings, *, as_json: bool) -> None:
    if as_json:
        places.print_json(
            {
                "module": str(pulled.module),
                "written": [str(path) for path in pulled.migrations],
                "tables": pulled.tables,
                "extras": [{"kind": kind, "object": name} for kind, name in pulled.extras],
            }
        )
        return
    more = f"; statements beside them: {len(pulled.extras)}" if pulled.extras else ""
    click.echo(f"Wrote {pulled.module}. Tables: {pulled.tables}{more}.")
    for path in pulled.migrations:
        click.echo(f"Wrote {path}")
    if not pulled.migrations:
        click.echo(f"{settings.migrations} leads to this database already: no migration written.")
    if settings.schema is None:
        click.echo(f'Name it in chatkeep.toml: schema = "{pulled.module.stem}:schema"')
    if pulled.migrations:
        click.echo("Run `chatkeep baseline` where the tables are there already.")
