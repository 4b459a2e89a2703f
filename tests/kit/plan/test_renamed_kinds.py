"""Each kind that can have another name is renamed: what hangs on it stays, there, back and there again."""

import os
from collections.abc import AsyncIterator

import pytest

from chatkeep.errors import MigrationError, RenameUnclearError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.renames import parse_renames
from chatkeep.kit.plan.renaming import inverted
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.states import facts_of_database
from fixtures.servers import PgServer
from kit.plan.cases.renamed import CASES, Renamed
from kit.plan.there_and_back import emptied, look, make, move, staying

FULL = bool(os.environ.get("CHATKEEP_FULL"))
ON_18 = CASES if FULL else CASES[::2]
ON_15 = CASES if FULL else CASES[1::6]


@pytest.fixture(scope="module")
async def two_of_18(pg18: PgServer) -> AsyncIterator[tuple[str, str]]:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as url, scratch.database() as other, staying(url, other):
        yield url, other


@pytest.fixture(scope="module")
async def two_of_15(pg15: PgServer) -> AsyncIterator[tuple[str, str]]:
    scratch = Scratch(pg15.admin_url)
    async with scratch.database() as url, scratch.database() as other, staying(url, other):
        yield url, other


async def check(server: PgServer, urls: tuple[str, str], case: Renamed) -> None:
    url, other = urls
    for each in urls:
        await emptied(each)
    dump = server.bin / "pg_dump"
    await make(url, case.sql + case.rows)
    await make(other, case.goal)
    start, goal = await look(url, dump), await look(other, dump)
    given = parse_renames(case.given, start.catalog, goal.catalog)
    back = inverted(given, start.catalog, goal.catalog)
    assert len(back) == len(given)
    planned = plan(start.catalog, goal.catalog, renames=given, allow_drops=True)
    assert {each.action for each in planned} == {"rename", *case.more}, planned
    planned = plan(goal.catalog, start.catalog, renames=back, allow_drops=True)
    others = [each.sql for each in planned if each.action != "rename"]
    assert bool(others) == bool(case.more), others
    up = await move(url, start, goal, dump, given)
    down = await move(url, up, start, dump, back)
    await move(url, down, goal, dump, given)


@pytest.mark.parametrize("case", ON_18, ids=lambda case: case.name)
async def test_there_and_back_by_names_alone(
    pg18: PgServer, two_of_18: tuple[str, str], case: Renamed
) -> None:
    await check(pg18, two_of_18, case)


@pytest.mark.needs("pg15")
@pytest.mark.parametrize("case", ON_15, ids=lambda case: case.name)
async def test_there_and_back_by_names_alone_on_15(
    pg15: PgServer, two_of_15: tuple[str, str], case: Renamed
) -> None:
    await check(pg15, two_of_15, case)


async def read(urls: tuple[str, str], *sides: str) -> tuple[Catalog, Catalog]:
    """Make each side on a database of its own, and read it."""
    found: list[Catalog] = []
    for url, sql in zip(urls, sides, strict=True):
        await emptied(url)
        await make(url, sql)
        found.append(await facts_of_database(url))
    return found[0], found[1]


ASKED = [
    ("schema", "create schema a; create table a.t (id int);", "create schema b; create table b.t (id int);", ("a",), "b"),
    ("enum", "create type st as enum ('a', 'b');", "create type state as enum ('a', 'b', 'c');", ("public", "st"), "state"),
    ("domain", "create domain d as int;", "create domain e as int default 1;", ("public", "d"), "e"),
    ("composite type", "create type c as (x int, y int);", "create type k as (x int, y int, z int);", ("public", "c"), "k"),
    ("attribute", "create type c as (x int);", "create type c as (y int);", ("public", "c", "x"), "y"),
    ("view", "create view v as select 1 as a;", "create view w as select 1 as a;", ("public", "v"), "w"),
    ("materialized view", "create materialized view v as select 1 as a;", "create materialized view w as select 1 as a;", ("public", "v"), "w"),
    ("sequence", "create sequence s;", "create sequence z;", ("public", "s"), "z"),
    ("function", "create function f(x int) returns int language sql as 'select 1';", "create function g(x int) returns int language sql as 'select 1';", ("public", "f(x integer)"), "g"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "old", "new", "path", "name"), ASKED, ids=[a[0] for a in ASKED])
async def test_what_went_and_came_alike_is_asked_for(
    two_of_18: tuple[str, str],
    kind: str,
    old: str,
    new: str,
    path: tuple[str, ...],
    name: str,
) -> None:
    a, b = await read(two_of_18, old, new)
    with pytest.raises(RenameUnclearError) as caught:
        plan(a, b)
    assert caught.value.candidates == ((kind, path, (name,)),)
    text = f"{'.'.join(path)}:{name}"
    assert f"--rename {text}" in (caught.value.hint or "").replace("'", "")
    assert parse_renames([text], a, b) == {path: name}
    assert plan(a, b, renames={path: name})[0].action == "rename"
    gone = parse_renames([f"{'.'.join(path)}:"], a, b)
    assert gone == {path: None}
    assert "rename" not in {s.action for s in plan(a, b, renames=gone)}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("create schema a;", "create schema b;"),
        ("create type st as enum ('a', 'b');", "create type mood as enum ('sad');"),
        ("create domain d as int;", "create domain e as text;"),
        ("create view v as select 1 as a;", "create view w as select 2 as a;"),
        ("create view v as select 1 as a;", "create materialized view w as select 1 as a;"),
        ("create sequence s;", "create sequence z increment 2;"),
        (
            "create function f() returns int language sql as 'select 1';",
            "create function g() returns int language sql as 'select 2';",
        ),
    ],
)
async def test_what_is_not_alike_is_not_asked_for(
    two_of_18: tuple[str, str], old: str, new: str
) -> None:
    a, b = await read(two_of_18, old, new)
    assert sorted(s.action for s in plan(a, b)) == ["create", "drop"]


OLD = """
create schema app; create table app (id int); create table stays (id int, n int); create view v as select 1 as a;
create sequence st; create type st as enum ('a'); create table taken (id int);
"""
NEW = """
create schema core; create table core (id int); create table stays (id int, m int); create table w (a int);
create sequence seen; create type seen as enum ('a'); create view taken as select 1 as b;
"""


MISFITS = [
    ("nobody:x", "there is no such object"),
    ("view:app:core", "Cannot rename app: there is no such view"),
    ("stays:core", "table public.stays: it is there after the change as well"),
    ("v:w", "no view public.w comes with the change"),
    ("stays.n:k", "column public.stays.n: no column public.stays.k comes"),
    ("app:nobody", "no schema nobody comes with the change"),
    ("app:core", "`app:core` may mean schema app or table public.app"),
    ("st:seen", "may mean enum public.st or sequence public.st"),
    ("public.app:core.core", "a rename moves nothing elsewhere"),
    ("thing:app:core", "cannot be read"),
]


@pytest.fixture(scope="module")
async def sides(two_of_18: tuple[str, str]) -> tuple[Catalog, Catalog]:
    return await read(two_of_18, OLD, NEW)


@pytest.mark.parametrize(("given", "said"), MISFITS, ids=[given for given, _ in MISFITS])
def test_what_does_not_fit_is_refused(
    sides: tuple[Catalog, Catalog], given: str, said: str
) -> None:
    with pytest.raises(MigrationError) as caught:
        parse_renames([given], *sides)
    assert said in str(caught.value)


def test_the_kind_tells_apart_what_the_name_does_not(sides: tuple[Catalog, Catalog]) -> None:
    a, b = sides
    assert parse_renames(["schema:app:core", "table:app:core"], a, b) == {
        ("app",): "core",
        ("public", "app"): "core",
    }
    given = parse_renames(["type:st:seen", "sequence:st:seen"], a, b)
    assert given == {("type:public", "st"): "seen", ("sequence:public", "st"): "seen"}
    assert {s.sql for s in plan(a, b, renames=given, allow_drops=True) if s.action == "rename"} == {
        'ALTER TYPE "public"."st" RENAME TO "seen"',
        'ALTER SEQUENCE "public"."st" RENAME TO "seen"',
    }


def test_a_name_that_another_thing_has_until_it_goes_is_refused(
    sides: tuple[Catalog, Catalog],
) -> None:
    with pytest.raises(MigrationError, match="there is one of that name already"):
        plan(sides[0], sides[0], renames={("public", "stays"): "taken"})
