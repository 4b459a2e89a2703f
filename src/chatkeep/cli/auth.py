"""`chatkeep auth`: its commands stand in modules of their own and are named here."""

import click

from chatkeep.cli.better_auth import better_auth
from chatkeep.cli.seal_tokens import seal_tokens


@click.group()
def auth() -> None:
    """Fit the front end's sign-in library to the tables, and look after what it stores."""


auth.add_command(better_auth)
auth.add_command(seal_tokens)
