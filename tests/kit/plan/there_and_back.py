"""One database up, down and up again: facts, pg_dump, rows and sequences must agree each time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chatkeep.kit.build import run_all
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.differences import differences
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.renames import Renames
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
    dump: list[str] | None  # None: pg_dump was not asked
    rows: dict[int, int]
    places: dict[int, tuple[int, bool]]


_KEPT: dict[str, asyncpg.Connection] = {}


@asynccontextmanager
async def staying(*urls: str) -> AsyncIterator[None]:
    """Keep one connection to each of these for the block: a new one reads the catalog cold."""
    _KEPT.update({url: await asyncpg.connect(url) for url in urls})
    try:
        yield
    finally:
        for url in urls:
            await _KEPT.pop(url).close()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """The kept connection with settings and role as in a new one, or a new one."""
    connection = _KEPT.get(url)
    if connection is not None:
        await connection.execute("reset session authorization; reset role; reset all")
        yield connection
        return
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def make(url: str, sql: str) -> None:
    async with _connected(url) as connection:
        await connection.execute("set client_min_messages = warning")
        await connection.execute(sql.strip() or "select 1")


async def look(url: str, pg_dump: Path | None) -> Seen:
    """Look at a database; without a pg_dump its word is left out."""
    async with _connected(url) as connection:
        catalog = await read_catalog(connection)
        rows = {
            oid: await connection.fetchval(f"select count(*) from only {name}")
            for oid, name in await connection.fetch(_TABLES)
        }
        places = {
            owner: tuple(await connection.fetchrow(f"select last_value, is_called from {name}"))
            for owner, name in await connection.fetch(_SEQUENCES)
        }
    if pg_dump is None:
        return Seen(catalog, None, rows, places)
    dump = [_unordered(text) for text in await dump_schema(pg_dump, url, privileges=True)]
    return Seen(catalog, dump, rows, places)


def _unordered(statement: str) -> str:
    """Take away what follows the order of columns, which PostgreSQL cannot change."""
    if statement.startswith("CREATE STATISTICS"):
        head, _, rest = statement.partition(" ON ")
        columns, _, table = rest.partition(" FROM ")
        return f"{head} ON {', '.join(sorted(columns.split(', ')))} FROM {table}"
    if statement.startswith(("CREATE TABLE", "CREATE UNLOGGED TABLE")):
        return "\n".join(sorted(line.removesuffix(";") for line in statement.splitlines()))
    return statement


def alike(found: Seen, wanted: Seen) -> None:
    """The same facts, and pg_dump says the same if it was asked."""
    told = differences(found.catalog, wanted.catalog)
    assert not told, told
    if found.dump is None:
        return
    assert wanted.dump is not None
    extra, missing = set(found.dump) - set(wanted.dump), set(wanted.dump) - set(found.dump)
    assert not extra | missing, (extra, missing)


def kept(before: Seen, after: Seen) -> None:
    """Tables that stayed have their rows, and sequences that had given a number go on there."""
    rows = {oid: count for oid, count in before.rows.items() if oid in after.rows}
    assert rows == {oid: after.rows[oid] for oid in rows}
    called = {owner: place for owner, place in before.places.items() if place[1]}
    for owner, place in called.items():
        if owner in after.places:  # a new minimum may lift it, nothing may take it back
            assert after.places[owner] >= place, (owner, place)


async def move(
    url: str, start: Seen, goal: Seen, pg_dump: Path | None, renames: Renames | None = None
) -> Seen:
    """Run the plan on the database, compare, and see that nothing is left to do."""
    planned = plan(start.catalog, goal.catalog, renames=renames, allow_drops=True)
    statements = [each.sql for each in planned]
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


async def there_and_back(
    server: PgServer,
    urls: tuple[str, str],
    first: str,
    second: str,
    rows: str = "",
    *,
    dumped_again: bool = True,
) -> None:
    """Make the first on one empty database, lead it to the second, back, and there again.

    The third way ends as the first did: `dumped_again=False` compares its facts, rows and
    sequences, and leaves out a second word of pg_dump on the same state.
    """
    dump = server.bin / "pg_dump"
    url, other = urls
    await make(url, first + rows)
    await make(other, second)
    start, goal = await look(url, dump), await look(other, dump)
    up = await move(url, start, goal, dump)
    down = await move(url, up, start, dump)
    await move(url, down, goal, dump if dumped_again else None)


_RESET = r"""
do $$ declare each record; begin
  for each in select format('drop event trigger %I', evtname) as sql from pg_event_trigger loop execute each.sql; end loop;
  for each in select format('drop publication %I', pubname) as sql from pg_publication loop execute each.sql; end loop;
  for each in select format('drop schema %I cascade', nspname) as sql from pg_namespace
              where nspname !~ '^pg_' and nspname not in ('information_schema', 'public') loop execute each.sql; end loop;
  for each in select format('alter default privileges revoke all on %s from %s', case defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'T' then 'types' else 'functions' end,
                            case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end) as sql
              from pg_default_acl, aclexplode(defaclacl) where grantee <> defaclrole loop execute each.sql; end loop;
  if exists (select 1 from pg_default_acl where defaclobjtype = 'f') then alter default privileges grant execute on functions to public; end if;
  if exists (select 1 from pg_default_acl where defaclobjtype = 'T') then alter default privileges grant usage on types to public; end if;
  for each in select format('revoke all on schema public from %I', rolname) as sql from pg_roles where rolname in ('reader', 'writer') loop execute each.sql; end loop;
  for each in select c.oid::regclass as name, case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end as noun
              from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S') order by relkind = 'S' loop
    if each.name::text !~ '^\d+$' then execute format('drop %s if exists %s cascade', each.noun, each.name); end if; end loop;
  for each in select format('drop extension %I cascade', extname) as sql from pg_extension where extname <> 'plpgsql' loop execute each.sql; end loop;
  for each in select oid::regprocedure as name from pg_proc p where pronamespace = 'public'::regnamespace
              and not exists (select 1 from pg_depend d where d.objid = p.oid and d.deptype = 'i') loop
    if each.name::text !~ '^\d+$' then execute format('drop routine if exists %s cascade', each.name); end if; end loop;
  for each in select oid::regtype as name from pg_type where typnamespace = 'public'::regnamespace and typtype in ('e', 'd', 'c', 'r') loop
    if each.name::text !~ '^\d+$' then execute format('drop type if exists %s cascade', each.name); end if; end loop;
  for each in select oid::regcollation as name from pg_collation where collnamespace = 'public'::regnamespace loop
    execute format('drop collation %s cascade', each.name); end loop;
end $$
"""
_LEFT = """
select pg_describe_object(classid, objid, objsubid) from pg_depend where objid >= 16384 and deptype <> 'e'
union all select 'default privileges ' || defaclobjtype::text || ' ' || defaclacl::text from pg_default_acl
union all select 'publication ' || pubname from pg_publication
union all select 'event trigger ' || evtname from pg_event_trigger
"""


async def emptied(url: str) -> None:
    """Empty a database, for the next pair; making one costs ten times as much."""
    async with _connected(url) as connection:
        await connection.execute("set client_min_messages = error")
        await connection.execute(_RESET)
        left = [row[0] for row in await connection.fetch(_LEFT)]
        assert left == [], left


async def both_ways(server: PgServer, urls: tuple[str, str], first: str, second: str) -> None:
    """Make the first on one empty database, lead it to the second and back; count the sequences up."""
    dump = server.bin / "pg_dump"
    url, other = urls
    await make(url, first)
    await make(other, second)
    await make(url, _COUNT)
    start, goal = await look(url, dump), await look(other, dump)
    await move(url, await move(url, start, goal, dump), start, dump)


_COUNT = """
do $$ declare each record; begin
  for each in select c.oid::regclass as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where c.relkind = 'S' and n.nspname !~ '^pg_' loop perform nextval(each.name); end loop;
end $$
"""
