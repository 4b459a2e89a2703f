"""Where the database is: at a URL, or on the project's embedded server."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from chatkeep.database.creation import create_tables
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.schema.schema import Schema
from chatkeep.server import EmbeddedServer
from chatkeep.settings import Settings, check_url


@dataclass(frozen=True, slots=True)
class Source:
    """A place with a database.

    Attributes:
        url: Where it is, or None for the embedded server.
        settings: The project's, for the embedded server.
    """

    url: str | None
    settings: Settings | None

    @property
    def is_ours(self) -> bool:
        """Whether it is the embedded server: an empty database there may be prepared."""
        return self.url is None

    @asynccontextmanager
    async def address(self) -> AsyncGenerator[str]:
        """Give the URL; the embedded server runs while the block is open.

        Raises:
            ServerError: The embedded server did not start.
        """
        if self.url is not None or self.settings is None:
            yield self.url or ""
            return
        server = EmbeddedServer(self.settings.embedded_root)
        lease = await asyncio.to_thread(server.acquire)
        try:
            yield lease.url
        finally:
            await asyncio.shield(asyncio.to_thread(lease.close))

    async def prepare(self, schema: Schema[Any, Any, Any, Any], address: str) -> None:
        """Bring an empty database to the schema: by the project's migrations, where it has them.

        Raises:
            MigrationError: A migration cannot be applied.
        """
        folder = self.settings.migrations if self.settings else None
        if folder is not None and (folder / "meta" / "_journal.json").exists():
            await migrate(Folder.read(folder), address)
        else:
            await create_tables(schema, address)


def find_source(url: str | None) -> Source:
    """Choose: the argument, DATABASE_URL, the embedded server of the project around.

    Raises:
        InvalidUrlError: The URL cannot be read.
        ConfigError: The project's configuration cannot be read.
    """
    if url:
        return Source(check_url(url), None)
    settings = Settings.load()
    return Source(settings.url, settings)
