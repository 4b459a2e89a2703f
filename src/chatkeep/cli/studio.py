"""`chatkeep studio`."""

import asyncio
import contextlib

import click

from chatkeep.cli.places import database_url, schema_object
from chatkeep.settings import Settings


@click.command()
@click.option("--url", help="Database; else DATABASE_URL, else the embedded server.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; else a free one.")
@click.option("--no-open", is_flag=True, help="Print the address and open no browser.")
@click.option("--write", is_flag=True, help="Allow changes: rows, migrations, sessions.")
@click.option("--scratch-url", metavar="URL", help="Server for scratch databases, for reviews.")
def studio(
    url: str | None, port: int, *, no_open: bool, write: bool, scratch_url: str | None
) -> None:
    """Look at the database, the conversations and the migrations in a browser."""
    from chatkeep.studio.serving import Place, serve

    settings = Settings.load(url=url, scratch_url=scratch_url)
    schema = schema_object(settings) if settings.schema else None
    is_first = True

    def told(address: str) -> None:
        nonlocal is_first
        click.echo(f"{'Studio' if is_first else 'For another browser'}: {address}")
        if is_first and not no_open:
            click.launch(address)
        is_first = False

    with database_url(settings) as database, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(Place(settings, database, schema, write=write, port=port), told))
