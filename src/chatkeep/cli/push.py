"""`chatkeep push`."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from chatkeep.cli import places
from chatkeep.cli.questions import ask_renames, is_terminal
from chatkeep.errors import RenameUnclearError
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatkeep.kit import push as kit
    from chatkeep.kit.plan.statement import Statement
    from chatkeep.kit.scratch import Scratch


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@places.rename_option
@click.option("--allow-drops", is_flag=True, help="Never ask about renames: what is gone goes.")
@click.option(
    "--drop",
    multiple=True,
    metavar="NAME",
    help="A table, or table.column, whose rows or values may be lost.",
)
@click.option("--accept-data-loss", is_flag=True, help="All that is told may be lost.")
@click.option("--dry-run", is_flag=True, help="Try all of it, then take it back.")
@click.option("--force", is_flag=True, help="Push though migrations were applied here.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
def push(  # noqa: PLR0913 - one parameter for each option
    url: str | None,
    renames: tuple[str, ...],
    drop: tuple[str, ...],
    scratch_url: str | None,
    *,
    allow_drops: bool,
    accept_data_loss: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Change a development database to the schema, without migrations."""
    from chatkeep.kit import push as kit

    settings = Settings.load(url=url, scratch_url=scratch_url)
    options = kit.Options(
        settings.tables_filter,
        renames,
        allow_drops=allow_drops,
        drop=drop,
        accept_data_loss=accept_data_loss,
        force=force,
        dry_run=dry_run,
    )
    with places.database_url(settings) as database, places.scratch(settings) as scratch:
        pushed = _push(database, settings, scratch, options, as_json=as_json)
    _print(pushed, dry_run=dry_run, as_json=as_json)
    if pushed.refusals:
        raise SystemExit(1)


def _push(
    database: str, settings: Settings, scratch: "Scratch", options: "kit.Options", *, as_json: bool
) -> "kit.Pushed":
    """Push, and ask about renames at a terminal."""
    import asyncio

    from chatkeep.kit import push as kit

    goal = places.target(settings)
    say = None if as_json else _say
    while True:
        try:
            return asyncio.run(kit.push(database, goal, scratch, options, on_plan=say))
        except RenameUnclearError as error:
            if as_json or not is_terminal():
                raise
            options = replace(options, renames=(*options.renames, *_asked(error)))


def _asked(error: RenameUnclearError) -> tuple[str, ...]:
    """Ask at the terminal; give the answers as `--rename` takes them."""
    from chatkeep.kit.plan.renames import Candidate

    answers = ask_renames([Candidate(*candidate) for candidate in error.candidates])
    return tuple(f"{'.'.join(old)}:{new or ''}" for old, new in answers.items())


def _say(statements: "Sequence[Statement]") -> None:
    for statement in statements:
        click.echo(f"{statement.sql};")


def _print(pushed: "kit.Pushed", *, dry_run: bool, as_json: bool) -> None:
    from chatkeep.kit.push import describe_refusal

    if as_json:
        places.print_json(
            {
                "statements": [
                    {"sql": s.sql, "kind": s.kind, "object": s.object, "action": s.action}
                    for s in pushed.statements
                ],
                "refused": [
                    {"says": r.says, "rows": r.rows, "keys": list(r.keys), "drop": r.object}
                    for r in pushed.refusals
                ],
                "untouched": list(pushed.strangers),
                "pushed": bool(pushed.statements) and not dry_run,
            }
        )
        return
    for refusal in pushed.refusals:
        click.echo(f"In the way: {describe_refusal(refusal)}.", err=True)
    number = len(pushed.statements)
    them = f"{number} statement{'' if number == 1 else 's'}"
    if not number:
        click.echo("Nothing to do: the database is what the schema says.")
    elif dry_run:
        click.echo(f"{them} tried and taken back; nothing was changed.")
    else:
        click.echo(f"{them} run.")
    if pushed.strangers:
        click.echo(f"Tables of others, untouched: {', '.join(pushed.strangers)}.", err=True)
