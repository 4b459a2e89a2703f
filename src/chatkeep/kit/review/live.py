"""The real database, looked at without changing it: what is pending, sizes, questions about rows.

Each question runs in a read-only transaction of its own, with a time limit. What PostgreSQL says
about a value never leaves this module: only counts and primary keys do.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from chatkeep.kit.applying.matching import Matching, read_matching
from chatkeep.kit.connection import BROKEN, connect
from chatkeep.kit.folder import Folder
from chatkeep.kit.refusal import sqlstate
from chatkeep.kit.review.finding import Size
from chatkeep.kit.review.shape import query

LOCK_TIMEOUT = 1.0  # seconds; a review never queues behind a lock for longer

_LIMITS = """
SELECT pg_catalog.set_config('statement_timeout', $1, true),
       pg_catalog.set_config('lock_timeout', $2, true),
       pg_catalog.set_config('search_path', 'public', true),
       pg_catalog.set_config('row_security', 'off', true)  -- to be refused rather than shown a part
"""
_CANCELLED, _LOCKED, _DENIED = "57014", "55P03", "42501"


class UnansweredError(Exception):
    """A question about rows could not be answered.

    Attributes:
        reason: Why, without any value of a row.
        sqlstate: PostgreSQL's code.
    """

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sqlstate = code

    @property
    def is_about_data(self) -> bool:
        """Whether a value was refused, such as one that does not cast."""
        return self.sqlstate.startswith(("22", "23"))


@dataclass(frozen=True, slots=True)
class Live:
    """A connection to the real database.

    Attributes:
        seconds: The longest that one question may take.
    """

    connection: asyncpg.Connection
    seconds: float

    @property
    def version(self) -> int:
        """Major version of the server."""
        return int(self.connection.get_server_version().major)

    async def matching(self, folder: Folder) -> Matching:
        """Give which migrations the database has.

        Raises:
            MigrationError: The role may not read the bookkeeping.
        """
        return await read_matching(self.connection, folder)

    async def time_zone(self) -> str:
        """Give the time zone in which its sessions begin."""
        return str(await self.connection.fetchval("SHOW timezone"))

    async def sizes(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Size]:
        """Give the sizes of these tables (schema, name); what is not there is left out."""
        wanted = list(names)
        rows = await self.ask(
            query("sizes"), [schema for schema, _ in wanted], [name for _, name in wanted]
        )
        return {
            (schema, name): Size(None if tuples is None else int(tuples), int(size))
            for schema, name, tuples, size in rows
        }

    async def ask(self, sql: str, *values: object) -> Sequence[asyncpg.Record]:
        """Put one question.

        Raises:
            UnansweredError: It took too long, or PostgreSQL refused it.
        """
        async with self._limited():
            return await self.connection.fetch(sql, *values)

    async def tell(self, block: str, setting: str) -> str:
        """Run a DO block that changes nothing, and give what it put into a setting.

        Raises:
            UnansweredError: It took too long, or PostgreSQL refused it.
        """
        async with self._limited():
            await self.connection.execute(block)
            said = "SELECT pg_catalog.current_setting($1, true)"
            return str(await self.connection.fetchval(said, setting))

    @asynccontextmanager
    async def _limited(self) -> AsyncGenerator[None]:
        """Let a question change nothing, wait for no lock and take no long time."""
        try:
            async with self.connection.transaction(readonly=True):
                await self.connection.fetchrow(
                    _LIMITS, _milliseconds(self.seconds), _milliseconds(LOCK_TIMEOUT)
                )
                yield
        except BROKEN:
            raise
        except asyncpg.PostgresError as exc:
            raise _unanswered(exc, self.seconds) from None  # its text may hold a value


@asynccontextmanager
async def live(url: str, seconds: float) -> AsyncGenerator[Live]:
    """Open the real database for the length of the block.

    Raises:
        InvalidUrlError: The URL cannot be read.
        ConnectionFailedError: The database cannot be reached.
    """
    async with connect(url, name="chatkeep review") as connection:
        yield Live(connection, seconds)


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"


def _unanswered(exc: asyncpg.PostgresError, seconds: float) -> UnansweredError:
    code = sqlstate(exc)
    if code == _CANCELLED:
        reason = f"it took longer than {seconds:g} s"
    elif code == _LOCKED:
        reason = "a table was locked"
    elif code == _DENIED:
        reason = "this role may not read all rows"
    else:
        reason = f"PostgreSQL refused it (SQLSTATE {code})"
    return UnansweredError(reason, code)
