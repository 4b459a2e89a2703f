"""`chatkeep generate`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from chatkeep.kit.generate import Generated
    from chatkeep.kit.target import Target


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
@click.option("--safe", is_flag=True, help="Write what a big table under load can bear, in steps.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def generate(  # noqa: PLR0913 - one for each option of the command line
    name: str | None,
    renames: tuple[str, ...],
    scratch_url: str | None,
    special: str | None,
    *,
    allow_drops: bool,
    safe: bool,
    as_json: bool,
) -> None:
    """Write the next migration."""
    import asyncio

    from chatkeep.cli.questions import ask_renames, is_terminal
    from chatkeep.kit import generate as kit

    settings = Settings.load(scratch_url=scratch_url)
    if special == "custom":
        path = kit.generate_custom(settings.migrations, name)
        _print(kit.Generated((path,)), settings.migrations, [], as_json=as_json)
        return
    schema = places.schema_object(settings)
    goal = places.target(settings)
    ask = ask_renames if is_terminal() and not as_json else None
    options = kit.Options(name, renames, allow_drops, special == "hold", ask, safe)
    prepared = kit.prepare(settings.migrations, goal, options)
    with places.scratch(settings) as scratch:
        made = asyncio.run(kit.write(prepared, scratch))
    _print(made, settings.migrations, _notes(made, schema, goal), as_json=as_json)


def _notes(made: "Generated", schema: object, goal: "Target") -> list[str]:
    """Say what is worth knowing and no reason to refuse."""
    from chatkeep.schema.conventions import check_conventions

    notes = list(made.notes)
    if getattr(schema, "edition", None) != "seed":  # that one is as the seed wrote it
        for breach in check_conventions(goal.state.metadata, prefix=goal.prefix):
            place = f"{breach.table}.{breach.column}" if breach.column else breach.table
            notes.append(f"{place}: {breach.message}")
    return notes


def _print(made: "Generated", folder: Path, notes: list[str], *, as_json: bool) -> None:
    if as_json:
        places.print_json(
            {
                "written": [str(path) for path in made.paths],
                "reverses": [str(path) for path in made.reverses],
                "irreversible": made.irreversible,
                "destructive": list(made.destructive),
                "destructive_back": list(made.lost_back),
                "held": made.held,
                "notes": notes,
            }
        )
        return
    for path in (*made.paths, *made.reverses):
        click.echo(f"Wrote {path}")
    if not made.paths:
        click.echo(f"Nothing to do: {folder} already leads to the schema.")
    _print_losses(made)
    for note in notes:
        click.echo(f"Note: {note}", err=True)
    if made.held:
        click.echo(f"The step `{made.held}` is held back; the next `chatkeep generate` writes it.")
    elif made.paths:
        them = "it" if len(made.paths) == 1 else "them"
        click.echo(f"Read {them}, then run `chatkeep migrate`.")


def _print_losses(made: "Generated") -> None:
    for loss in made.destructive:
        click.echo(f"Loses data when applied: {loss}.", err=True)
    if made.lost_back:
        first, more = made.lost_back[0], len(made.lost_back) - 1
        rest = f", and {more} more as the .down.sql says" if more else ""
        click.echo(f"Loses data when rolled back: {first}{rest}.", err=True)
    for name, reason in made.irreversible.items():
        click.echo(f"{name} cannot be rolled back: {reason}", err=True)
