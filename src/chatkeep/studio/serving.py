"""A studio on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from chatkeep.database import Database
from chatkeep.errors import ConfigError, SchemaMismatchError
from chatkeep.schema.schema import Schema
from chatkeep.settings import Settings
from chatkeep.studio.app import application
from chatkeep.studio.door import Door, DoorGuard
from chatkeep.studio.ground import Ground
from chatkeep.studio.pages import STATIC

_LOOPBACK = "127.0.0.1"


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


async def serve(place: Place, told: Callable[[str], None]) -> None:
    """Serve the studio on loopback until it is interrupted.

    Args:
        place: What and where.
        told: Called with an address that lets one browser in, at the start and whenever one was used.

    Raises:
        ConfigError: The port is taken.
        ConnectionFailedError: The database cannot be reached.
    """
    async with running(place, told) as (door, server):
        told(door.url)
        await server


@asynccontextmanager
async def running(
    place: Place, told: Callable[[str], None]
) -> AsyncGenerator[tuple[Door, asyncio.Task[None]]]:
    """Serve the studio while the block is open; give its door, and the task that serves.

    Raises:
        ConfigError: The port is taken.
        ConnectionFailedError: The database cannot be reached.
    """
    with _socket(place.port) as listening:
        door = Door(int(listening.getsockname()[1]), told)
        async with _ground(place) as ground:
            app = application(ground, DoorGuard, place.static, door=door)
            config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
            server = uvicorn.Server(config)
            task = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                yield door, task
            finally:
                server.should_exit = True
                await task


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
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_LOOPBACK, port))
    except OSError as exc:
        listening.close()
        raise ConfigError(
            f"Port {port} is taken.", hint="Leave --port out, which takes a free one."
        ) from exc
    return listening
