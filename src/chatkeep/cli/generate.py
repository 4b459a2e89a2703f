"""`chatkeep generate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.generate import Generated


@click.command()
@click.option("--name", metavar="WORDS", help="Name of the migration; else it tells the change.")
@click.option(
    "--custom",
    "special",
    flag_value="custom",
    help="Write an empty migration to put your own SQL into.",
)
@places.rename_option
@click.option("--allow-drops", is_flag=True, help="Never ask about renames: what is gone goes.")
@click.option(
    "--hold-contract",
    "special",
    flag_value="hold",
    help="Upgrading from the seed's tables: leave the last step for another time.",
)
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def generate(
    name: str | None,
    renames: tuple[str, ...],
    scratch_url: str | None,
    special: str | None,
    *,
    allow_drops: bool,
    as_json: bool,
) -> None:
    """Write the next migration."""
    import asyncio

    from chatkeep.kit import generate as kit
    from chatkeep.kit.scratch import Scratch

    settings = Settings.load(scratch_url=scratch_url)
    if special == "custom":
        path = kit.generate_custom(settings.migrations, name)
        _print(kit.Generated((path,)), settings.migrations, as_json=as_json)
        return
    goal = places.target(settings)
    options = kit.Options(name, renames, allow_drops, special == "hold")
    with places.scratch_url(settings) as server:
        made = asyncio.run(kit.generate(settings.migrations, goal, Scratch(server), options))
    _print(made, settings.migrations, as_json=as_json)


def _print(made: "Generated", folder: Path, *, as_json: bool) -> None:
    if as_json:
        places.print_json(
            {
                "written": [str(path) for path in made.paths],
                "destructive": list(made.destructive),
                "held": made.held,
            }
        )
        return
    for path in made.paths:
        click.echo(f"Wrote {path}")
    if not made.paths:
        click.echo(f"Nothing to do: {folder} already leads to the schema.")
    for loss in made.destructive:
        click.echo(f"Loses data when applied: {loss}.", err=True)
    if made.held:
        click.echo(f"The step `{made.held}` is held back; the next `chatkeep generate` writes it.")
    elif made.paths:
        them = "it" if len(made.paths) == 1 else "them"
        click.echo(f"Read {them}, then run `chatkeep migrate`.")
