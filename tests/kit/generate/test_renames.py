"""What is not a table gets another name in a migration: kept, proved, taken back, squashed."""

import asyncpg
import pytest
from sqlalchemy import MetaData

from chatkeep.errors import MigrationError, RenameUnclearError
from chatkeep.kit.declared import Declared, Extra
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.rollback import rollback, select
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.squash import squash
from chatkeep.kit.target import Target, target_of
from chatkeep.kit.writing.reversing import REVERSE_KEY

OLD = """
create schema app;
create type app.st as enum ('a', 'b');
create domain short as text check (length(value) < 9);
create type pair as (x int, y short);
create sequence numbers start 100;
create function twice(x int) returns int language sql immutable as 'select x * 2';
create table app.t (
  id serial primary key, s app.st default 'a', d short, v pair, n int default nextval('numbers'),
  m int generated always as (twice(1)) stored
);
create index t_i on app.t (twice(n));
create view seen as select id, s from app.t;
create view over_it as select s from seen where s = 'a';
create materialized view counted as select s, count(*) from app.t group by s;
comment on view seen is 'it';
"""
SPELLED = {
    "app.st": "core.state",
    "app.": "core.",
    "schema app": "schema core",
    "short": "brief",
    "pair": "two",
    "numbers": "counter",
    "twice": "doubled",
    "seen": "shown",
    "counted": "tally",
}
GIVEN = (
    "app:core", "app.st:state", "short:brief", "pair:two", "numbers:counter",
    "twice(x integer):doubled", "seen:shown", "counted:tally",
)  # fmt: skip
FILL = "insert into app.t (d, v) values ('x', row(1, 'y')), ('z', null)"
LOOK = "select id, s::text, d, v::text, n, m from {}.t order by id"


def told(sql: str) -> Target:
    return target_of(Declared(MetaData(), (Extra("sql", "all of it", sql),)))


def respelled(sql: str) -> str:
    for old, new in SPELLED.items():
        sql = sql.replace(old, new)
    return sql


@pytest.fixture
def root(tmp_path):
    return tmp_path / "drizzle"


async def fetch(url: str, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_all_kinds_in_one_migration_there_and_back(root, pg18, database_url):
    scratch = Scratch(pg18.admin_url, dumpers=[pg18.bin / "pg_dump"])
    await generate(root, told(OLD), scratch, Options())
    await migrate(Folder.read(root), database_url)
    await fetch(database_url, FILL)
    rows = await fetch(database_url, LOOK.format("app"))
    made = await generate(root, told(respelled(OLD)), scratch, Options(renames=GIVEN))
    up, down = (path.read_text() for path in (*made.paths, *made.reverses))
    for text in (up, down):
        statements = [line for line in text.splitlines() if not line.startswith("--")]
        assert all(" RENAME " in line for line in statements)
        assert len(statements) == len(GIVEN) + 1  # the domain's check is named after it
    assert (made.destructive, made.lost_back, made.irreversible) == ((), (), {})
    folder = Folder.read(root)
    own = folder.migrations[-1].entry.own
    assert sorted(own["renames"]) == [
        "app.st:state", "app:core", "public.counted:tally", "public.numbers:counter",
        "public.pair:two", "public.seen:shown", "public.short:brief",
        "public.twice(x integer):doubled",
    ]  # fmt: skip
    assert own[REVERSE_KEY]["by"] == "pg_dump"
    await migrate(folder, database_url)
    assert await fetch(database_url, LOOK.format("core")) == rows
    assert await fetch(database_url, "select nextval('counter'), doubled(4)") == [(102, 8)]
    assert (await generate(root, told(respelled(OLD)), scratch, Options())).paths == ()
    await rollback(await select(folder, database_url), database_url)
    assert await fetch(database_url, LOOK.format("app")) == rows


async def test_name_of_the_migration_tells_both_names(root, scratch):
    await generate(root, told(OLD), scratch, Options())
    goal = told(OLD.replace("short", "brief"))
    made = await generate(root, goal, scratch, Options(renames=("short:brief",)))
    assert made.paths[0].name == "0001_rename_short_to_brief.sql"


async def test_each_is_asked_for_and_the_answers_are_kept(root, scratch):
    await generate(root, told(OLD), scratch, Options())
    goal = told(respelled(OLD))
    with pytest.raises(RenameUnclearError):
        await generate(root, goal, scratch, Options())
    asked: list[tuple[str, ...]] = []

    def ask(candidates):
        asked.extend((c.kind, ".".join(c.old), *c.new) for c in candidates)
        return {candidate.old: candidate.new[0] for candidate in candidates}

    made = await generate(root, goal, scratch, Options(ask=ask))
    assert "CREATE" not in made.paths[0].read_text()
    assert asked == [
        ("schema", "app", "core"),
        ("domain", "public.short", "brief"),
        ("composite type", "public.pair", "two"),
        ("function", "public.twice(x integer)", "doubled"),
        ("sequence", "public.numbers", "counter"),
        ("enum", "core.st", "state"),
        ("materialized view", "public.counted", "tally"),
        ("view", "public.seen", "shown"),
    ]
    own = Folder.read(root).migrations[-1].entry.own
    assert set(own["renames"]) == {f"{old}:{new}" for _, old, new in asked}


async def test_what_is_called_gone_is_dropped(root, scratch):
    await generate(root, told(OLD), scratch, Options())
    goal = told(OLD.replace("seen", "shown"))
    made = await generate(root, goal, scratch, Options(renames=("seen:",)))
    assert 'DROP VIEW "public"."seen"' in made.paths[0].read_text()


async def test_misfit_writes_nothing(root, scratch):
    await generate(root, told(OLD), scratch, Options())
    with pytest.raises(MigrationError, match=r"no enum app\.mood comes with the change"):
        await generate(
            root,
            told(OLD.replace("app.st", "app.state")),
            scratch,
            Options(renames=("app.st:mood",)),
        )
    assert len(Folder.read(root).migrations) == 1


async def test_in_a_safe_series_they_come_first(root, scratch, database_url):
    await generate(root, told(OLD), scratch, Options())
    more = respelled(OLD) + "alter table core.t alter d set not null; create index on core.t (d);"
    made = await generate(root, told(more), scratch, Options(renames=GIVEN, safe=True))
    assert made.paths[0].name == "0001_rename_8_things_rename.sql"
    assert len(made.paths) > 2
    folder = Folder.read(root)
    assert [bool(m.entry.own.get("renames")) for m in folder.migrations[1:3]] == [True, False]
    assert "RENAME TO" in made.reverses[0].read_text()
    await migrate(folder, database_url)


async def test_squashed_they_leave_no_trace(root, scratch, database_url):
    await generate(root, told(OLD), scratch, Options())
    await generate(root, told(respelled(OLD)), scratch, Options(renames=GIVEN))
    squashed = await squash(root, scratch)
    assert "RENAME" not in squashed.sql
    await migrate(Folder.read(root), database_url)
    assert await fetch(database_url, "select doubled(3)") == [(6,)]
