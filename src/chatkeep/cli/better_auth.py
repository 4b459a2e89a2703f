"""`chatkeep auth better-auth`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli.places import print_json, schema_object
from chatkeep.cli.schema import AS_JSON, REFERENCE, content, write
from chatkeep.settings import Settings, load_object

if TYPE_CHECKING:
    from chatkeep.auth.better_auth_config import Adapter


@click.group("better-auth")
def better_auth() -> None:
    """Give Better Auth our names, and find what an older one left in the database."""


@better_auth.command()
@REFERENCE
@click.option(
    "--adapter",
    type=click.Choice(["pg", "drizzle"]),
    default="pg",
    show_default=True,
    help="What Better Auth's `database` is: a Pool of pg, or drizzleAdapter with our schema.ts.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when FILE is not up to date.")
@AS_JSON
def config(
    reference: str | None, adapter: "Adapter", out: Path | None, *, check: bool, as_json: bool
) -> None:
    """Print the map from Better Auth's names to the schema's."""
    from chatkeep.auth.better_auth_config import better_auth_config

    if check and out is None:
        raise click.UsageError("--check compares with a file: give --out as well.")
    settings = Settings.load()
    found = load_object(reference, settings.root) if reference else schema_object(settings)
    name = reference or settings.schema or "the schema"
    made = better_auth_config(found, adapter, reference=name)
    stale = out is not None and content(out) != made.module()
    if out is not None and stale and not check:
        write(out, made.module())
    if as_json:
        print_json(
            {
                "options": made.options(),
                "never_written": made.never_written,
                "file": str(out) if out else None,
                "changed": stale,
            }
        )
    elif out is None:
        click.echo(made.module(), nl=False)
    elif check:
        click.echo(f"{out} {'is not what the schema gives' if stale else 'is up to date'}.")
    else:
        click.echo(f"Wrote {out}" if stale else f"{out} is up to date.")
    for column in made.never_written:
        click.echo(
            f"{column} is required and Better Auth does not know it: every insert fails unless "
            "`additionalFields` names it, or it gets a default.",
            err=True,
        )
    if check and stale:
        raise SystemExit(1)
