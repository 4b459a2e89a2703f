"""`chatkeep auth better-auth`."""

import click


@click.group("better-auth")
def better_auth() -> None:
    """Give Better Auth our names, and find what an older one left in the database."""
