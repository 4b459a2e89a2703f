"""A database that a plain role owns, with two users' rows."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from chatkeep import Database
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer
from security.worlds import World

OWNER = "tables_owner"


@dataclass
class Place:
    """A database with two users' rows.

    Attributes:
        admin: A connection that no policy binds.
        owner_url: As the role that owns the tables, past any pooler.
    """

    db: Database
    admin: asyncpg.Connection
    schema: deepsearch.Schema
    owner_url: str
    victim: World
    stranger: World
    missing: World


async def owned_database(server: PgServer, databases: Databases) -> str:
    """The URL of a new database whose owner is a plain role that may create roles."""
    url = await databases()
    name = urlsplit(url).path.lstrip("/")
    admin = await asyncpg.connect(server.admin_url)
    try:
        if not await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", OWNER):
            await admin.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
        await admin.execute(f'ALTER DATABASE "{name}" OWNER TO {OWNER}')
    finally:
        await admin.close()
    return url.replace("postgresql://postgres@", f"postgresql://{OWNER}@")
