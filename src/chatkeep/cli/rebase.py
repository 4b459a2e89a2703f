"""`chatkeep rebase`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.rebase import Rebased


@click.command()
@click.option("--onto", metavar="REF", help="Branch or commit whose migrations stay as they are.")
@click.option("--url", help="Database to ask what is applied; else DATABASE_URL.")
@click.option("--though-applied", is_flag=True, help="Renumber what is applied there, too.")
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def rebase(
    onto: str | None,
    url: str | None,
    *,
    though_applied: bool,
    dry_run: bool,
    scratch_url: str | None,
    as_json: bool,
) -> None:
    """Put this branch's migrations behind those of a branch merged with it."""
    import asyncio

    from chatkeep.kit import rebase as kit

    settings = Settings.load(url=url, scratch_url=scratch_url)
    with places.scratch(settings) as scratch, places.known_database_url(settings) as database:
        options = kit.Options(onto, database, though_applied, places.full_names(settings), dry_run)
        done = asyncio.run(kit.rebase(settings.migrations, scratch, options))
    _print(done, dry_run=dry_run, as_json=as_json)


def _print(done: "Rebased", *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        places.print_json(
            {
                "first": done.first,
                "moves": [
                    {"old": m.old, "new": m.new, "old_when": m.old_when, "new_when": m.new_when}
                    for m in done.moves
                ],
                "snapshots": list(done.snapshots),
                "left_out": list(done.left_out),
                "doubtful": list(done.doubtful),
                "changed": done.changed,
                "dry_run": dry_run,
            }
        )
        return
    for move in done.moves:
        click.echo(
            f"{move.old} is {move.new}" if move.old != move.new else f"{move.old} is redated"
        )
    for tag in done.left_out:
        click.echo(f"{tag} is left out: the other side has it, or took it away.")
    for tag in done.doubtful:
        click.echo(f"{tag}.down.sql no longer leads back: write it anew.", err=True)
    if not done.changed:
        click.echo("Nothing to do: the migrations stand one behind the other.")
    elif dry_run:
        click.echo("Nothing was written.")
    else:
        click.echo("All of it runs on a scratch database. Read it, then `git add` the folder.")
