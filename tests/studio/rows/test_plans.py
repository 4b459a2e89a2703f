"""A big table is never gone through unasked, and a page far away costs what a near one does."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest

from chatkeep.studio.rows.asking import Asked
from chatkeep.studio.rows.binding import settle
from chatkeep.studio.rows.catalog import relation_of
from chatkeep.studio.rows.cursors import Place
from chatkeep.studio.rows.paging import Pages
from fixtures.servers import Databases, PgServer

_ROWS = 60_000
_BIG = f"""
create table owner (id text primary key, name text, email text unique);
insert into owner select 'u' || n, 'Owner ' || n, 'o' || n || '@example.com' from generate_series(1, 500) n;
create table big (id int primary key, owner text not null, at timestamptz not null, role text,
    body text, doc jsonb, free int);
insert into big select n, 'u' || n % 500, timestamptz '2026-01-01' + (n / 3) * interval '1 s',
    (array['user', 'assistant', null])[1 + n % 3], repeat(md5(n::text), 8),
    jsonb_build_object('n', n), n * 7 % 60001
from generate_series(1, {_ROWS}) n;
create index on big (owner, at);
create index on big (at);
create index on big (role, id);
create table unkeyed as select * from big;
create view summed as select owner, count(*) as n from big group by owner;
create index on big (role desc, id asc);
create table refers (id int primary key, big int, filler text);
insert into refers select n, 5, repeat('x', 200) from generate_series(1, {_ROWS}) n;
alter table refers add foreign key (big) references big not valid;
analyze
"""


@pytest.fixture(scope="module")
async def big_url(pg18: PgServer) -> AsyncIterator[str]:
    databases = Databases(pg18)
    url = await databases()
    connection = await asyncpg.connect(url)
    await connection.execute(_BIG)
    await connection.close()
    yield url
    await databases.drop()


@pytest.fixture
async def big(big_url: str, asking: Callable[..., Any]) -> Any:
    return await asking(big_url)


async def test_what_would_go_through_a_big_table_is_refused(big: Any):
    for params in (
        {"q": "zebra"},
        {"sort": [["free", "asc"]]},
        {"sort": [["body", "desc"]]},
        {"filter": [{"column": "body", "op": "contains", "value": "zebra"}]},
        {"filter": [{"column": "body", "op": "starts", "value": "zebra"}]},
        {"filter": [{"column": "free", "op": "=", "value": "70000"}]},
        {"filter": [{"column": "free", "op": "=", "value": "70000"}], "sort": [["at", "asc"]]},
        {"filter": [{"column": "doc", "op": "=", "value": "70000", "path": ["n"]}]},
    ):
        for table in ("big", "unkeyed"):
            told = await big.rows(table, 409, **params)
            assert told["code"] == "would_scan", params
            assert "60,000 rows" in told["message"]
            assert "scan=1" in told["hint"]
        page = await big.rows("big", scan=1, **params)
        assert len(page["rows"]) == (100 if "sort" in params and "filter" not in params else 0)
    told = await big.post(big.place("big", "copy"), {"format": "csv", "q": "zebra"}, 409)
    assert told["code"] == "would_scan"


async def test_what_an_index_serves_is_not_refused(big: Any):
    for params, count in (
        ({}, 100),
        ({"end": 1}, 100),
        ({"sort": [["at", "desc"]]}, 100),
        ({"sort": [["role", "asc"]]}, 100),
        ({"filter": [{"column": "owner", "op": "=", "value": "u7"}], "limit": 500}, 120),
        ({"filter": [{"column": "role", "op": "=", "value": "user"}]}, 100),
        ({"filter": [{"column": "role", "op": "null"}], "sort": [["at", "desc"]]}, 100),
        ({"filter": [{"column": "id", "op": "in", "value": ["5", "7"]}]}, 2),
        (
            {
                "filter": [
                    {"column": "owner", "op": "=", "value": "u7"},
                    {"column": "body", "op": "contains", "value": "zebra"},
                ],
                "sort": [["free", "asc"]],
            },
            0,
        ),
    ):
        assert len((await big.rows("big", **params))["rows"]) == count, params
    assert (await big.get(big.place("big")))["big"] is True
    assert len((await big.rows("unkeyed"))["rows"]) == 100
    assert len((await big.rows("summed", sort=[["n", "desc"]]))["rows"]) == 100


async def _read(url: str, sort: Any, place: Place | None, table: str = "big") -> tuple[int, Any]:
    """Run a page's statements under EXPLAIN; give the buffers read, and the nodes with their rows."""
    buffers: list[int] = []
    nodes: list[tuple[str, float]] = []

    def walk(node: Any) -> None:
        nodes.append((node["Node Type"], node["Actual Rows"]))
        for each in node.get("Plans", ()):
            walk(each)

    class Explaining:
        def __init__(self, connection: asyncpg.Connection) -> None:
            self.fetchval = connection.fetchval
            self._fetch = connection.fetch

        async def fetch(self, statement: str, *values: Any) -> Any:
            text = await self.fetchval(
                f"explain (analyze, buffers, format json) {statement}", *values
            )
            plan = json.loads(text)[0]["Plan"]
            walk(plan)
            buffers.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
            return await self._fetch(statement, *values)

    class Ground:
        schema = None

    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await settle(connection)
        relation = await relation_of(Ground(), connection, "public", table)
        asked = Asked(tuple(relation.fields.values()), sort, [], "")
        page = await Pages(Explaining(connection), relation, asked).read(place)
    await connection.close()
    assert len(page.rows) == 100
    return sum(buffers), nodes


@pytest.mark.parametrize("sort", ["", "at desc", "role", "role desc, id asc", "owner, at desc"])
async def test_a_page_far_away_reads_as_little_as_the_first(big: Any, sort: str):
    terms = [
        ((each + " asc").split()[0], (each + " asc").split()[1])
        for each in sort.split(", ")
        if each
    ]
    names = [name for name, _ in terms] + ["id"] * ("id" not in sort)
    last = terms[-1][1] if terms else "asc"
    order = ", ".join(
        [f"b.{name} {way}" for name, way in terms] + [f"b.id {last}"] * ("id" not in sort)
    )
    columns = ", ".join(f"b.{name}::text" for name in names)
    values = await big.connection.fetchrow(
        f"select {columns} from big b order by {order} offset 50000 limit 1"
    )
    place = Place(list(values), [value is None for value in values], [values["id"]])
    near, near_nodes = await _read(big.url, terms, None)
    far, far_nodes = await _read(big.url, terms, place)
    assert near < 700
    assert far < 700
    for node, rows in near_nodes + far_nodes:
        assert node != "Seq Scan"
        assert node != "Sort" or rows <= 120


async def test_without_a_key_a_page_far_away_reads_a_piece_of_the_table(big: Any):
    ctid = await big.connection.fetchval("select ctid::text from unkeyed offset 50000 limit 1")
    near, _ = await _read(big.url, [], None, "unkeyed")
    far, nodes = await _read(big.url, [], Place([ctid], [False], [ctid, "0"]), "unkeyed")
    assert "Tid Range Scan" in {node for node, _ in nodes}
    assert near < 300
    assert far < 300


async def test_references_are_counted_where_an_index_helps(big: Any):
    async def count(key: str) -> tuple[Any, bool]:
        found = await big.get(big.place("big", "references"), key=[key])
        [each] = found["references"]
        assert (each["table"], each["columns"], each["others"]) == ("refers", ["id"], ["big"])
        assert each["filter"] == [{"column": "big", "op": "=", "value": key}]
        return each["count"], each["more"]

    assert await count("5") == (1000, True)
    assert await count("6") == (None, False)
    await big.connection.execute("create index refers_big on refers (big)")
    assert await count("6") == (0, False)
    await big.connection.execute("drop index refers_big")


async def test_references_of_a_table_that_may_not_be_read_are_not_counted(
    big: Any, asking: Callable[..., Any]
):
    await big.connection.execute(
        "drop role if exists half_blind; create role half_blind login; grant select on big to half_blind"
    )
    try:
        blind = await asking(big.url.replace("postgres@", "half_blind@", 1))
        found = await blind.get(blind.place("big", "references"), key=["5"])
        assert [each["count"] for each in found["references"]] == [None]
        await blind.connection.close()
    finally:
        await big.connection.execute("drop owned by half_blind")


async def test_picks_of_a_small_and_of_a_big_table(big: Any):
    path = big.place("owner", "pick")
    found = await big.get(path, columns=["id"], q="owner 49")
    assert {pick["label"] for pick in found["picks"]} == {
        f"Owner {n}" for n in (49, *range(490, 500))
    }
    assert len((await big.get(path, columns=["id"]))["picks"]) == 20
    assert (await big.get(path, columns=["id"], q="100%"))["picks"] == []
    found = await big.get(big.place("big", "pick"), columns=["id"], q="77")
    assert found["picks"] == [{"values": ["77"], "label": None}]
    assert (await big.get(big.place("big", "pick"), columns=["id"], q="zebra"))["picks"] == []


async def test_no_reference_is_picked_by_a_column_of_any_length(big: Any):
    path = big.place("owner", "pick")
    assert (await big.get(path, 422, columns=["name"]))["field"] == "columns"
    assert (await big.get(path, 422, columns=[]))["field"] == "columns"
