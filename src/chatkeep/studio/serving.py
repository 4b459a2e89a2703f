"""A studio on a port of its own."""

import asyncio
import errno
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from chatkeep.database import Database
from chatkeep.errors import ConfigError, SchemaMismatchError
from chatkeep.schema.schema import Schema
from chatkeep.settings import Settings
from chatkeep.studio.app import application
from chatkeep.studio.door import Door, DoorGuard
from chatkeep.studio.ground import Ground
from chatkeep.studio.pages import STATIC

try:
    import uvicorn
except ImportError as missing:
    raise ConfigError(
        "`chatkeep studio` needs uvicorn, which is not installed.",
        hint="pip install 'chatkeep[studio]'",
    ) from missing

_LOOPBACK = "127.0.0.1"
_PATIENCE = 1  # seconds that what runs gets when the studio ends


@dataclass(frozen=True, slots=True)
class Place:
    """What a studio on a port of its own shows, and where.

    Attributes:
        settings: The project's.
        url: The database.
        schema: What the project's configuration names; without a Schema there are no conversations.
        write: Whether anything may be changed.
        port: Where to listen; 0 takes a free one.
        static: The built pages.
    """

    settings: Settings
    url: str
    schema: object = None
    write: bool = False
    port: int = 0
    static: Path = STATIC


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to `serve`: uvicorn ends the process before its connections are closed."""
        yield


async def serve(place: Place, told: Callable[[str], None]) -> None:
    """Serve the studio on loopback until it is interrupted or terminated.

    Args:
        place: What and where.
        told: Called with an address that lets one browser in, at the start and whenever one was used.

    Raises:
        ConfigError: The port cannot be used.
        ConnectionFailedError: The database cannot be reached.
        CancelledError: A signal ended it, and everything is closed.
    """
    this = asyncio.current_task()
    assert this is not None  # noqa: S101 - a coroutine runs in a task
    for each in (signal.SIGTERM, signal.SIGHUP):  # asyncio.run does the same for SIGINT
        asyncio.get_running_loop().add_signal_handler(each, this.cancel)
    async with running(place, told) as (door, server):
        told(door.url)
        await asyncio.shield(server)


@asynccontextmanager
async def running(
    place: Place, told: Callable[[str], None]
) -> AsyncGenerator[tuple[Door, asyncio.Task[None]]]:
    """Serve the studio while the block is open; give its door, and the task that serves.

    Raises:
        ConfigError: The port cannot be used, or the pages are not built.
        ConnectionFailedError: The database cannot be reached.
    """
    with _socket(place.port) as listening:
        door = Door(int(listening.getsockname()[1]), told)
        async with _ground(place) as ground:
            app = application(ground, DoorGuard, place.static, door=door)
            server = _Server(_config(app))
            task = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                yield door, task
            finally:
                server.should_exit = True
                await task
                await asyncio.gather(*server.server_state.tasks, return_exceptions=True)


def _config(app: Starlette) -> uvicorn.Config:
    """Settle what depends on the machine otherwise: which parser, which loop, which log."""
    return uvicorn.Config(
        app,
        http="h11",  # it refuses what is ambiguous, such as two hosts or two lengths
        ws="none",
        loop="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,  # addresses hold the token
        log_config=None,
        log_level="critical",  # faults are logged by the guard; a cancelled request is none
        timeout_graceful_shutdown=_PATIENCE,
    )


@asynccontextmanager
async def _ground(place: Place) -> AsyncGenerator[Ground]:
    """Open the typed access; where the tables are not of the schema's state, connections alone."""
    mismatch = None
    if isinstance(place.schema, Schema) and place.schema.edition == "hardened":
        database: Database[Any, Any, Any, Any] = Database(place.schema, place.url)
        try:
            await database.open()
        except SchemaMismatchError as error:
            mismatch = error
        else:
            try:
                yield Ground(place.settings, write=place.write, database=database)
            finally:
                await asyncio.shield(database.close())
            return
    ground = Ground(place.settings, write=place.write, schema=place.schema)
    ground.mismatch = mismatch
    async with ground.own_connections(place.url):
        yield ground


def _socket(port: int) -> socket.socket:
    # The protocol is named: asyncio sends small answers at once only where it sees TCP.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_LOOPBACK, port))
        listening.listen()  # two that are bound alone may have the same port
    except OSError as exc:
        listening.close()
        why = "is taken" if exc.errno == errno.EADDRINUSE else f"cannot be used: {exc.strerror}"
        raise ConfigError(
            f"Port {port} {why}.", hint="Leave --port out, which takes a free one."
        ) from exc
    return listening
