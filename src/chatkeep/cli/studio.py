"""`chatkeep studio`."""

import asyncio
import atexit
import contextlib
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatkeep.cli.places import database_url, schema_object
from chatkeep.errors import ConfigError
from chatkeep.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; else a free one.")
@click.option("--no-open", is_flag=True, help="Print the address and open no browser.")
@click.option("--write", is_flag=True, help="Allow changes: rows, migrations, sessions.")
@click.option("--demo", is_flag=True, help="Look at what `chatkeep demo` stored here.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases, for reviews.")
def studio(
    url: str | None, port: int, *, no_open: bool, write: bool, demo: bool, scratch_url: str | None
) -> None:
    """Look at the database, the conversations and the migrations in a browser.

    Listens on 127.0.0.1 alone. Each printed address lets one browser in; then the next is printed.
    Ctrl-C ends it.
    """
    from chatkeep.kit.connection import shown
    from chatkeep.studio.serving import Place, serve

    if demo and url:
        raise click.UsageError("--demo is the demo's database; leave --url out.")
    atexit.register(gc.freeze)  # else the interpreter takes most of the end to free each thing
    settings = Settings.load(url=url, scratch_url=scratch_url)
    schema = schema_object(settings) if settings.schema and not demo else None
    is_first = True

    def told(address: str) -> None:
        nonlocal is_first
        with contextlib.suppress(OSError):  # the terminal may be gone while the studio is not
            click.echo(f"{'Studio' if is_first else 'For another browser'}: {address}")
            if is_first:
                may = "changes are allowed" if write else "read-only"
                click.echo(f"It shows {shown(database)}, {may}. Ctrl-C ends it.", err=True)
        if is_first and not no_open and _has_browser():
            click.launch(address)
        is_first = False

    with contextlib.ExitStack() as stack:
        # How it is meant to end.
        stack.enter_context(contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError))
        if demo:
            settings, database, schema = stack.enter_context(_demo())
        else:
            database = stack.enter_context(database_url(settings))
        asyncio.run(serve(Place(settings, database, schema, write=write, port=port), told))


@contextlib.contextmanager
def _demo() -> "Generator[tuple[Settings, str, object]]":
    """Give what the demo stored in this folder, with the schema and migrations that it has."""
    from chatkeep.demo.job import DATABASE, demo_schema, migrations_folder
    from chatkeep.server import EmbeddedServer

    root = Path.cwd()
    server = EmbeddedServer(root / ".chatkeep")
    if not server.root.exists():
        raise ConfigError(f"No demo has run in {root}.", hint="Run `chatkeep demo` first.")
    with server.acquire():
        url = server.create_database(DATABASE)
        yield Settings(root, None, migrations_folder(), (), url, None), url, demo_schema()


def _has_browser() -> bool:
    """Say whether a browser opens where the person sits; over ssh it would be one of the terminal."""
    if os.environ.get("BROWSER"):
        return True
    has_screen = not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    return has_screen and not os.environ.get("SSH_CONNECTION")
