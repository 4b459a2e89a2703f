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
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg

from chatkeep.errors import MigrationFailedError, MigrationLockError
from chatkeep.kit.applying.forms import BATCH
from chatkeep.kit.applying.sqlscan import split
from chatkeep.kit.folder.directives import directives
from chatkeep.kit.folder.tokens import Token, tokens
from chatkeep.kit.plan.quoting import ident, literal

PLACEHOLDER = "/* chatkeep:batch */"
"""Stands in the WHERE; becomes ` AND key > … AND key <= …`."""

PLACE = "ctid"
"""As key: where the row lies on disk. Needs no index and keeps that order; for tables without a key.

The WHERE has to leave out what is done: a changed row lies elsewhere and may be met again, and one
that a client moves meanwhile may be missed, so such a statement stands twice in its file.
"""

TRIES = 60  # of one batch whose rows or table somebody holds
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0  # seconds between them
_BUSY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
_NUMBER = re.compile(r"[0-9]+")
_FORM = (
    "Write `-- chatkeep:batch key=<column> size=<rows>`, and `pause=<milliseconds>` if you like."
)

_COLUMNS = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, -1), a.attnotnull
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = $1::text::regclass AND a.attname = ANY ($2::text[]) AND NOT a.attisdropped
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
class Batch:
    """A statement that runs in batches.

    Attributes:
        sql: The statement with its placeholder.
        table: Its target as the statement writes it, quotes included.
        alias: What the statement calls the target.
        key: Columns, unquoted; no two rows should have the same values.
        size: Rows in a batch.
        pause: Seconds between two batches.
    """

    sql: str
    table: str
    alias: str
    key: tuple[str, ...]
    size: int
    pause: float = 0.0


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


def batch_of(sql: str, place: str = "The statement") -> Batch | None:
    """Read the batch of a piece of a migration; None where it has no such line.

    Args:
        sql: What stands between two of drizzle's markers.
        place: What an error calls it.

    Raises:
        MigrationFailedError: The line or the statement below it cannot be used.
    """
    found = [directive for directive in directives(sql) if directive.word == BATCH]
    notes = [t for t in tokens(sql) if t.kind == "comment" and t.text == PLACEHOLDER]
    if not found:
        if notes:
            raise _refused(f"{place} holds {PLACEHOLDER}, and no line says the key", _FORM)
        return None
    parts = list(split(sql))
    if len(found) > 1 or len(parts) != 1:
        hint = "Give each statement that runs in batches a piece of the file of its own."
        raise _refused(f"{place} is {len(parts)} statements for one `chatkeep:batch`", hint)
    if len(notes) != 1:
        hint = f"Write {PLACEHOLDER} once, at the end of its WHERE."
        raise _refused(f"{place} holds {len(notes)} times {PLACEHOLDER}, not once", hint)
    key, size, pause = _arguments(found[0].arguments, place)
    table, alias = _target(parts[0].sql, place)
    _refuse_loose_where(parts[0].sql, place)
    return Batch(parts[0].sql, table, alias, key, size, pause)


def _arguments(text: str, place: str) -> tuple[tuple[str, ...], int, float]:
    given: dict[str, str] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals or name not in {"key", "size", "pause"} or name in given:
            raise _refused(f"{place}: `{word}` of its batch line cannot be read", _FORM)
        given[name] = value
    key = tuple(given.get("key", "").split(","))
    if not all(key):
        raise _refused(f"{place} names no key for its batches", _FORM)
    for name in ("size", "pause"):
        if name in given and not _NUMBER.fullmatch(given[name]):
            raise _refused(f"{place}: {name}={given[name]} is no whole number", _FORM)
    if int(given.get("size", "0")) < 1:
        raise _refused(f"{place} has batches of no rows", _FORM)
    return key, int(given["size"]), int(given.get("pause", "0")) / 1000


def _target(sql: str, place: str) -> tuple[str, str]:
    """Give the table and what the statement calls it."""
    code = [token for token in tokens(sql) if token.is_code]
    words = [token.text.upper() if token.kind == "word" else "" for token in code]
    skip = 1 if words[:1] == ["UPDATE"] else 2 if words[:2] == ["DELETE", "FROM"] else 0
    if not skip:
        hint = "Only a plain UPDATE or DELETE can; put what stands before it into a statement of its own."
        raise _refused(f"{place} cannot run in batches", hint)
    at = skip + (1 if words[skip : skip + 1] == ["ONLY"] else 0)
    name = code[at].text
    while len(code) > at + 2 and code[at + 1].text == ".":
        at += 2
        name += "." + code[at].text
    at += 1
    at += 1 if words[at : at + 1] == ["AS"] else 0
    free = {"SET", "WHERE", "USING", "*"}
    rest = code[at : at + 1]
    is_alias = bool(rest) and rest[0].kind in {"word", "quoted"} and words[at] not in free
    return name, rest[0].text if is_alias else name


def _refuse_loose_where(sql: str, place: str) -> None:
    """Refuse an OR that the range would bind to on one side alone, and a placeholder elsewhere."""
    depth, where, loose = 0, False, False
    for token in tokens(sql):
        word = token.text.upper() if token.kind == "word" else ""
        if token.kind == "comment" and token.text == PLACEHOLDER:
            break
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "other" else 0
        if depth == 0 and word == "WHERE":
            where, loose = True, False
        loose = loose or (depth == 0 and word == "OR")
    if not where or depth or loose:
        reason = "inside parentheses" if depth else "behind an OR" if loose else "not in its WHERE"
        hint = f"Write WHERE (…) {PLACEHOLDER}, with the whole condition in parentheses."
        raise _refused(f"{place} has {PLACEHOLDER} {reason}", hint)


def _refused(what: str, hint: str, run: str = "nothing was run") -> MigrationFailedError:
    return MigrationFailedError(f"{what}; {run}.", hint=hint)


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
        MigrationFailedError: The key is no column, may be NULL, or has no index.
        MigrationLockError: Somebody held the rows or the table through all tries.
        asyncpg.PostgresError: PostgreSQL refuses the statement.
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
                await connection.execute(f"SET LOCAL lock_timeout = {int(lock_timeout * 1000)}")
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
        return self.batch.sql.replace(PLACEHOLDER, f" AND {self._range(self.batch.alias, upper)}")

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
        return ("tid",)
    rows = await connection.fetch(_COLUMNS, batch.table, list(batch.key))
    known = {name: (type_, not_null) for name, type_, not_null in rows}
    for name in batch.key:
        if name not in known:
            hint = "Name columns of the table, or `ctid`; without quotes, letters as they are."
            raise _refused(
                f"{batch.table} has no column {name} to walk along in batches", hint, _NOT_RUN
            )
        if not known[name][1]:
            hint = "Rows without it would be left out: take the primary key, or `ctid`."
            raise _refused(f"{batch.table}.{name} may be NULL", hint, _NOT_RUN)
    if not await connection.fetchval(_INDEXED, batch.table, list(batch.key)):
        hint = "Each batch would read the whole table: take the primary key, or `ctid`."
        raise _refused(
            f"{batch.table} has no index that begins with {', '.join(batch.key)}", hint, _NOT_RUN
        )
    return tuple(known[name][0] for name in batch.key)
