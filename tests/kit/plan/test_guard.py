"""What the diff cannot change is named, never passed over."""

import asyncpg
import pytest

from chatkeep.errors import UnmodelledObjectError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.scratch import Scratch
from fixtures.servers import PgServer

T = "create table t (id int primary key, a text);"
UNMODELLED = {
    "partitioned table public.p": "create table p (id int) partition by range (id);",
    "inheritance public.c": "create table c () inherits (t);",
    "range type public.r": "create type r as range (subtype = int);",
    "rule public.t.k": "create rule k as on delete to t do instead nothing;",
    "publication pub": "create publication pub for table t;",
    "aggregate": "create aggregate agg(int) (sfunc = int4pl, stype = int);",
    "operator": "create operator === (leftarg = int, rightarg = int, function = int4eq);",
    "cast": "create type x as (a int); create cast (text as x) with inout;",
    "collation public.co": "create collation co (locale = 'C');",
    "text search configuration public.ts": "create text search configuration ts (copy = simple);",
    "text search dictionary public.td": "create text search dictionary td (template = simple);",
    "grant public.t": "grant select on t to public;",
    "grant public.t.a": "grant select (a) on t to public;",
    "default privileges": "alter default privileges grant select on tables to public;",
    "foreign-data wrapper w": "create foreign data wrapper w;",
    "foreign server s": "create foreign data wrapper w; create server s foreign data wrapper w;",
    "event trigger e": (
        "create function ef() returns event_trigger language plpgsql as 'begin end';"
        "create event trigger e on ddl_command_end execute function ef();"
    ),
    "column options public.t.a": "alter table t alter a set (n_distinct = 5);",
    "clustered index public.t": "alter table t cluster on t_pkey;",
    "replica identity index": "alter table t replica identity using index t_pkey;",
    "view column default public.v": (
        "create view v as select a from t; alter view v alter a set default 'x';"
    ),
    "typed table public.ty": "create type x as (a int); create table ty of x;",
    "access method": "create access method am type index handler bthandler;",
}


async def made(url: str, sql: str) -> Catalog:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
        return await read_catalog(connection)
    finally:
        await connection.close()


@pytest.mark.parametrize("name", UNMODELLED)
async def test_unmodelled_kind_is_named(pg18: PgServer, name: str) -> None:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as old, scratch.database() as new:
        a, b = (
            await made(old, T),
            await made(new, T + "set client_min_messages = error;" + UNMODELLED[name]),
        )
    for pair in ((a, b), (b, a)):
        with pytest.raises(UnmodelledObjectError) as caught:
            plan(*pair)
        assert name in str(caught.value)


async def test_unmodelled_on_both_sides_is_no_difference(pg18: PgServer) -> None:
    scratch = Scratch(pg18.admin_url)
    sql = T + "create table p (id int) partition by range (id); grant select on t to public;"
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, sql), await made(new, sql + "alter table t add b int;")
    assert len(plan(a, b)) == 1


async def test_change_of_a_partitioned_table_is_refused(pg18: PgServer) -> None:
    scratch = Scratch(pg18.admin_url)
    sql = "create table p (id int) partition by range (id);"
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, sql), await made(new, sql + "alter table p add b int;")
    with pytest.raises(UnmodelledObjectError, match=r"partitioned table public\.p"):
        plan(a, b)


async def test_accepted_kind_is_looked_past(pg18: PgServer) -> None:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, T), await made(new, T + "grant select on t to public;")
    assert plan(a, b, accept={"grant"}) == []
