"""Where a command finds the database, the scratch server and the schema."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from chatkeep.errors import ConfigError
from chatkeep.settings import Settings, load_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatkeep.kit.applying.events import Event
    from chatkeep.kit.scratch import Scratch
    from chatkeep.kit.target import Target


def _with_colon(
    _context: click.Context, _option: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    for value in values:
        if ":" not in value:
            raise click.BadParameter(f"`{value}` is not old:new, such as user.bio:about.")
    return values


rename_option = click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="OLD:NEW",
    callback=_with_colon,
    help=(
        "Say that OLD (a table, table.column, type, type.label, view, function, sequence, schema and "
        "so on) is NEW now, as in app_user.bio:about, names whole with their prefix. With nothing as "
        "NEW: that it goes."
    ),
)

lock_wait_option = click.option(
    "--lock-wait",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another process that migrates this database.",
)


@contextmanager
def database_url(settings: Settings) -> Generator[str]:
    """Give the URL of `--url` or DATABASE_URL, else of the embedded server, kept up meanwhile."""
    if settings.url is not None:
        yield settings.url
        return
    from chatkeep.server import EmbeddedServer

    server = EmbeddedServer(settings.embedded_root)
    with server.acquire():
        yield server.url()


@contextmanager
def known_database_url(settings: Settings) -> Generator[str | None]:
    """Give the URL of `--url` or DATABASE_URL, else of an embedded server that has data already."""
    if settings.url is None and not (settings.embedded_root / "password").exists():
        yield None
        return
    with database_url(settings) as url:
        yield url


@contextmanager
def scratch(settings: Settings) -> Generator["Scratch"]:
    """Give the server for scratch databases, with a pg_dump for proofs where there is one."""
    from chatkeep.kit.scratch_server import scratch_server

    with scratch_server(settings) as server:
        yield server


def schema_object(settings: Settings) -> object:
    """Load the schema that the configuration names.

    Raises:
        ConfigError: It names none, or what it names cannot be loaded.
    """
    if settings.schema is None:
        raise ConfigError(
            f"No schema is configured in {settings.root}.",
            hint='Write schema = "package.module:name" into chatkeep.toml.',
        )
    return load_object(settings.schema, settings.root)


def target(settings: Settings) -> "Target":
    """Give what the folder shall lead to."""
    from chatkeep.kit.target import target_of

    return target_of(schema_object(settings), settings.schema or "the schema")


def full_names(settings: Settings) -> "Mapping[str, str]":
    """Give the names of constraints that PostgreSQL cut, where a schema is configured."""
    return target(settings).full_names if settings.schema else {}


def print_json(document: object) -> None:
    """Print a report for programs."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def print_event(event: "Event") -> None:
    """Print what happens while migrations run, as far as it has a sentence."""
    line, is_progress = event.line()
    if line:
        click.echo(line, err=not is_progress)
