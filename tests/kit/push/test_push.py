"""`push`: one transaction, only what is ours, and nothing left to do after it."""

import asyncio
import os
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chatkeep.errors import (
    MigrationError,
    MigrationLockError,
    RenameUnclearError,
    RowsInTheWayError,
    StatementError,
)
from chatkeep.kit.applying.lock import migration_lock
from chatkeep.kit.connection import connect
from chatkeep.kit.push import Options, push
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.presets import deepsearch, maps
from fixtures.servers import Databases, PgServer
from kit.plan.random_schemas import schema
from kit.push.conftest import Place

FULL = bool(os.environ.get("CHATKEEP_FULL"))
A = "create table t (id int primary key, a text);"
EDITIONS = [
    pytest.param(preset, words, id=f"{preset.__name__.rpartition('.')[2]} {name}")
    for preset in (deepsearch, maps)
    for name, words in (
        ("seed", {"edition": "seed"}),
        ("hardened", {}),
        ("seed writers", {"seed_writers": True}),
    )
]


@pytest.mark.parametrize(("preset", "words"), EDITIONS)
async def test_second_push_of_a_preset_finds_nothing(place, pg, preset, words):
    there = await place(pg)
    target = target_of(preset.schema(prefix="ai-app-template_", **words))
    assert (await there.push(target)).statements
    first = await there.dump()
    assert not (await there.push(target)).statements
    assert await there.dump() == first


@pytest.mark.parametrize("preset", [deepsearch, maps])
async def test_from_the_seeds_edition_to_the_hardened_and_back(place, pg18, preset):
    there = await place(pg18)
    ours = [table.name for table in preset.schema().tables.values()]  # the seed's have fewer
    for state in (preset.schema(edition="seed"), preset.schema(), preset.schema(edition="seed")):
        assert (await there.push(target_of(state), allow_drops=True, tables=ours)).statements
        assert not (await there.push(target_of(state), tables=ours)).statements


SCHEMAS = st.integers(0, 2**40).map(lambda seed: schema(Random(seed), roles=False))
"""Owners and grants that a schema says nothing of stay: two schemas with roles need not agree."""

OF_TABLES = (
    *(
        "CREATE TABLE",
        "CREATE UNLOGGED TABLE",
        "ALTER TABLE",
        "CREATE INDEX",
        "CREATE UNIQUE INDEX",
    ),
    *("CREATE VIEW", "CREATE MATERIALIZED VIEW", "CREATE TRIGGER", "CREATE POLICY", "CREATE RULE"),
)


async def pushed_twice(server: PgServer, first: str, second: str) -> None:
    """Push a schema, then another over it; each time a second push finds nothing."""
    databases = Databases(server)
    there = Place(server, await databases())
    try:
        for sql in (first, second):
            await there.push(sql, allow_drops=True, tables=["*"])
            again = await there.push(sql, tables=["*"])
            assert not again.statements, [s.sql for s in again.statements]
        straight = Place(server, await databases())
        await straight.run(second)
        found, wanted = await blocks(there), await blocks(straight)
        assert wanted <= found
        # What stands outside of tables and no table of ours has used may be anybody's.
        assert [line for line in found - wanted if line.startswith(OF_TABLES)] == []
    finally:
        await databases.drop()


async def blocks(there: Place) -> set[str]:
    """What pg_dump says, whatever the order of columns."""
    parts = [block.rstrip(";").split("\n") for block in await there.dump()]
    return {
        "\n".join([first, *sorted(line.rstrip(";") for line in rest)]) for first, *rest in parts
    }


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(
    max_examples=200 if FULL else 2,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(first=SCHEMAS, second=SCHEMAS)
async def test_second_push_of_random_schemas_finds_nothing(
    pg18: PgServer, first: str, second: str
) -> None:
    await pushed_twice(pg18, first, second)


async def test_an_error_leaves_nothing_behind(place, pg):
    there = await place(pg, "create view v as select 1 as x;" + A)
    before = await there.dump()
    # PostgreSQL itself refuses: a view that is not ours stands on the column.
    await there.run("create view stranger as select a from t")
    before = await there.dump()
    with pytest.raises(StatementError, match=r"Nothing was changed"):
        await there.push("create table t (id int primary key); create table new (id int);")
    assert await there.dump() == before


async def test_a_deferred_constraint_refuses_at_the_end(place, pg18):
    there = await place(pg18, A + "insert into t values (1, 'x');")
    fk = "alter table t add constraint f foreign key (id) references u (id) deferrable initially deferred;"
    with pytest.raises(RowsInTheWayError):
        await there.push(
            "create table t (id int primary key, a text); create table u (id int primary key);" + fk
        )
    assert await there.fetch("select count(*) from pg_class where relname = 'u'") == [(0,)]


async def test_dry_run_changes_nothing_and_tells_the_same(place, pg18):
    there = await place(pg18, A)
    before = await there.dump()
    tried = await there.push("create table t (id int primary key, a text, b int);", dry_run=True)
    assert await there.dump() == before
    done = await there.push("create table t (id int primary key, a text, b int);")
    assert done.statements == tried.statements


async def test_a_database_with_migrations_is_refused(place, pg18):
    there = await place(
        pg18,
        "create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key,"
        " hash text not null, created_at bigint);",
    )
    await there.push(A)  # the empty table of an empty folder is no reason
    await there.run("insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 1)")
    with pytest.raises(MigrationError, match=r"A migration was applied .*--force"):
        await there.push(A + "create table u (id int);")
    assert (await there.push(A + "create table u (id int);", force=True)).statements


async def test_a_rename_keeps_the_rows(place, pg):
    there = await place(pg, A + "insert into t values (1, 'x');")
    with pytest.raises(RenameUnclearError):
        await there.push("create table t (id int primary key, b text);")
    await there.push("create table t (id int primary key, b text);", renames=["t.a:b"])
    assert await there.fetch("select b from t") == [("x",)]
    await there.push("create table u (id int primary key, b text);", renames=["t:u"])
    assert await there.fetch("select b from u") == [("x",)]


async def test_what_is_no_table_is_renamed_too(place, pg):
    old = """create schema app; create type app.st as enum ('a'); create sequence numbers start 7;
        create function f() returns int language sql as 'select 1';
        create table app.t (id int primary key, s app.st); create view app.v as select s from app.t;"""
    there = await place(pg, old + "insert into app.t values (1, 'a'); select nextval('numbers');")
    goal = old.replace("app.st", "core.state").replace("app.", "core.").replace("app;", "core;")
    goal = goal.replace("numbers", "counter").replace("f()", "g()").replace(".v ", ".w ")
    given = ["app:core", "app.st:state", "numbers:counter", "f():g", "app.v:w"]
    done = await there.push(goal, renames=given)
    assert {statement.action for statement in done.statements} == {"rename"}
    assert await there.fetch("select s::text, nextval('counter'), g() from core.w") == [("a", 8, 1)]
    assert not (await there.push(goal)).statements


async def test_no_rename_means_it_goes_if_that_is_accepted(place, pg18):
    there = await place(pg18, A + "insert into t values (1, 'x');")
    goal = "create table t (id int primary key, b text);"
    with pytest.raises(RowsInTheWayError, match=r"--drop public\.t\.a"):
        await there.push(goal, renames=["t.a:"])
    await there.push(goal, renames=["t.a:"], drop=["t.a"])
    assert await there.fetch("select * from t") == [(1, None)]


STRANGERS = """
create type theirs as enum ('x', 'y'); create type shared as enum ('s');
create sequence their_seq; create function their_f() returns int language sql as 'select 1';
create table their_t (id int primary key default nextval('their_seq'), e theirs, s shared);
create view their_v as select id from their_t; create domain their_d as int;
create extension citext; create schema their_schema; create table their_schema.x (id serial);
create policy p on their_t using (true);
"""


async def test_what_is_anothers_stays(place, pg):
    there = await place(pg, STRANGERS + "create table old (id int, s shared);")
    before = await there.dump()
    done = await there.push(
        "create table mine (id int);", tables=["mine*", "old"], allow_drops=True
    )
    assert {"public.their_t", "their_schema.x"} == set(done.strangers)
    after = await there.dump()
    assert set(before) - set(after) == {line for line in before if "public.old" in line}
    assert len(set(after) - set(before)) == 1
    assert await there.fetch("select unnest(enum_range(null::shared))::text") == [("s",)]


async def test_a_table_that_nobody_claims_stays(place, pg18):
    there = await place(pg18, A + "create table old (id int);")
    assert (await there.push(A)).strangers == ("public.old",)
    assert (await there.push(A, tables=["*"])).statements


async def test_what_only_ours_used_goes_with_it(place, pg18):
    there = await place(pg18)
    await there.push("create type mood as enum ('a'); create table t (id int, m mood);")
    await there.push("create table t (id int);")
    assert await there.fetch("select 1 from pg_type where typname = 'mood'") == []


async def test_grants_made_by_hand_stay(place, pg18):
    there = await place(pg18, A + "grant select on t to public;")
    assert not (await there.push(A)).statements
    await there.push("create table t (id int primary key, a text, b int);")
    assert await there.fetch("select has_table_privilege('public', 't', 'select')") == [(True,)]


async def test_default_privileges_give_no_more_than_the_schema_says(place, pg18):
    there = await place(pg18, "alter default privileges grant select, insert on tables to public;")
    schema = A + "grant select on t to public;"
    assert any("REVOKE" in s.sql for s in (await there.push(schema)).statements)
    assert not (await there.push(schema)).statements
    assert await there.fetch("select has_table_privilege('public', 't', 'insert')") == [(False,)]


async def test_a_foreign_table_reference_to_a_dropped_table_is_no_cascade(place, pg18):
    there = await place(pg18, A + "create table theirs (t int references t);")
    with pytest.raises(StatementError, match="cannot drop table t"):
        await there.push("", tables=["t"])
    assert len(await there.fetch("select 1 from pg_constraint where contype = 'f'")) == 1


async def test_it_waits_for_a_migrating_process_and_gives_up(place, pg18, monkeypatch):
    there = await place(pg18)
    monkeypatch.setattr("chatkeep.kit.push.LOCK_WAIT", 0.1)
    async with connect(there.url) as other, migration_lock(other, wait=1):
        with pytest.raises(MigrationLockError):
            await there.push(A)


async def test_a_table_that_somebody_holds_is_waited_for_and_given_up(place, pg18, monkeypatch):
    there = await place(pg18, A)
    monkeypatch.setattr("chatkeep.kit.push.LOCK_WAIT", 0.2)
    async with connect(there.url) as other, other.transaction():
        await other.execute("lock table t in access share mode")
        with pytest.raises(StatementError, match="lock timeout"):
            await there.push("create table t (id int primary key, a text, b int);")


async def test_two_at_once_end_alike(place, pg18):
    there = await place(pg18)
    target = target_of(deepsearch.schema())
    pushes = [push(there.url, target, Scratch(pg18.admin_url), Options()) for _ in range(4)]
    done = await asyncio.gather(*pushes)
    assert sorted(bool(each.statements) for each in done) == [False, False, False, True]
