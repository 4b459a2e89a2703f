"""`chatkeep diff`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.compare import Compared


@click.command()
@click.argument("start", metavar="FROM")
@click.argument("goal", metavar="TO")
@places.rename_option
@click.option("--allow-drops", is_flag=True, help="What may be a rename is a drop and an add.")
@click.option("--accept", multiple=True, metavar="KIND", help="Look past differences, as in grant.")
@click.option(
    "--tables",
    multiple=True,
    metavar="PATTERN",
    help="Tables of a database that are yours, as in app_*; else tables_filter, else all.",
)
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def diff(  # noqa: PLR0913 - one parameter for each option
    start: str,
    goal: str,
    *,
    renames: tuple[str, ...],
    allow_drops: bool,
    accept: tuple[str, ...],
    tables: tuple[str, ...],
    scratch_url: str | None,
    as_json: bool,
) -> None:
    """Print the SQL from one state to another.

    FROM and TO are each a database URL, a migrations folder, a .sql file or package.module:name.
    Exit 0 when they are equal, 1 when they differ.
    """
    import asyncio

    from chatkeep.kit.compare import Options, compare

    settings = Settings.load(scratch_url=scratch_url)
    options = Options(renames, allow_drops, accept, tables or settings.tables_filter)
    with places.scratch(settings) as scratch:
        found = asyncio.run(compare(start, goal, scratch, Path.cwd(), options))
    _print(found, as_json=as_json)
    if found.statements:
        raise SystemExit(1)


def _print(found: "Compared", *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "sql": s.sql,
                "kind": s.kind,
                "object": s.object,
                "action": s.action,
                "destructive": s.destructive,
            }
            for s in found.statements
        ]
        left_out = list(found.strangers)
        places.print_json({"equal": not rows, "statements": rows, "left_out": left_out})
        return
    for statement in found.statements:
        if statement.loses:
            click.echo(f"-- Loses data: {statement.loses}.")
        click.echo(f"{statement.sql};")
    if found.strangers:
        click.echo(f"Tables of others, not compared: {', '.join(found.strangers)}.", err=True)
