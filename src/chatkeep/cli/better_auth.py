"""`chatkeep auth better-auth`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli.places import database_url, print_json, schema_object
from chatkeep.cli.schema import AS_JSON, REFERENCE, content, write
from chatkeep.settings import Settings, load_object

if TYPE_CHECKING:
    from sqlalchemy import MetaData

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
@click.option(
    "--check", "checks", is_flag=True, help="Write nothing; exit 1 when FILE is not up to date."
)
@AS_JSON
def config(
    reference: str | None, adapter: "Adapter", out: Path | None, *, checks: bool, as_json: bool
) -> None:
    """Print the map from Better Auth's names to the schema's."""
    from chatkeep.auth.better_auth_config import better_auth_config

    if checks and out is None:
        raise click.UsageError("--check compares with a file: give --out as well.")
    settings = Settings.load()
    found = load_object(reference, settings.root) if reference else schema_object(settings)
    name = reference or settings.schema or "the schema"
    made = better_auth_config(found, adapter, reference=name)
    stale = out is not None and content(out) != made.module()
    if out is not None and stale and not checks:
        write(out, made.module())
    if as_json:
        print_json(
            {
                "options": made.options(),
                "adapter": made.adapter_options,
                "never_written": made.never_written,
                "file": str(out) if out else None,
                "changed": stale,
            }
        )
    elif out is None:
        click.echo(made.module(), nl=False)
    elif checks:
        click.echo(f"{out} {'is not what the schema gives' if stale else 'is up to date'}.")
    else:
        click.echo(f"Wrote {out}" if stale else f"{out} is up to date.")
    for column in made.never_written:
        click.echo(
            f"{column} is required and Better Auth does not know it: every insert fails unless "
            "`additionalFields` names it, or it gets a default.",
            err=True,
        )
    if checks and stale:
        raise SystemExit(1)


@better_auth.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--write", "writes", is_flag=True, help="Write the migration that mends it.")
@AS_JSON
def check(url: str | None, *, writes: bool, as_json: bool) -> None:
    """Find the required issuer that Better Auth 1.7.0 to 1.7.2 left, so that sign-ups fail."""
    import asyncio

    from chatkeep.auth.better_auth_issuer import check_issuer, write_mend

    settings = Settings.load(url=url)
    declared = _declared(settings)
    with database_url(settings) as database:
        mine = settings.tables_filter
        found = asyncio.run(check_issuer(database, tables_filter=mine, declared=declared))
        path = None
        if found and writes:
            path = asyncio.run(write_mend(found, settings.migrations, database, declared))
    if as_json:
        told = [
            {"schema": f.schema, "table": f.table, "message": f.message, "mend": f.mend}
            for f in found
        ]
        print_json({"found": told, "written": str(path) if path else None})
    else:
        for each in found:
            click.echo(f"{each.about}: {each.message}")
        click.echo(_next(path, found=bool(found), writes=writes))
    if found and path is None:
        raise SystemExit(1)


def _next(path: Path | None, *, found: bool, writes: bool) -> str:
    """Say what there is to do."""
    if not found:
        return "Nothing is left over of Better Auth 1.7.0 to 1.7.2."
    if path is not None:
        return f"Wrote {path}\nRead it, then run `chatkeep migrate`."
    if writes:
        return "The migration that mends it is written: run `chatkeep migrate`."
    return "`chatkeep auth better-auth check --write` writes the migration that mends it."


def _declared(settings: Settings) -> "MetaData | None":
    """Give the project's tables, where it has a schema."""
    from chatkeep.cli.places import target

    return target(settings).state.metadata if settings.schema else None
