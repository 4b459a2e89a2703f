"""Databases for one moment: made, used and dropped on a server that may be played with."""

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import asyncpg

from chatkeep.kit.connection import connect
from chatkeep.kit.plan.quoting import ident

_PREFIX = "chatkeep_scratch_"
_STALE = """
SELECT datname::text FROM pg_database
WHERE starts_with(datname, $1) AND pg_try_advisory_lock(hashtextextended(datname::text, 0))
"""


class Scratch:
    """Makes scratch databases on one server.

    A session holds an advisory lock for each one alive, so that a later run can tell what a
    killed run left behind, and drop it.

    Args:
        admin_url: A database on that server whose role may create databases.
        dumpers: Where a pg_dump may be, for proofs; the first that is not older than the server is
            taken. With none, proofs compare facts alone.
    """

    def __init__(self, admin_url: str, *, dumpers: Sequence[Path] = ()) -> None:
        self.admin_url = admin_url
        self.dumpers = tuple(dumpers)

    @asynccontextmanager
    async def database(self, template: str | None = None) -> AsyncGenerator[str]:
        """Give the URL of a new database, dropped at the end of the block.

        Args:
            template: URL or name of a database of this server to copy, rows included; nobody may
                be connected to it. None gives an empty UTF-8 database.

        Raises:
            ConnectionFailedError: The server cannot be reached.
            StatementError: PostgreSQL refuses; perhaps the role may not create databases, or
                somebody is connected to the template.
        """
        async with connect(self.admin_url, name="chatkeep scratch") as admin:
            oid = await admin.fetchval(
                "SELECT oid::int8 FROM pg_database WHERE datname = current_database()"
            )
            family = f"{_PREFIX}{oid}_"  # advisory locks are seen only from the same database
            await _sweep(admin, family)
            name = family + secrets.token_hex(8)
            await admin.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", name)
            source = ident(_database(template)) if template else "template0 ENCODING 'UTF8'"
            await admin.execute(
                f"CREATE DATABASE {ident(name)} TEMPLATE {source} STRATEGY file_copy"
            )
            try:
                yield with_database(self.admin_url, name)
            finally:
                await admin.execute(f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)")


async def _sweep(admin: asyncpg.Connection, family: str) -> None:
    """Drop what dead runs left: databases whose lock nobody holds."""
    for row in await admin.fetch(_STALE, family):
        name = row["datname"]
        await admin.execute(f"DROP DATABASE IF EXISTS {ident(name)} WITH (FORCE)")
        await admin.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", name)


def _database(template: str) -> str:
    if "://" not in template:
        return template
    parts = urlsplit(template)
    named = [value for key, value in parse_qsl(parts.query) if key in ("dbname", "database")]
    return named[-1] if named else unquote(parts.path.lstrip("/"))


def with_database(url: str, name: str) -> str:
    """Give the URL of another database on the same server."""
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query) if pair[0] not in ("dbname", "database")]
    path = "/" + quote(name, safe="")
    # urlunsplit drops the slashes of an empty host: "postgresql:/name" is no URL.
    return f"{parts.scheme}://{parts.netloc}{urlunsplit(('', '', path, urlencode(query, safe='/'), ''))}"
