"""`chatkeep diff`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatkeep.kit.plan.statement import Statement


def _renames(pairs: "Sequence[str]") -> dict[tuple[str, ...], str | None]:
    """Read `schema.table[.column]:new`; the schema may be left out of `table:new`."""
    found: dict[tuple[str, ...], str | None] = {}
    for pair in pairs:
        old, colon, new = pair.rpartition(":")
        path = tuple(old.split("."))
        if not colon or not new or not all(path) or len(path) > 3:
            raise click.BadParameter(f"`{pair}` is not old:new, such as public.users.bio:about.")
        found[("public", *path) if len(path) == 1 else path] = new
    return found


@click.command()
@click.argument("start", metavar="FROM")
@click.argument("goal", metavar="TO")
@click.option(
    "--rename", "pairs", multiple=True, metavar="OLD:NEW", help="schema.table[.column]:new."
)
@click.option("--allow-drops", is_flag=True, help="What may be a rename is a drop and an add.")
@click.option("--accept", multiple=True, metavar="KIND", help="Look past differences, as in grant.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def diff(  # noqa: PLR0913 - one parameter for each option
    start: str,
    goal: str,
    *,
    pairs: tuple[str, ...],
    allow_drops: bool,
    accept: tuple[str, ...],
    scratch_url: str | None,
    as_json: bool,
) -> None:
    """Print the SQL from one state to another.

    FROM and TO are each a database URL, a migrations folder, a .sql file or package.module:name.
    Exit 0 when they are equal, 1 when they differ.
    """
    import asyncio

    from chatkeep.kit.compare import Options, compare
    from chatkeep.kit.scratch import Scratch

    settings = Settings.load(scratch_url=scratch_url)
    options = Options(_renames(pairs), allow_drops, accept)
    with places.scratch_url(settings) as server:
        statements = asyncio.run(compare(start, goal, Scratch(server), Path.cwd(), options))
    _print(statements, as_json=as_json)
    if statements:
        raise SystemExit(1)


def _print(statements: "Sequence[Statement]", *, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "sql": s.sql,
                "kind": s.kind,
                "object": s.object,
                "action": s.action,
                "destructive": s.destructive,
            }
            for s in statements
        ]
        places.print_json({"equal": not rows, "statements": rows})
        return
    for statement in statements:
        click.echo(f"{statement.sql};")
