"""`chatkeep db`: the project's embedded PostgreSQL."""

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chatkeep.server import EmbeddedServer, ServerStatus


@click.group("db")
def db() -> None:
    """Start, stop and look into the embedded PostgreSQL."""


def _server() -> "EmbeddedServer":
    from chatkeep.server import EmbeddedServer
    from chatkeep.settings import Settings

    return EmbeddedServer(Settings.load().embedded_root)


def _report(status: "ServerStatus", *, as_json: bool) -> None:
    from dataclasses import asdict

    facts = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(status).items()
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    if not status.running:
        made = f"holds the data of PostgreSQL {status.version}" if status.version else "is empty"
        click.echo(f"Not running. {status.data} {made}.")
        return
    where = f"127.0.0.1:{status.port} and " if status.port else ""
    click.echo(f"PostgreSQL {status.version} is running, process {status.pid}, user {status.user}.")
    click.echo(f"  listens on {where}{status.socket_dir}")
    click.echo(f"  data       {status.data}")
    click.echo(f"  log        {status.log}")
    until = "`chatkeep db stop`" if status.keep else "the last program that uses it ends"
    click.echo(f"  stays up until {until}; `chatkeep db url` prints its URL")


@db.command("start")
@click.option("--tcp", is_flag=True, help="Listen on a free port of 127.0.0.1 too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def start(*, tcp: bool, as_json: bool) -> None:
    """Start the server; it stays up until `chatkeep db stop`."""
    _report(_server().start(keep=True, tcp=tcp), as_json=as_json)


@db.command("stop")
@click.option("--force", is_flag=True, help="Stop now, even while other programs use it.")
def stop(*, force: bool) -> None:
    """Stop the server; while other programs use it, after the last of them."""
    if _server().stop(force=force):
        click.echo("Stopped.")
    else:
        click.echo(
            "Other programs are using the server; it stops when the last of them ends. "
            "`chatkeep db stop --force` stops it now."
        )


@db.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(*, as_json: bool) -> None:
    """Tell whether the server runs, where its files are and who keeps it up."""
    _report(_server().status(), as_json=as_json)


@db.command("url")
@click.option("--database", default="chatkeep", show_default=True, help="Name of the database.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def url(*, database: str, as_json: bool) -> None:
    """Print a URL, password included, that psql, asyncpg and Node accept."""
    line = _server().url(database)
    click.echo(json.dumps({"url": line}) if as_json else line)


@db.command("shell", context_settings={"ignore_unknown_options": True})
@click.option("--database", default="chatkeep", show_default=True, help="Name of the database.")
@click.argument("psql_args", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def shell(ctx: click.Context, *, database: str, psql_args: tuple[str, ...]) -> None:
    """Open psql on the server, starting it when needed; further arguments go to psql."""
    server = _server()
    with server.acquire():
        environment = {key: text for key, text in os.environ.items() if not key.startswith("PG")}
        command = [server.binaries().program("psql"), *psql_args]
        done = subprocess.run(  # noqa: S603 - psql of the server's own programs
            command, env=environment | server.client_environment(database), check=False
        )
    ctx.exit(done.returncode)


@db.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also while other programs use it.")
def reset(*, yes: bool, force: bool) -> None:
    """Delete every database of the embedded server."""
    server = _server()
    if not yes:
        click.confirm(f"Delete every database in {server.status().data}?", abort=True)
    server.reset(force=force)
    click.echo("Deleted. The next start makes an empty server.")
