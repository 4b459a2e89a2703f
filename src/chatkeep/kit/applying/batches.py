"""An UPDATE or DELETE over a big table in bounded batches, each a short transaction of its own.

A file says it with a line before the statement, and with a comment inside its WHERE:

    -- chatkeep:batch key=id size=1000
    UPDATE "t" SET "n" = 0 WHERE ("n" IS NULL) /* chatkeep:batch */

drizzle-kit and psql run it whole. Here the comment becomes a range of the key, one range after the
other, upwards. A batch first locks its rows without waiting for anybody, so that it can be no part
of a deadlock with the application, and notes in its own transaction how far it came. Rows that come
meanwhile behind that place are not visited: a default or trigger has to see to them.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from chatkeep.errors import MigrationLockError
from chatkeep.kit.applying.batch import PLACE, Batch, refused
from chatkeep.kit.folder.tokens import Token, tokens
from chatkeep.kit.plan.quoting import ident, literal

TRIES = 60  # of one batch whose rows or table somebody holds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds between them
_BUSY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_COLUMNS = """
WITH RECURSIVE tree AS (
    SELECT $1::text::regclass::oid AS oid
    UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree ON tree.oid = i.inhparent
)
SELECT a.attname, pg_catalog.format_type(a.atttypid, -1), (
    SELECT bool_and(c.attnotnull AND NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_constraint n
        WHERE n.conrelid = c.attrelid AND n.contype = 'n' AND n.conkey = ARRAY[c.attnum]
          AND NOT n.convalidated
    ))
    FROM tree JOIN pg_catalog.pg_attribute c ON c.attrelid = tree.oid AND c.attname = a.attname
)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = $1::text::regclass AND a.attname = ANY ($2::text[]) AND NOT a.attisdropped
"""
_IS_ALONE = """
SELECT c.relkind = 'r' AND NOT EXISTS (
    SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid
)
FROM pg_catalog.pg_class c WHERE c.oid = $1::text::regclass
"""
_INDEXED = """
SELECT EXISTS (
    SELECT 1 FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_am am ON am.oid = c.relam AND am.amname = 'btree'
    WHERE i.indrelid = $1::text::regclass AND i.indisvalid AND i.indpred IS NULL
      AND (SELECT array_agg(a.attname::text ORDER BY k.place)
           FROM unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
           LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
           WHERE k.place <= cardinality($2::text[])) = $2::text[]
)
"""
_ESTIMATE = """
SELECT c.reltuples::float8, c.relpages::float8,
       (pg_catalog.pg_relation_size(c.oid) / current_setting('block_size')::int)::int8
FROM pg_catalog.pg_class c WHERE c.oid = $1::text::regclass
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a statement came.

    Attributes:
        done: Rows visited by this run.
        total: Rows of the table as PostgreSQL estimates them; None where it never counted.
        seconds_left: At the speed so far; None without an estimate.
    """

    done: int
    total: int | None
    seconds_left: float | None


Save = Callable[[str], Awaitable[None]]
"""Notes a position; called inside the transaction of the batch that reached it."""


_NOT_RUN = "this statement was not run"


async def run_batches(
    connection: asyncpg.Connection,
    batch: Batch,
    *,
    position: str | None,
    save: Save,
    lock_timeout: float = 2.0,
    on_progress: Callable[[Progress], None] | None = None,
) -> int:
    """Run the statement to its end and give the number of rows visited.

    Args:
        connection: Not in a transaction.
        batch: What `batch_of` read.
        position: What `save` was told last by a run that was cut off; None to begin.
        save: Notes how far it came.
        lock_timeout: Seconds that a batch waits for the table; for rows it never waits.
        on_progress: Called after each batch.

    Raises:
        MigrationFailedError: The key is no column, may be NULL, or has no index; or it is `ctid`,
            and the rows lie in other tables than the one that is named.
        MigrationLockError: Somebody held the rows or the table through all tries.
        asyncpg.PostgresError: PostgreSQL refuses the statement; also where row-level security
            hides rows of the table from this role.
    """
    walk = await _Walk.begin(connection, batch, position)
    started, done = time.monotonic(), 0
    while True:
        visited = await _one(connection, walk, save, lock_timeout)
        if visited is None:
            return done
        done += visited
        if on_progress is not None:
            on_progress(_progress(done, walk.total, time.monotonic() - started))
        await asyncio.sleep(batch.pause)


def _progress(done: int, total: int | None, seconds: float) -> Progress:
    if total is None or not done:
        return Progress(done, total, None)
    return Progress(done, max(total, done), max(total - done, 0) * seconds / done)


async def _one(
    connection: asyncpg.Connection, walk: "_Walk", save: Save, lock_timeout: float
) -> int | None:
    """Run the next batch, again and again while its rows are held; None at the end."""
    pause = _FIRST_PAUSE
    for _ in range(TRIES):
        try:
            async with connection.transaction():
                # A policy that hides rows from this role would let the walk pass them over.
                limit = f"SET LOCAL lock_timeout = {int(lock_timeout * 1000)}"
                await connection.execute(f"{limit}; SET LOCAL row_security = off")
                upper = await walk.upper(connection)
                if upper is None:
                    return None
                visited = await connection.fetchval(walk.lock_sql(upper))
                await connection.execute(walk.sql(upper))
                await save(json.dumps(upper))
        except _BUSY:
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - no secret
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            walk.last = upper
            return int(visited or 0)
    raise MigrationLockError(
        f"Rows of {walk.batch.table} were held by others through {TRIES} tries of a batch.",
        hint="End the transaction that holds them; the next run goes on from this batch.",
    )


class _Walk:
    """The way along the key."""

    def __init__(self, batch: Batch, types: tuple[str, ...], last: list[str] | None) -> None:
        self.batch = batch
        self.types = types
        self.last = last
        self.total: int | None = None
        self._pages = 1
        self._end = 0

    @classmethod
    async def begin(
        cls, connection: asyncpg.Connection, batch: Batch, position: str | None
    ) -> "_Walk":
        """Look at the table and refuse a key that cannot be walked along."""
        types = await _types(connection, batch)
        last: list[str] | None = None if position is None else json.loads(position)
        walk = cls(batch, types, last)
        rows, pages, size = (await connection.fetchrow(_ESTIMATE, batch.table)) or (-1, 0, 0)
        walk.total = int(rows) if rows >= 0 else None
        per_page = rows / pages if rows > 0 and pages > 0 else 50
        walk._pages = max(1, round(batch.size / per_page))
        walk._end = int(size)
        return walk

    async def upper(self, connection: asyncpg.Connection) -> list[str] | None:
        """Give the last key of the next batch; None when nothing is left."""
        if self.batch.key == (PLACE,):
            first = 0 if self.last is None else int(self.last[0][1:].split(",", 1)[0])
            # Rows that this statement moves to new pages were visited already.
            return None if first >= self._end else [f"({first + self._pages},0)"]
        # Named otherwise than the columns, by which ORDER BY would else take the texts.
        names = ", ".join(
            f"{ident(name)}::text AS key_{i}" for i, name in enumerate(self.batch.key)
        )
        order = ", ".join(map(ident, self.batch.key))
        back = ", ".join(f"{ident(name)} DESC" for name in self.batch.key)
        where = f"WHERE {self._above('')}" if self.last is not None else ""
        start = f"SELECT {names} FROM {self.batch.table} {where}"  # noqa: S608 - names are quoted
        found = await connection.fetchrow(
            f"{start} ORDER BY {order} OFFSET {self.batch.size - 1} LIMIT 1"
        ) or await connection.fetchrow(f"{start} ORDER BY {back} LIMIT 1")
        return None if found is None else [str(value) for value in found]

    def sql(self, upper: list[str]) -> str:
        """Give the statement for the rows up to and with `upper`."""
        return self.batch.within(f" AND {self._range(self.batch.alias, upper)}")

    def lock_sql(self, upper: list[str]) -> str:
        """Give what locks these rows and counts them, or fails at once."""
        rows = f"SELECT 1 FROM {self.batch.table} WHERE {self._range('', upper)}"  # noqa: S608 - names are quoted
        strength = "NO KEY UPDATE" if _is_update(self.batch.sql) else "UPDATE"
        return f"SELECT count(*) FROM ({rows} FOR {strength} NOWAIT) AS held"  # noqa: S608 - names are quoted

    def _range(self, alias: str, upper: list[str]) -> str:
        below = f"{self._row(alias)} <= {self._values(upper)}"
        return below if self.last is None else f"{self._above(alias)} AND {below}"

    def _above(self, alias: str) -> str:
        return f"{self._row(alias)} > {self._values(self.last or [])}"

    def _row(self, alias: str) -> str:
        names = [f"{alias}." * bool(alias) + ident(name) for name in self.batch.key]
        return names[0] if len(names) == 1 else f"({', '.join(names)})"

    def _values(self, texts: list[str]) -> str:
        values = [f"{literal(t)}::{type_}" for t, type_ in zip(texts, self.types, strict=True)]
        return values[0] if len(values) == 1 else f"({', '.join(values)})"


def _is_update(sql: str) -> bool:
    first: Token | None = next((token for token in tokens(sql) if token.is_code), None)
    return first is not None and first.text.upper() == "UPDATE"


async def _types(connection: asyncpg.Connection, batch: Batch) -> tuple[str, ...]:
    if batch.key == (PLACE,):
        if not await connection.fetchval(_IS_ALONE, batch.table):
            hint = (
                "Walk along its primary key, or give each partition a statement and a piece of the "
                "file of its own."
            )
            what = (
                f"{batch.table} is no plain table: its rows lie elsewhere, and `{PLACE}` finds none"
            )
            raise refused(what, hint, _NOT_RUN)
        return ("tid",)
    rows = await connection.fetch(_COLUMNS, batch.table, list(batch.key))
    known = {name: (type_, not_null) for name, type_, not_null in rows}
    for name in batch.key:
        if name not in known:
            hint = "Name columns of the table, or `ctid`; without quotes, letters as they are."
            raise refused(
                f"{batch.table} has no column {name} to walk along in batches", hint, _NOT_RUN
            )
        if not known[name][1]:
            hint = "Rows without it would be left out: take the primary key, or `ctid`."
            raise refused(f"{batch.table}.{name} may be NULL", hint, _NOT_RUN)
    if not await connection.fetchval(_INDEXED, batch.table, list(batch.key)):
        hint = "Each batch would read the whole table: take the primary key, or `ctid`."
        raise refused(
            f"{batch.table} has no index that begins with {', '.join(batch.key)}", hint, _NOT_RUN
        )
    return tuple(known[name][0] for name in batch.key)
