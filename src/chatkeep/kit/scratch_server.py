"""Where scratch databases are made: the server that the settings name, else the embedded one."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from chatkeep.errors import BinariesNotFoundError
from chatkeep.kit.scratch import Scratch
from chatkeep.server import EmbeddedServer, find_binaries
from chatkeep.settings import Settings


@contextmanager
def scratch_server(settings: Settings) -> Generator[Scratch]:
    """Give the server for scratch databases, with a pg_dump for proofs where there is one.

    Blocks while the embedded server starts; it is kept up for the length of the block.

    Raises:
        BinariesNotFoundError: No scratch server is named, and there is no PostgreSQL to be found.
        ServerStartError: The embedded server did not come up.
    """
    with _url(settings) as url:
        yield Scratch(url, dumpers=dumpers())


@contextmanager
def _url(settings: Settings) -> Generator[str]:
    if settings.scratch_url is not None:
        yield settings.scratch_url
        return
    server = EmbeddedServer(settings.embedded_root)
    with server.acquire():
        yield server.url("postgres")


def dumpers() -> list[Path]:
    """Give where a pg_dump may be: beside the embedded server's programs, then on the PATH."""
    found = shutil.which("pg_dump")
    try:
        beside = [find_binaries().folder / "pg_dump"]
    except BinariesNotFoundError:
        beside = []
    return [*beside, *([Path(found)] if found else [])]
