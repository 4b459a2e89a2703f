"""The facts of a state, read from a scratch database made for it."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chatkeep.errors import ConfigError, StatementError
from chatkeep.kit.applying.replay import replay
from chatkeep.kit.applying.sqlscan import copies_through_client, is_blank
from chatkeep.kit.build import build
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Migration
from chatkeep.kit.refusal import describe, position, sqlstate
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import State

_RESTRICT = re.compile(r"^\\(?:un)?restrict\b.*$", re.MULTILINE)  # pg_dump's word to psql
# A state is read only where the next file holds one of these words, in a block or not.
_TAKING = re.compile(r"\b(?:DROP|RENAME|SET\s+SCHEMA)\b", re.IGNORECASE)


async def facts_of_tables(state: State, scratch: Scratch) -> Catalog:
    """Give what the tables and extras make.

    Raises:
        ConfigError: SQLAlchemy cannot put the tables into SQL.
        StatementError: PostgreSQL refuses a statement.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    async with scratch.database() as url:
        await build(url, state)
        return await facts_of_database(url)


async def facts_of_migrations(migrations: Sequence[Migration], scratch: Scratch) -> Catalog:
    """Give what the migrations make of an empty database.

    Raises:
        MigrationFailedError: One of them fails there.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    async with scratch.database() as url, connect(url) as connection:
        await replay(connection, migrations)
        return await read_catalog(connection)


@dataclass(frozen=True, slots=True)
class Course:
    """What migrations make of an empty database, one after the other.

    Attributes:
        goal: Behind the migration that was asked for.
        whole: Behind the last.
        known: Those two, and what there was before something may have been taken away: a database
            that was not made by these migrations may have it still.
    """

    goal: Catalog
    whole: Catalog
    known: tuple[Catalog, ...]

    @property
    def names(self) -> frozenset[str]:
        """What of it was there at some time, as differences name it."""
        return frozenset(str(key) for catalog in self.known for key in catalog.facts)


async def course_of_migrations(
    migrations: Sequence[Migration], wanted: int, scratch: Scratch
) -> Course:
    """Give the states that the migrations lead through.

    Args:
        migrations: In their order.
        wanted: How many of them make the goal.
        scratch: Server for a scratch database.

    Raises:
        MigrationFailedError: One of them fails there.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    known: list[Catalog] = []
    async with scratch.database() as url, connect(url) as connection:
        goal = whole = await read_catalog(connection)
        for number, migration in enumerate(migrations, 1):
            if number > 1 and number - 1 != wanted and _takes_away(migration):
                known.append(await read_catalog(connection))
            await replay(connection, [migration])
            if number == wanted:
                goal = await read_catalog(connection)
        whole = goal if wanted == len(migrations) else await read_catalog(connection)
    return Course(goal, whole, (goal, whole, *known))


def _takes_away(migration: Migration) -> bool:
    """Whether something may be gone after it, or have another name."""
    return _TAKING.search(migration.sql) is not None


async def facts_of_script(path: Path, scratch: Scratch) -> Catalog:
    """Give what a file of SQL, such as a dump of pg_dump, makes of an empty database.

    Raises:
        ConfigError: The file cannot be read.
        StatementError: PostgreSQL refuses it; the message names the line where it is known.
        ConnectionFailedError: The scratch server cannot be reached.
    """
    text = _RESTRICT.sub("", await asyncio.to_thread(_text, path))
    if copies_through_client(text):
        raise StatementError(
            f"{path} copies rows through the connection.",
            hint="Give it without its rows: `pg_dump --schema-only`.",
        )
    async with scratch.database() as url:
        async with connect(url) as connection:
            try:
                if not is_blank(text):  # asyncpg stumbles over an empty query
                    await connection.execute(text)
            except asyncpg.PostgresError as exc:
                at = position(exc)
                line = f", line {text.count(chr(10), 0, at) + 1}" if at is not None else ""
                raise StatementError(
                    f"PostgreSQL refuses {path}{line}: {describe(exc)}", sqlstate=sqlstate(exc)
                ) from exc
        # A script may set the search path; facts are read through a connection of their own.
        return await facts_of_database(url)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"{path} cannot be read as UTF-8 text.", hint="Give a .sql file that exists."
        ) from exc


async def facts_of_database(url: str) -> Catalog:
    """Give what a database holds.

    Raises:
        InvalidUrlError: The URL cannot be read.
        ConnectionFailedError: The database cannot be reached.
    """
    async with connect(url) as connection:
        return await read_catalog(connection)
