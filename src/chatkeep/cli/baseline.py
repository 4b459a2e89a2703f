"""`chatkeep baseline`."""

from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from chatkeep.kit.baseline import Baselined
    from chatkeep.kit.differences import Difference


@click.command()
@click.argument("tag", required=False)
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option(
    "--accept",
    multiple=True,
    metavar="OBJECT",
    help="Let a difference count for nothing, as in 'index public.x_*'.",
)
@click.option("--dry-run", is_flag=True, help="Compare only; note nothing.")
@places.lock_wait_option
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def baseline(  # noqa: PLR0913 - one parameter for each option
    tag: str | None,
    url: str | None,
    accept: tuple[str, ...],
    *,
    dry_run: bool,
    lock_wait: float,
    scratch_url: str | None,
    as_json: bool,
) -> None:
    """Note migrations as applied that the database has already.

    TAG is the last of them, by name or number; without it, all of the folder are meant. Nothing is
    run. With a difference between the database and what the migrations make, nothing is noted, and
    each difference is named.
    """
    import asyncio

    from chatkeep.kit import baseline as kit
    from chatkeep.kit.folder.reading import Folder

    settings = Settings.load(url=url, scratch_url=scratch_url)
    folder = Folder.read(settings.migrations)
    options = kit.Options(tag, accept, settings.tables_filter, lock_wait, dry_run)
    with places.scratch(settings) as scratch, places.database_url(settings) as database:
        done = asyncio.run(kit.baseline(folder, database, scratch, options))
    if as_json:
        places.print_json(_report(done, dry_run=dry_run))
    else:
        _print(done, folder.path, dry_run=dry_run)
    if done.differences:
        raise SystemExit(1)


def _told(difference: "Difference") -> str:
    return difference.told("the folder", "the database")


def _report(done: "Baselined", *, dry_run: bool) -> dict[str, object]:
    def rows(found: "tuple[Difference, ...]") -> list[dict[str, object]]:
        return [{"object": d.object, "found": d.found, "message": f"{_told(d)}."} for d in found]

    return {
        "recorded": [] if dry_run else list(done.recorded),
        "would_record": list(done.recorded) if dry_run else [],
        "already": list(done.already),
        "differences": rows(done.differences),
        "accepted": rows(done.accepted),
        "fits": done.fits,
        "writes_rows": list(done.rows),
        "empty": done.empty,
    }


def _print(done: "Baselined", folder: "Path", *, dry_run: bool) -> None:
    for difference in done.accepted:
        click.echo(f"Accepted: {_told(difference)}.")
    if done.empty and done.differences:
        click.echo(
            f"The database has none of the tables of {folder}: `chatkeep migrate` makes them."
        )
        return
    for difference in done.differences:
        click.echo(f"{_told(difference)}.")
    if done.differences:
        click.echo("Nothing was noted.")
        if done.fits:
            click.echo(
                f"The database is what the folder makes up to {done.fits}: "
                f"`chatkeep baseline {done.fits}`, then `chatkeep migrate`."
            )
        return
    for tag in done.recorded:
        click.echo(f"{tag}  {'would be noted' if dry_run else 'noted, not run'}")
    for tag in done.rows:
        click.echo(f"{tag} writes rows too; whether they are there was not compared.", err=True)
    if not done.recorded:
        click.echo(f"Nothing to note: all {len(done.already)} are in the bookkeeping.")
