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
    "inheritance public.c": "create table c () inherits (t);",
    "aggregate": "create aggregate agg(int) (sfunc = int4pl, stype = int);",
    "operator": "create operator === (leftarg = int, rightarg = int, function = int4eq);",
    "cast": "create type x as (a int); create cast (text as x) with inout;",
    "text search configuration public.ts": "create text search configuration ts (copy = simple);",
    "text search dictionary public.td": "create text search dictionary td (template = simple);",
    "foreign-data wrapper w": "create foreign data wrapper w;",
    "foreign server s": "create foreign data wrapper w; create server s foreign data wrapper w;",
    "column options public.m.a": (
        "create materialized view m as select a from t;"
        "alter materialized view m alter a set statistics 9;"
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
    sql = T + "create table c () inherits (t); create type y as (a int); create table ty of y;"
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, sql), await made(new, sql + "create table u (b int);")
    assert len(plan(a, b)) == 1


async def test_change_of_an_inheriting_table_is_refused(pg18: PgServer) -> None:
    scratch = Scratch(pg18.admin_url)
    sql = T + "create table c () inherits (t);"
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, sql), await made(new, sql + "alter table c add b int;")
    with pytest.raises(UnmodelledObjectError, match=r"inheritance public\.c"):
        plan(a, b)


async def test_table_with_rows_is_not_partitioned_unasked(pg18: PgServer) -> None:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as old, scratch.database() as new:
        a = await made(old, "create table p (id int);")
        b = await made(new, "create table p (id int) partition by range (id);")
    with pytest.raises(UnmodelledObjectError, match=r"partitioning of table public\.p"):
        plan(a, b)
    assert plan(a, b, allow_drops=True)[0].loses == "table public.p with its rows"


@pytest.mark.parametrize("change", ["subtype = int8", "subtype = int4, multirange_type_name = mr"])
async def test_range_below_a_column_is_not_made_anew(pg18: PgServer, change: str) -> None:
    scratch = Scratch(pg18.admin_url)
    sql = "create type r as range (%s); create table t (r r);"
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, sql % "subtype = int4"), await made(new, sql % change)
    with pytest.raises(UnmodelledObjectError, match=r"range type public\.r"):
        plan(a, b)


async def test_accepted_kind_is_looked_past(pg18: PgServer) -> None:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, T), await made(new, T + "grant select on t to public;")
    assert plan(a, b, accept={"grant"}) == []
