"""Portals: PostgreSQL's name for a statement that is under way and gives its rows bit by bit.

The driver's own cursors leave a named prepared statement behind on a server that PgBouncer lends to
others next, and a cursor of SQL's (`DECLARE`) takes no parameters. So a portal is bound to the
unnamed statement, which PostgreSQL forgets by itself: one round trip for each part, behind a pooler
as well. It lives until the end of the transaction. Three protected names of `asyncpg.Connection` are
used, each by tests/database/test_stream.py.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg

Row = asyncpg.Record


@dataclass(slots=True)
class Portal:
    """A statement under way.

    Attributes:
        name: On this connection.
        prepared: What the driver knows of its columns.
        is_over: PostgreSQL has given the last row.
    """

    name: str
    prepared: Any
    is_over: bool = False


class Portals(asyncpg.Connection):
    """A connection that can give the rows of a statement in parts; errors are the driver's."""

    __slots__ = ()

    async def open_portal(
        self, sql: str, arguments: list[object], limit: int, seconds: float
    ) -> tuple[Portal, list[Row]]:
        """Begin a statement and give its first rows, at most `limit`."""
        prepared = await self._get_statement(sql, seconds, named=False, use_cache=False)
        portal = Portal(self._get_unique_id("portal"), prepared)
        rows, _, portal.is_over = await self._reach().bind_execute(
            prepared, arguments, portal.name, limit, True, seconds
        )
        return portal, rows

    async def next_rows(self, portal: Portal, limit: int, seconds: float) -> list[Row]:
        """Give the next rows, at most `limit`."""
        rows, _, portal.is_over = await self._reach().execute(
            portal.prepared, portal.name, limit, True, seconds
        )
        return rows

    async def close_portal(self, portal: Portal, seconds: float) -> None:
        """End a statement before its last row."""
        await self._reach().close_portal(portal.name, seconds)

    def _reach(self) -> Any:  # noqa: ANN401 - the driver has no type for it
        protocol = self._protocol
        if protocol is None:
            raise asyncpg.InterfaceError("connection is closed")
        return protocol
