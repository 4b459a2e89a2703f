"""Which changes of type alter stored values without an error: told by PostgreSQL's own casts."""

import asyncpg
import pytest

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.kinds.losses import cut_by_cast, loses_values
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.scratch import Scratch

VALUES = {
    "smallint": "7",
    "integer": "123456789",
    "bigint": "123456789012345678",
    "numeric": "1.23456",
    "numeric(12,2)": "12.34",
    "numeric(12,4)": "12.3456",
    "real": "1.5",
    "double precision": "1.2345678",
    "timestamp without time zone": "2026-01-02 03:04:05.678901",
    "timestamp(3) without time zone": "2026-01-02 03:04:05.678",
    "date": "2026-01-02",
}


async def kept(connection: asyncpg.Connection, before: str, after: str) -> bool:
    """Cast there and back: the value is the same, or PostgreSQL refuses it."""
    value = f"'{VALUES[before]}'::{before}"
    try:
        return await connection.fetchval(f"select {value}::{after}::{before} = {value}")
    except asyncpg.DataError:
        return True


@pytest.mark.parametrize("before", VALUES)
async def test_values_that_change_are_told(database_url: str, before: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        times = before[0] in "td"
        for after in (type_ for type_ in VALUES if (type_[0] in "td") == times):
            if after in {before, "double precision"} or before == "double precision":
                continue
            if not await kept(connection, before, after):
                assert loses_values(before, after), after
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("integer", "bigint"),
        ("character varying(20)", "text"),
        ("text", "character varying(3)"),
        ("jsonb", "json"),
        ("time without time zone", "time with time zone"),
        ("interval day to minute", "interval"),
        ("interval(3)", "interval day to second(3)"),
        ("text", "numeric"),
        ("text", "integer"),
        ("text", "timestamp with time zone"),
        ("text", "uuid"),
        ("numeric(8,2)", "numeric(12,4)"),
        ("timestamp without time zone", "timestamp with time zone"),
        ("integer[]", "bigint[]"),
        ("date", "timestamp without time zone"),
        ("public.geometry(Point,4326)", "public.geometry(Point,3857)"),
    ],
)
def test_what_keeps_values_or_fails_is_not_told(before: str, after: str) -> None:
    assert not loses_values(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("text", "numeric(4,1)"),
        ("character varying(20)", "real"),
        ("text", "date"),
        ("text[]", "date[]"),
        ("text", "time without time zone"),
        ("text", "timestamp(0) with time zone"),
        ("text", "interval day to minute"),
        ("double precision", "integer"),
        ("numeric(8,4)[]", "numeric(8,2)[]"),
        ("timestamp with time zone", "date"),
        ("timestamp with time zone", "timestamp(0) with time zone"),
        ("integer", "boolean"),
        ("double precision", "numeric"),
        ("bigint", "double precision"),
        ("time with time zone", "time without time zone"),
        ("time(3) with time zone", "time without time zone"),
        ("interval", "interval day to minute"),
        ("interval day to second(3)", "interval year to month"),
        ("interval", "time without time zone"),
    ],
)
def test_coarser_types_are_told(before: str, after: str) -> None:
    assert loses_values(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("text", "character varying(3)"),
        ("character varying(5)", "character varying(3)"),
        ("character varying", "character varying(3)"),
        ("bit(8)", "bit(4)"),
        ("integer", "character varying(3)"),
    ],
)
def test_a_cast_that_is_written_out_cuts(before: str, after: str) -> None:
    assert cut_by_cast(before, after)
    assert not cut_by_cast(after, before) or after == "character varying(3)"


def test_a_cast_to_more_cuts_nothing() -> None:
    assert not cut_by_cast("character varying(3)", "character varying(5)")
    assert not cut_by_cast("character varying(3)", "text")
    assert not cut_by_cast("numeric(4,2)", "numeric(3,2)")


async def _facts(scratch: Scratch, sql: str) -> Catalog:
    async with scratch.database() as url:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
            return await read_catalog(connection)
        finally:
            await connection.close()


TABLE = "create table t (id int primary key, v {});"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("create domain d as text;", "create domain d as varchar(3);", ["what public.d cannot"]),
        ("create domain d as numeric;", "create domain d as int;", ["what public.d cannot hold"]),
        ("create domain d as int;", "create domain d as bigint;", []),
        ("create domain d as varchar(3);", "create domain d as text;", []),
        (
            "create type d as (a int, b text);",
            "create type d as (a int);",
            ["attribute public.d.b with its values"],
        ),
        ("create type d as (a int);", "create type d as (a int, b text);", []),
        (
            "create type d as (a text, b text);",
            "create type d as (b text, a text);",
            ["what public.d cannot hold of column public.t.v"],
        ),
        (
            "create type i as (a int, b text); create type d as (i i);",
            "create type i as (a int); create type d as (i i);",
            ["attribute public.i.b with its values"],
        ),
    ],
)
async def test_types_of_the_user_that_hold_less_are_told(pg18, old, new, says) -> None:
    scratch = Scratch(pg18.admin_url)
    states = [await _facts(scratch, sql + TABLE.format("d")) for sql in (old, new)]
    told = [s.loses for s in plan(*states, allow_drops=True) if s.loses]
    assert len(told) == len(says)
    assert all(words.startswith(start) for words, start in zip(told, says, strict=True))


async def test_a_type_that_no_table_uses_loses_nothing(pg18) -> None:
    scratch = Scratch(pg18.admin_url)
    states = [
        await _facts(scratch, f"create type d as ({columns});")
        for columns in ("a int, b int", "a int")
    ]
    assert [s.loses for s in plan(*states, allow_drops=True)] == [""]


async def test_a_text_moved_to_a_domain_is_cut(pg18) -> None:
    scratch = Scratch(pg18.admin_url)
    domain = "create domain d as varchar(3);"
    states = [await _facts(scratch, domain + TABLE.format(type_)) for type_ in ("text", "d")]
    assert [bool(s.loses) for s in plan(*states)] == [True]
