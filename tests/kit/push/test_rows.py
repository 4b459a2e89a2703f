"""Rows in the way of a push: counted, told, and never touched."""

import os
from dataclasses import dataclass

import pytest

from chatkeep.errors import RowsInTheWayError
from kit.push.conftest import Place

T = "create table t (id int primary key, a text, n int, s smallint);"
ROWS = "insert into t values (1, 'x', 1, 1), (2, 'x', 2, null), (3, null, 70000, null);"
E = "create type e as enum ('a', 'b'); create table u (id int primary key, e e);"
ROWS_E = "insert into u values (1, 'a'), (2, 'b');"


@dataclass(frozen=True)
class Case:
    """A change: what is there, its rows, what shall be, and what is said of it.

    Attributes:
        mend: SQL after which no row is in the way any more.
    """

    name: str
    old: str
    rows: str
    new: str
    says: str
    mend: str
    drop: str = ""
    only18: bool = False


def _t(
    name: str,
    columns: str,
    says: str,
    mend: str,
    *,
    more: str = "",
    drop: str = "",
    only18: bool = False,
) -> Case:
    return Case(name, T, ROWS, f"create table t ({columns}); {more}", says, mend, drop, only18)


ALL = "id int primary key, a text, n int, s smallint"
CASES = [
    Case(
        "table",
        T + "create table k (id int);",
        ROWS,
        "create table k (id int);",
        r"3 rows of the table public\.t would be lost.*--drop public\.t,",
        "delete from t",
        drop="t",
    ),
    _t(
        "column",
        "id int primary key, n int, s smallint",
        r"2 values of the column public\.t\.a would be lost.*--drop public\.t\.a,",
        "update t set a = null",
        drop="t.a",
    ),
    _t(
        "not null",
        "id int primary key, a text not null, n int, s smallint",
        r"1 rows have no value in public\.t\.a, which becomes NOT NULL \(such as 3\)",
        "update t set a = '' where a is null",
    ),
    _t(
        "not null column without a default",
        f"{ALL}, b text not null",
        r"3 rows would have no value in the new column public\.t\.b \(such as 1; 2; 3\)",
        "delete from t",
    ),
    _t(
        "unique",
        f"{ALL}, constraint u unique (a)",
        r"2 rows share their values with another row in the unique constraint public\.t\.u \(such as 1; 2\)",
        "update t set a = 'y' where id = 2",
    ),
    _t(
        "unique nulls not distinct",
        f"{ALL}, constraint u unique nulls not distinct (s)",
        "2 rows share",
        "update t set s = 9 where id = 2",
        more="",
    ),
    _t(
        "unique index on an expression",
        ALL,
        r"2 rows share their values with another row in the unique index public\.i",
        "update t set a = 'y' where id = 2",
        more="create unique index i on t (upper(a)) where n < 3;",
    ),
    _t(
        "check",
        f"{ALL}, constraint c check (n < 100)",
        r"1 rows break the check public\.t\.c \(such as 3\)",
        "update t set n = 5 where id = 3",
    ),
    Case(
        "validate",
        T,
        ROWS + "alter table t add constraint c check (n < 100) not valid;",
        f"create table t ({ALL}, constraint c check (n < 100));",
        "1 rows break the check",
        "update t set n = 5 where id = 3",
    ),
    _t(
        "foreign key",
        ALL,
        r"1 rows refer to nothing by the foreign key public\.t\.f \(such as 3\)",
        "update t set n = 1",
        more="alter table t add constraint f foreign key (n) references t (id);",
    ),
    _t(
        "primary key",
        "id int, a text primary key, n int, s smallint",
        r"1 rows have no value in the primary key public\.t\.t_pkey.*; 2 rows share",
        "update t set a = id::text",
    ),
    _t(
        "cast",
        "id int primary key, a int, n int, s smallint",
        r"2 values of the column public\.t\.a are no integer \(such as 1; 2\)",
        "update t set a = '7'",
        only18=True,
    ),
    _t(
        "narrower type",
        "id int primary key, a text, n smallint, s smallint",
        r"1 values of the column public\.t\.n are no smallint \(such as 3\)",
        "update t set n = 7",
        only18=True,
    ),
    Case(
        "coarser type",
        "create table t (id int primary key, n numeric);",
        "insert into t values (1, 1.5), (2, 2);",
        "create table t (id int primary key, n int);",
        r"1 values of the column public\.t\.n that integer cannot hold would be lost",
        "update t set n = round(n)",
        drop="t.n",
    ),
    Case(
        "type without a cast back",
        "create table t (id int primary key, j jsonb);",
        "insert into t values (1, '1.55'), (2, '2');",
        "create table t (id int primary key, j numeric(4, 1));",
        r"1 values of the column public\.t\.j that numeric\(4,1\) cannot hold would be lost",
        "update t set j = '3'",
        drop="t.j",
    ),
    Case(
        "domain that holds less",
        "create domain d as text; create table t (id int primary key, v d);",
        "insert into t values (1, 'abcdef'), (2, 'abc');",
        "create domain d as varchar(3); create table t (id int primary key, v d);",
        r"1 values of the column public\.t\.v that public\.d cannot hold would be lost",
        "update t set v = 'abc'",
        drop="t.v",
    ),
    Case(
        "attribute",
        "create type c as (a int, b text); create table t (id int primary key, v c);",
        "insert into t values (1, '(1,x)'), (2, null), (3, '(,)');",
        "create type c as (a int); create table t (id int primary key, v c);",
        r"2 values of the column public\.t\.v with attribute public\.c\.b would be lost",
        "update t set v = null",
        drop="t.v",
    ),
    Case(
        "zone of a time",
        "create table t (id int primary key, v timetz);",
        "insert into t values (1, '10:00+05'), (2, null);",
        "create table t (id int primary key, v time);",
        r"1 values of the column public\.t\.v that time without time zone cannot hold would be lost",
        "update t set v = null",
        drop="t.v",
    ),
    Case(
        "fields of an interval",
        "create table t (id int primary key, v interval);",
        "insert into t values (1, '1 day 10:00:30'), (2, '1 day 10:00');",
        "create table t (id int primary key, v interval day to minute);",
        r"1 values of the column public\.t\.v that interval day to minute cannot hold would be lost",
        "update t set v = '1 day'",
        drop="t.v",
    ),
    Case(
        "label of an enum",
        E,
        ROWS_E,
        "create type e as enum ('b'); create table u (id int primary key, e e);",
        r"1 values of the column public\.u\.e are no public\.e \(such as 1\)|invalid text representation",
        "update u set e = 'b'",
    ),
    Case(
        "check of a domain",
        "create domain d as int; create table t (id int primary key, d d);",
        "insert into t values (1, -5);",
        "create domain d as int constraint p check (value > 0); create table t (id int primary key, d d);",
        "domain public.d: .*contains values that violate the new constraint",
        "update t set d = 5",
    ),
    Case(
        "exclusion",
        "create table t (id int primary key, r int4range);",
        "insert into t values (1, '[1,5)'), (2, '[2,9)');",
        "create table t (id int primary key, r int4range, constraint x exclude using gist (r with &&));",
        "exclusion constraint public.t.x: ",
        "update t set r = null",
    ),
]
FULL = bool(os.environ.get("CHATKEEP_FULL"))
SOME = CASES if FULL else CASES[::4]


def named(case: Case) -> str:
    return case.name


async def rows_of(there) -> list[list[tuple[object, ...]]]:
    tables = await there.fetch(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1"
    )
    return [await there.fetch(f'select * from "{name}" order by 1') for (name,) in tables]


@pytest.mark.parametrize("case", CASES, ids=named)
async def test_rows_in_the_way_are_told_and_stay(place, pg18, case: Case):
    await told_and_stay(await place(pg18, case.old + case.rows), case)


@pytest.mark.needs("pg15")
@pytest.mark.parametrize("case", [case for case in SOME if not case.only18], ids=named)
async def test_rows_in_the_way_on_15(place, pg15, case: Case):
    await told_and_stay(await place(pg15, case.old + case.rows), case)


async def told_and_stay(there: Place, case: Case) -> None:
    schema, rows = await there.dump(), await rows_of(there)
    with pytest.raises(RowsInTheWayError, match=case.says) as told:
        await there.push(case.new, tables=["*"])
    assert "Nothing was changed." in str(told.value)
    for content in ("70000", "Failing row"):
        assert content not in str(told.value)
    assert (await there.dump(), await rows_of(there)) == (schema, rows)
    tried = await there.push(case.new, dry_run=True, tables=["*"])
    assert tried.refusals
    assert (await there.dump(), await rows_of(there)) == (schema, rows)


@pytest.mark.parametrize("case", SOME, ids=named)
async def test_with_no_row_in_the_way_nothing_is_asked(place, pg18, case: Case):
    there = await place(pg18, case.old + case.rows)
    await there.run(case.mend)
    assert (await there.push(case.new, tables=["*"])).statements
    assert not (await there.push(case.new, tables=["*"])).statements


@pytest.mark.parametrize("case", [case for case in CASES if case.drop], ids=named)
@pytest.mark.parametrize("way", ["named", "all"])
async def test_a_loss_is_taken_when_told(place, pg18, case: Case, way: str):
    there = await place(pg18, case.old + case.rows)
    told = {"drop": [case.drop]} if way == "named" else {"accept_data_loss": True}
    assert (await there.push(case.new, **told, tables=["*"])).statements


@pytest.mark.parametrize("case", [case for case in SOME if not case.drop], ids=named)
async def test_no_word_makes_push_touch_rows_that_a_rule_refuses(place, pg18, case: Case):
    there = await place(pg18, case.old + case.rows)
    before = await rows_of(there)
    with pytest.raises(RowsInTheWayError):
        await there.push(case.new, accept_data_loss=True, force=True, allow_drops=True)
    assert await rows_of(there) == before


async def test_all_that_is_in_the_way_is_told_at_once(place, pg18):
    there = await place(pg18, T + ROWS)
    with pytest.raises(RowsInTheWayError) as told:
        await there.push(
            "create table t (id int primary key, n int not null check (n < 9), s smallint not null,"
            " b text not null unique);",
            allow_drops=True,
        )
    for part in ("column public.t.a", "public.t.s", "new column public.t.b", "check"):
        assert part in str(told.value)


async def test_another_loss_than_the_named_is_refused(place, pg18):
    there = await place(pg18, T + ROWS)
    with pytest.raises(RowsInTheWayError, match=r"column public\.t\.n would be lost") as told:
        await there.push("create table t (id int primary key, s smallint);", drop=["t.a"])
    assert "public.t.a" not in str(told.value)


async def test_a_sequence_stands_where_it_stood_after_a_refusal(place, pg18):
    there = await place(
        pg18,
        "create sequence q minvalue 1; create table t (id int default nextval('q'), a text); insert into t values (1, null);",
    )
    with pytest.raises(RowsInTheWayError):
        await there.push(
            "create sequence q minvalue 100 start 100; create table t (id int default nextval('q'), a text not null);"
        )
    assert await there.fetch("select last_value, is_called from q") == [(1, False)]
