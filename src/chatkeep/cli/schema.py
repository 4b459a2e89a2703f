"""`chatkeep schema`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chatkeep.cli import places
from chatkeep.cli.places import print_json, schema_object
from chatkeep.errors import ConfigError
from chatkeep.settings import Settings, load_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import MetaData

    from chatkeep.kit.declared import Declared
    from chatkeep.schema.schema import Schema

    Found = Schema[Any, Any, Any, Any] | MetaData | Declared

REFERENCE = click.option(
    "--schema", "reference", help="package.module:name; else what the configuration names."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Report as JSON.")


@click.group()
def schema() -> None:
    """Print the schema as documentation, SQL or TypeScript."""


@schema.command()
@REFERENCE
@AS_JSON
def docs(reference: str | None, *, as_json: bool) -> None:
    """Print the tables as a Markdown page with an ER diagram."""
    from chatkeep.schema.docs import schema_docs
    from chatkeep.schema.facts import as_json as facts_json
    from chatkeep.schema.facts import describe

    found = _load(reference)
    if as_json:
        print_json({"tables": facts_json(describe(_metadata(found)))})
    else:
        click.echo(schema_docs(_documented(found)), nl=False)


@schema.command()
@REFERENCE
@AS_JSON
def sql(reference: str | None, *, as_json: bool) -> None:
    """Print the statements that make the schema on an empty database."""
    from chatkeep.kit.build import schema_sql
    from chatkeep.kit.declared import Declared
    from chatkeep.schema.ddl import create_statements

    found = _load(reference)
    if isinstance(found, Declared):
        statements = schema_sql(found)  # some of its SQL comes before the tables
    else:
        statements = create_statements(_metadata(found), getattr(found, "extras", ()))
    if as_json:
        print_json({"statements": statements})
    else:
        click.echo("\n\n".join(f"{statement};" for statement in statements))


@schema.command()
@REFERENCE
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when FILE is not up to date.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases.")
@AS_JSON
def drizzle(
    reference: str | None,
    out: Path | None,
    scratch_url: str | None,
    *,
    check: bool,
    as_json: bool,
) -> None:
    """Print the tables and relations as a schema.ts of drizzle-orm."""
    import asyncio

    from chatkeep.kit.drizzle.module import drizzle_schema

    if check and out is None:
        raise click.UsageError("--check compares with a file: give --out as well.")
    settings = Settings.load(scratch_url=scratch_url)
    found = load_object(reference, settings.root) if reference else schema_object(settings)
    name = reference or settings.schema or "the schema"
    with places.scratch(settings) as scratch:
        made = asyncio.run(drizzle_schema(found, scratch, name))
    stale = out is not None and content(out) != made.text
    if out is not None and stale and not check:
        write(out, made.text)
    if as_json:
        document = {"schema": None if out else made.text, "left_out": list(made.left_out)}
        print_json({**document, "file": str(out) if out else None, "changed": stale})
    else:
        _tell(made.text, out, made.left_out, stale=stale, check=check)
    if check and stale:
        raise SystemExit(1)


def _tell(
    text: str, out: Path | None, left_out: "Sequence[str]", *, stale: bool, check: bool
) -> None:
    if out is None:
        click.echo(text, nl=False)
    elif check:
        said = "is not what the schema gives: write it anew" if stale else "is up to date"
        click.echo(f"{out} {said}.")
    else:
        click.echo(f"Wrote {out}" if stale else f"{out} is up to date.")
    for name in left_out:
        click.echo(f"Not in it, since drizzle has no word for it: {name}", err=True)


def content(path: Path) -> str | None:
    """Give a file's text, None where there is no file."""
    try:
        return path.read_bytes().decode("utf-8") if path.exists() else None
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read as UTF-8 text.") from exc


def write(path: Path, text: str) -> None:
    """Write a file that a command makes."""
    try:
        path.write_bytes(text.encode())
    except OSError as exc:
        raise ConfigError(
            f"{path} cannot be written: {exc.strerror}.",
            hint="Give --out a file in a folder.",
        ) from exc


def _metadata(found: "Found") -> "MetaData":
    from sqlalchemy import MetaData

    return found if isinstance(found, MetaData) else found.metadata


def _documented(found: "Found") -> "Schema[Any, Any, Any, Any] | MetaData":
    from chatkeep.schema.schema import Schema

    return found if isinstance(found, Schema) else _metadata(found)


def _load(reference: str | None) -> "Found":
    from sqlalchemy import MetaData

    from chatkeep.kit.declared import Declared
    from chatkeep.schema.schema import Schema

    settings = Settings.load()
    value = load_object(reference, settings.root) if reference else schema_object(settings)
    if isinstance(value, Schema):
        known: Schema[Any, Any, Any, Any] = value
        return known
    if isinstance(value, MetaData | Declared):
        return value
    name = reference or settings.schema
    raise ConfigError(
        f"`{name}` is neither a schema of chatkeep nor a MetaData of SQLAlchemy.",
        hint="Name an object such as deepsearch.schema() gives.",
    )
