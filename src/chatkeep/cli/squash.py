"""`chatkeep squash`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.squash import Squashed


@click.command()
@click.option("--to", metavar="TAG", help="Last migration to fold, by name or number; else all.")
@click.option("--name", metavar="WORDS", default="squashed", help="Name of the new migration.")
@click.option(
    "--accept-data-steps",
    is_flag=True,
    help="Take along the rows that the migrations leave in an empty database.",
)
@click.option("--dry-run", is_flag=True, help="Prove it and print the SQL; change nothing.")
@click.option("--url", help="Database to ask what is applied; else DATABASE_URL.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def squash(  # noqa: PLR0913 - one parameter for each option
    to: str | None,
    name: str,
    *,
    accept_data_steps: bool,
    dry_run: bool,
    url: str | None,
    scratch_url: str | None,
    as_json: bool,
) -> None:
    """Fold the first migrations into one that makes the same database."""
    import asyncio

    from chatkeep.kit import squash as kit

    settings = Settings.load(url=url, scratch_url=scratch_url)
    names = places.full_names(settings)
    with places.scratch(settings) as scratch, places.known_database_url(settings) as database:
        options = kit.Options(to, name, accept_data_steps, database, names, dry_run)
        done = asyncio.run(kit.squash(settings.migrations, scratch, options))
    _print(done, dry_run=dry_run, as_json=as_json)


def _print(done: "Squashed", *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        places.print_json(
            {
                "written": str(done.path) if done.path and not dry_run else None,
                "replaced": list(done.replaced),
                "left_out": list(done.left_out),
                "rows": dict(done.rows),
                "sql": done.sql,
            }
        )
        return
    if done.path is None:
        click.echo("Nothing to do: there are not two migrations to fold.")
        return
    if dry_run:
        click.echo(done.sql.rstrip())
    else:
        click.echo(f"Wrote {done.path}")
    for tag in done.left_out:
        click.echo(f"{tag} writes rows that an empty database does not have: left out.", err=True)
    for table, count in done.rows.items():
        click.echo(f"{count} rows of {table} are in it as they are now.", err=True)
    if not dry_run:
        click.echo(f"It stands for {len(done.replaced)} migrations, which are in `squashed` now.")
