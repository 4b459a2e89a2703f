"""`chatkeep schema`."""

from typing import TYPE_CHECKING, Any

import click

from chatkeep.cli.places import print_json, schema_object
from chatkeep.errors import ConfigError
from chatkeep.settings import Settings, load_object

if TYPE_CHECKING:
    from sqlalchemy import MetaData

    from chatkeep.schema.schema import Schema

REFERENCE = click.option(
    "--schema", "reference", help="package.module:name; else what the configuration names."
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Report as JSON.")


@click.group()
def schema() -> None:
    """Print the schema as documentation or SQL."""


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
        click.echo(schema_docs(found), nl=False)


@schema.command()
@REFERENCE
@AS_JSON
def sql(reference: str | None, *, as_json: bool) -> None:
    """Print the statements that make the schema on an empty database."""
    from chatkeep.schema.ddl import create_statements

    found = _load(reference)
    statements = create_statements(_metadata(found), getattr(found, "extras", ()))
    if as_json:
        print_json({"statements": statements})
    else:
        click.echo("\n\n".join(f"{statement};" for statement in statements))


def _metadata(found: "Schema[Any, Any, Any, Any] | MetaData") -> "MetaData":
    from chatkeep.schema.schema import Schema

    return found.metadata if isinstance(found, Schema) else found


def _load(reference: str | None) -> "Schema[Any, Any, Any, Any] | MetaData":
    from sqlalchemy import MetaData

    from chatkeep.schema.schema import Schema

    settings = Settings.load()
    value = load_object(reference, settings.root) if reference else schema_object(settings)
    if isinstance(value, Schema):
        known: Schema[Any, Any, Any, Any] = value
        return known
    if isinstance(value, MetaData):
        return value
    name = reference or settings.schema
    raise ConfigError(
        f"`{name}` is neither a schema of chatkeep nor a MetaData of SQLAlchemy.",
        hint="Name an object such as deepsearch.schema() gives.",
    )
