"""Each change in its safe form: the same schema to the letter, every row, and nobody held up."""

import os
from collections.abc import Sequence

import asyncpg
import pytest

from chatkeep.kit.applying.batch import batch_of
from chatkeep.kit.applying.batches import run_batches
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.safe.series import SAYS_NONE
from chatkeep.kit.safe.step import SafeStep
from chatkeep.kit.safe.writing import safe_steps
from chatkeep.kit.writing.dumping import dump_schema
from kit.safe.changes import CHANGES, Change

FULL = bool(os.environ.get("CHATKEEP_FULL"))
HELPLESS = {"stored column", "exclusion", "type under a generated column"}

COLUMNS = """
select format('%I', c.relname), format('%I', a.attname), a.atttypid::regtype::text
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and attnum > 0 and not attisdropped
"""
FILES = """
select coalesce(i.indrelid, c.oid)::int8 as t, c.oid::int8, pg_relation_filenode(c.oid)::int8
from pg_class c left join pg_index i on i.indexrelid = c.oid
where c.relkind in ('r', 'i') and c.relnamespace = 'public'::regnamespace
"""
SCANS = "select relid::int8, seq_tup_read from pg_stat_xact_user_tables where schemaname = 'public'"
STRONG = """
select distinct relation::int8 from pg_locks where pid = pg_backend_pid() and granted and mode in
    ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
"""


async def nowhere(position: str) -> None:
    """Keep no position."""


async def series(change: Change, server, fresh_database, connected) -> tuple[list[SafeStep], str]:
    """The steps, planned on empty tables, and a database that was built as they must leave it."""
    new = fresh_database(server)
    start, goal = await new(), await new()
    async with connected(goal) as connection:
        await connection.execute(change.new)
        after = await read_catalog(connection)
    async with connected(start) as connection:
        await connection.execute(change.old)
        tables = await connection.fetch(
            "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        await connection.execute(f"truncate {', '.join(row[0] for row in tables)}")
        before = await read_catalog(connection)
        statements = plan(before, after, using=dict(change.using), allow_drops=True)
        steps = await safe_steps(connection, statements, before, after, using=dict(change.using))
    return steps, goal


async def rows(connection: asyncpg.Connection) -> dict[tuple[str, ...], list[str]]:
    """The values of each column, by table, name and type."""
    return {
        (table, column, kind): [
            str(row[0])
            for row in await connection.fetch(f"select {column}::text from {table} order by 1")
        ]
        for table, column, kind in await connection.fetch(COLUMNS)
    }


class Rule:
    """Runs steps, and counts the statements that work through a table while others must wait."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.broken: list[str] = []

    async def run(self, step: SafeStep) -> None:
        if step.in_transaction:
            async with self.connection.transaction():
                await self._all(step.statements)
            return
        for sql in step.statements:
            batch = batch_of(sql)
            if batch is not None:
                await run_batches(self.connection, batch, position=None, save=nowhere)
            elif "CONCURRENTLY" in sql:
                await self.connection.execute(sql)
            else:
                async with self.connection.transaction():
                    await self._all([sql])

    async def _all(self, statements: Sequence[str]) -> None:
        there = {row[0] for row in await self.connection.fetch(FILES)}
        for sql in statements:
            files, scans = await self._files(), dict(await self.connection.fetch(SCANS))
            await self.connection.execute(sql)
            strong = {row[0] for row in await self.connection.fetch(STRONG)}
            now = await self._files()
            heavy = {t for oid, (t, file) in files.items() if now.get(oid, (t, file))[1] != file}
            read = dict(await self.connection.fetch(SCANS))
            heavy |= {t for t, n in read.items() if n > scans.get(t, 0)}
            if heavy & strong & there and SAYS_NONE not in sql:
                self.broken.append(sql)

    async def _files(self) -> dict[int, tuple[int, int]]:
        return {oid: (t, file) for t, oid, file in await self.connection.fetch(FILES)}


SAMPLE = {
    "index with a comment changed",
    "unique changed under a foreign key",
    "not null",
    "type of a column with everything",
    "type of an identity key and of what refers to it",
    "column with a volatile default",
    "identity",
    "stored column",
    "renamed and much more",
}
"""One for each form; CHATKEEP_FULL=1 runs all."""


@pytest.mark.parametrize(
    "change",
    [change for change in CHANGES if FULL or change.name in SAMPLE],
    ids=lambda change: change.name,
)
async def test_same_schema_every_row_and_nobody_held_up(
    change: Change, pg, fresh_database, connected
):
    steps, goal = await series(change, pg, fresh_database, connected)
    url = await fresh_database(pg)()
    async with connected(url) as connection:
        await connection.execute(change.old)
        before = await rows(connection)
        rule = Rule(connection)
        for step in steps:
            await rule.run(step)
        after = await rows(connection)
    assert rule.broken == []
    same = before.keys() & after.keys()
    if change.name != "not null with a default":
        assert {key: before[key] for key in same} == {key: after[key] for key in same}
    counts = {key[0]: len(values) for key, values in before.items()}
    assert all(len(values) == counts.get(key[0], 0) for key, values in after.items())
    dumps = [await dump_schema(pg.bin / "pg_dump", each) for each in (url, goal)]
    assert dumps[0] == dumps[1]
    said = [step.name for step in steps for text in step.statements if SAYS_NONE in text]
    assert bool(said) == (change.name in HELPLESS)
