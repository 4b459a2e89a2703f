"""Pages follow each other as a plain ORDER BY would give them, both ways, whatever stands in them."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.servers import PgServer

FULL = os.environ.get("CHATKEEP_FULL") == "1"
_MIXED = """
create table mixed (
    a int, b text, at timestamptz, f float8, id int not null, part text not null,
    primary key (part, id));
insert into mixed
select nullif(n % 5, 4), nullif(chr(97 + n % 3), 'c'),
    case when n % 4 > 0 then timestamptz '2026-01-01' + n / 7 * interval '1.000001 s' end,
    case n % 6 when 0 then 'nan' when 1 then '-infinity' when 2 then null else n / 3.0 end,
    n, case when n % 2 = 0 then 'even' else 'ODD' end
from generate_series(1, 97) n;
create table keyless (v text);
insert into keyless select 'v' || n % 10 from generate_series(1, 3000) n;
create table unique_only (x int, token int not null unique);
insert into unique_only select n % 3, n from generate_series(1, 40) n;
create view seen as select a, b, id from mixed;
create materialized view kept as select a, id from mixed;
"""
_NAMES = ("a", "b", "at", "f", "id", "part")
_SORTS = st.lists(
    st.tuples(st.sampled_from(_NAMES), st.sampled_from(("asc", "desc"))),
    max_size=4,
    unique_by=lambda each: each[0],
)


async def walk(asker: Any, table: str, limit: int, **params: Any) -> list[list[str]]:
    """Go from the first page to the last one, and give the keys."""
    found: list[list[str]] = []
    page = await asker.rows(table, limit=limit, **params)
    while True:
        assert len(page["rows"]) <= limit
        found += [row["key"] or row["cells"] for row in page["rows"]]
        if page["next"] is None:
            return found
        assert len(page["rows"]) == limit
        page = await asker.rows(table, limit=limit, after=page["next"], **params)


async def walk_back(asker: Any, table: str, limit: int, **params: Any) -> list[list[str]]:
    """Go from the last page to the first one, and give the keys in their order."""
    found: list[list[str]] = []
    page = await asker.rows(table, limit=limit, end=1, **params)
    while True:
        found = [row["key"] for row in page["rows"]] + found
        if page["previous"] is None:
            return found
        page = await asker.rows(table, limit=limit, before=page["previous"], **params)


@pytest.fixture
async def mixed(made: Callable[..., Any]) -> Any:
    return await made(_MIXED)


async def test_pages_are_those_of_order_by_both_ways(mixed: Any):
    async def expected(sort: list[tuple[str, str]]) -> list[list[str]]:
        last = sort[-1][1] if sort else "asc"
        rest = [(name, last) for name in ("part", "id") if name not in dict(sort)]
        order = ", ".join(f"m.{name} {way}" for name, way in [*sort, *rest])
        rows = await mixed.connection.fetch(f"select part, id::text from mixed m order by {order}")
        return [list(row) for row in rows]

    async def check(sort: list[tuple[str, str]], limit: int) -> None:
        wanted = await expected(sort)
        assert await walk(mixed, "mixed", limit, sort=sort) == wanted
        assert await walk_back(mixed, "mixed", limit, sort=sort) == wanted

    await check([], 13)
    for way in ("asc", "desc"):
        for name in _NAMES:
            await check([(name, way)], 30)
    await check([("a", "asc"), ("b", "desc"), ("at", "asc"), ("f", "desc")], 20)

    import asyncio

    loop = asyncio.get_running_loop()

    @settings(
        max_examples=400 if FULL else 20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=not FULL,
    )
    @given(_SORTS, st.integers(15, 100))
    def any_sort(sort: list[tuple[str, str]], limit: int) -> None:
        asyncio.run_coroutine_threadsafe(check(sort, limit), loop).result()

    await asyncio.to_thread(any_sort)


async def test_rows_that_come_meanwhile_neither_repeat_nor_hide_others(mixed: Any):
    before = [row["key"] for row in (await mixed.rows("mixed", limit=500))["rows"]]
    found: list[list[str]] = []
    page = await mixed.rows("mixed", limit=10, sort=[["a", "desc"]])
    number = 1000
    while page["next"] is not None:
        found += [row["key"] for row in page["rows"]]
        await mixed.connection.execute(
            "insert into mixed (a, id, part) values (3, $1, 'ODD'), (null, $1, 'even')", number
        )
        number += 1
        page = await mixed.rows("mixed", limit=10, sort=[["a", "desc"]], after=page["next"])
    found += [row["key"] for row in page["rows"]]
    assert len(found) == len({tuple(key) for key in found})
    assert {tuple(key) for key in before} <= {tuple(key) for key in found}


async def test_without_a_key_the_place_on_disk_decides(mixed: Any):
    rows = await mixed.connection.fetch(
        "select ctid::text, xmin::text from keyless k order by k.ctid"
    )
    wanted = [list(row) for row in rows]
    assert await walk(mixed, "keyless", 400) == wanted
    assert await walk_back(mixed, "keyless", 400) == wanted
    assert (await mixed.rows("keyless", limit=1))["paging"] == "position"
    rows = await mixed.connection.fetch(
        "select ctid::text, xmin::text from keyless k order by v desc, k.ctid desc"
    )
    assert await walk(mixed, "keyless", 450, sort=[["v", "desc"]]) == [list(row) for row in rows]


async def test_a_unique_index_serves_as_key_and_views_have_offsets(mixed: Any):
    page = await mixed.rows("unique_only", limit=5)
    assert (page["paging"], page["key"]) == ("unique", ["token"])
    assert [key for (key,) in await walk(mixed, "unique_only", 7)] == [str(n) for n in range(1, 41)]
    page = await mixed.rows("seen", limit=5)
    assert (page["paging"], page["key"]) == ("offset", None)
    rows = await mixed.connection.fetch(
        "select a::text, b, id::text from mixed m order by m.id desc"
    )
    sort = [["id", "desc"]]
    assert await walk(mixed, "seen", 20, sort=sort, scan=1) == [list(row) for row in rows]
    second = await mixed.rows(
        "seen", limit=20, sort=sort, after=(await mixed.rows("seen", limit=20, sort=sort))["next"]
    )
    again = await mixed.rows("seen", limit=20, sort=sort, before=second["previous"])
    assert [row["cells"][2] for row in again["rows"]] == [str(n) for n in range(97, 77, -1)]
    assert (await mixed.rows("kept", limit=5))["paging"] == "position"


async def test_a_value_too_long_for_a_cursor_is_looked_up(made: Callable[..., Any]):
    asker = await made(
        "create table long (id int primary key, t text);"
        "insert into long select n, repeat(chr(97 + n % 4), 5000) from generate_series(1, 20) n"
    )
    rows = await asker.connection.fetch("select id::text from long l order by t, l.id")
    assert await walk(asker, "long", 3, sort=[["t", "asc"]]) == [list(row) for row in rows]
    page = await asker.rows("long", limit=3, sort=[["t", "asc"]])
    assert len(page["next"]) < 400
    await asker.connection.execute(
        "delete from long where id = $1", int(page["rows"][-1]["key"][0])
    )
    told = await asker.rows("long", 422, limit=3, sort=[["t", "asc"]], after=page["next"])
    assert "deleted" in told["message"]


async def test_a_cursor_of_something_else_is_refused(mixed: Any):
    page = await mixed.rows("mixed", limit=5, sort=[["a", "asc"]])
    cursor = page["next"]
    middle = len(cursor) // 2
    tampered = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    for table, given_ in (
        ("mixed", {"after": cursor}),
        ("mixed", {"after": cursor, "sort": [["a", "desc"]]}),
        ("mixed", {"after": cursor, "sort": [["a", "asc"]], "q": "x"}),
        ("unique_only", {"after": cursor}),
        ("mixed", {"after": tampered, "sort": [["a", "asc"]]}),
        ("mixed", {"after": "no cursor", "sort": [["a", "asc"]]}),
        ("mixed", {"after": "ü", "sort": [["a", "asc"]]}),
    ):
        told = await mixed.rows(table, 422, **given_)
        assert told["field"] == "cursor"


async def test_limits_of_a_page(mixed: Any):
    for limit in ("0", "501", "x", "-1"):
        told = await mixed.rows("mixed", 422, limit=limit)
        assert told["field"] == "limit"
    assert len((await mixed.rows("keyless", limit=500))["rows"]) == 500


@pytest.mark.needs("pg15")
async def test_paging_on_15(pg15: PgServer, made: Callable[..., Any]):
    asker = await made(_MIXED, server=pg15)
    sort = [["a", "desc"], ["at", "asc"]]
    rows = await asker.connection.fetch(
        "select part, id::text from mixed m order by a desc, at, part, m.id"
    )
    assert await walk(asker, "mixed", 10, sort=sort) == [list(row) for row in rows]
    assert await walk_back(asker, "mixed", 10, sort=sort) == [list(row) for row in rows]
    assert len(await walk(asker, "keyless", 450)) == 3000
