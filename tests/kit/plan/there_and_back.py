"""One database up, down and up again: facts, pg_dump, rows and sequences must agree each time."""

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chatkeep.kit.build import run_all
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.differences import differences
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.dumping import dump_schema
from fixtures.servers import PgServer

_TABLES = """
select c.oid, format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""
_SEQUENCES = """
select coalesce(d.refobjid, c.oid), format('%I.%I', n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refobjsubid > 0
     and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
where c.relkind = 'S' and n.nspname !~ '^pg_'
"""


@dataclass(frozen=True)
class Seen:
    """What a database looks like: its facts, pg_dump's word, rows by table, places of sequences."""

    catalog: Catalog
    dump: list[str]
    rows: dict[int, int]
    places: dict[int, tuple[int, bool]]


async def make(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("set client_min_messages = warning")
        await connection.execute(sql.strip() or "select 1")
    finally:
        await connection.close()


async def look(url: str, pg_dump: Path) -> Seen:
    connection = await asyncpg.connect(url)
    try:
        catalog = await read_catalog(connection)
        rows = {
            oid: await connection.fetchval(f"select count(*) from only {name}")
            for oid, name in await connection.fetch(_TABLES)
        }
        places = {
            owner: tuple(await connection.fetchrow(f"select last_value, is_called from {name}"))
            for owner, name in await connection.fetch(_SEQUENCES)
        }
    finally:
        await connection.close()
    return Seen(catalog, await dump_schema(pg_dump, url, privileges=True), rows, places)


def alike(found: Seen, wanted: Seen) -> None:
    """The same facts, and pg_dump says the same."""
    told = differences(found.catalog, wanted.catalog)
    assert not told, told
    extra, missing = set(found.dump) - set(wanted.dump), set(wanted.dump) - set(found.dump)
    assert (extra, missing) == (set(), set())


def kept(before: Seen, after: Seen) -> None:
    """Tables that stayed have their rows, and sequences that had given a number go on there."""
    rows = {oid: count for oid, count in before.rows.items() if oid in after.rows}
    assert rows == {oid: after.rows[oid] for oid in rows}
    called = {owner: place for owner, place in before.places.items() if place[1]}
    for owner, place in called.items():
        if owner in after.places:
            assert after.places[owner] == place


async def move(url: str, start: Seen, goal: Seen, pg_dump: Path) -> Seen:
    """Run the plan on the database, compare, and see that nothing is left to do."""
    statements = [each.sql for each in plan(start.catalog, goal.catalog, allow_drops=True)]
    try:
        await run_all(url, statements)
        found = await look(url, pg_dump)
        alike(found, goal)
        kept(start, found)
        assert plan(found.catalog, goal.catalog, allow_drops=True) == []
    except Exception as exc:
        exc.add_note(";\n".join(statements))
        raise
    return found


async def there_and_back(server: PgServer, first: str, second: str, rows: str = "") -> None:
    """Make the first on one database, lead it to the second, back, and there again."""
    scratch = Scratch(server.admin_url)
    dump = server.bin / "pg_dump"
    async with scratch.database() as url, scratch.database() as other:
        await make(url, first + rows)
        await make(other, second)
        start, goal = await look(url, dump), await look(other, dump)
        up = await move(url, start, goal, dump)
        down = await move(url, up, start, dump)
        await move(url, down, goal, dump)
