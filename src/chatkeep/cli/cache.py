"""`chatkeep cache`: its commands stand in modules of their own and are named here."""

import click

from chatkeep.cli.cache_stats import stats


@click.group()
def cache() -> None:
    """Look into the cache of web searches."""


cache.add_command(stats)
