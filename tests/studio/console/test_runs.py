"""Runs of the console: what comes back, where it stops, what stays."""

import asyncio
import tracemalloc
from collections.abc import Callable
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from fixtures.servers import PgServer
from studio.console.asking import error_of, run


async def test_statements_are_split_as_postgresql_reads_them(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        done = await run(
            client,
            """select 1 as a; -- not here; nor here
            /* a /* nested; */ comment; */ select 'a;b' as b, $x$c;d$x$ as c;
            select E'it\\'s; fine' as d, "e;f" from (select 2 as "e;f") as t;;
            """,
        )
    shown = [(each["rows"], each["line"]) for each in done["statements"]]
    assert shown == [([["1"]], 1), ([["a;b", "c;d"]], 2), ([["it's; fine", "2"]], 3)]
    assert done["kept"] == "rolled_back"
    assert done["left"] == 0


async def test_values_come_as_postgresql_writes_them(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        done = await run(
            client,
            """select 9007199254740993 as big, 1e400::numeric(410) > 0 as huge, 'infinity'::date,
            '1 mon 2 days'::interval, array['a b', null, '"'] as list, row(1, 'x') as pair,
            int4range(1, 5) as span, '{"a": 1.50}'::jsonb as doc, null::text as nothing,
            '4000-01-01 BC'::date as old, '\\x00ff'::bytea as raw, 'nan'::float8 as not_number""",
        )
    result = done["statements"][0]
    assert result["rows"][0] == [
        "9007199254740993", "t", "infinity", "1 mon 2 days", '{"a b",NULL,"\\""}', "(1,x)",
        "[1,5)", '{"a": 1.50}', None, "4000-01-01 BC", "\\x00ff", "NaN",
    ]  # fmt: skip
    types = [each["type"] for each in result["columns"]]
    assert types[:5] == ["bigint", "boolean", "date", "interval", "text[]"]
    assert result["tag"] == "SELECT 1"


async def test_it_stops_at_the_first_error_and_says_where(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    text = "select 1;\n\nselect '💬',\n  nowhere\nfrom pg_class;\nselect 3"
    async with aclosing(await site.client()) as client:
        done = await run(client, text)
    assert [each["number"] for each in done["statements"]] == [1, 2]
    assert done["left"] == 1
    error = error_of(done)
    assert (error["code"], error["line"], error["column"]) == ("42703", 4, 3)
    # Browsers count UTF-16 units, of which the balloon has two.
    assert error["place"] == len(text[: text.index("nowhere")].encode("utf-16-le")) // 2
    assert "nowhere" in error["message"]


async def test_rows_cells_and_bytes_are_bounded(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        done = await run(
            client,
            "select generate_series(1, 100000000) as n;"
            "select repeat('x', 20000) from generate_series(1, 3);"
            "select repeat(generate_series(1, 9000000)::text, 4000)",
            rows=10_000,
        )
        short = await run(client, "select n from generate_series(1, 3) as n", rows=3)
        refused = await client.post(
            "/api/console/runs", json={"id": str(uuid4()), "sql": "select 1", "rows": 10_001}
        )
        planned = await run(client, "select repeat('x', 5000000)")
    assert "plan has" in error_of(planned)["message"]
    first, second, third = done["statements"]
    assert (len(first["rows"]), first["more"], first["affected"]) == (10_000, True, None)
    assert [len(row[0]) for row in second["rows"]] == [5_000] * 3
    assert second["cut"][0] == [0, 0, 20_000]
    assert third["more"]
    assert sum(len(row[0]) for row in third["rows"]) < 9 * 2**20
    assert not short["statements"][0]["more"]
    assert refused.status_code == 422


async def test_notices_tags_and_durations_are_told(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world, write=True)
    async with aclosing(await site.client()) as client:
        done = await run(
            client,
            "create table kept (id int);"
            "insert into kept select generate_series(1, 3);"
            "insert into kept values (4) returning id;"
            "do $$ begin raise notice 'hello %', 1; end $$;"
            "drop table if exists nothing_here;"
            "select id from kept; alter table kept add column n int",
            write=True,
            rows=2,
        )
    tags = [(each["tag"], each["affected"]) for each in done["statements"]]
    assert tags[:3] == [("CREATE TABLE", None), ("INSERT 0 3", 3), ("INSERT 1", 1)]
    assert done["statements"][3]["notices"] == [{"severity": "NOTICE", "message": "hello 1"}]
    assert done["statements"][4]["notices"][0]["message"].startswith("table ")
    assert done["statements"][5]["more"]
    assert done["kept"] == "committed"
    assert all(each["ms"] > 0 for each in done["statements"])


async def test_a_writing_run_is_stored_whole_or_not_at_all(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world, write=True)
    async with aclosing(await site.client()) as client:
        broken = await run(
            client, "create table a (id int); insert into a values (1); select 1/0", write=True
        )
        late = await run(
            client,
            "create table b (id int primary key deferrable initially deferred);"
            "insert into b values (1), (1)",
            write=True,
        )
        ended = await run(client, "create table c (id int); commit", write=True)
        looked = await run(
            client, "select count(*) from pg_class where relname in ('a', 'b', 'c')", write=True
        )
    assert (broken["kept"], error_of(broken)["code"]) == ("rolled_back", "22012")
    assert (late["kept"], error_of(late)["code"]) == ("rolled_back", "23505")
    assert error_of(ended)["code"] == "transaction"
    assert looked["statements"][0]["rows"] == [["0"]]


async def test_what_refuses_a_transaction_runs_outside_of_one(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world, write=True)
    sql = "create table d (id int); create index concurrently on d (id); vacuum d; select 1/0"
    async with aclosing(await site.client()) as client:
        refused = await run(client, "vacuum", write=True)
        done = await run(client, sql, write=True, transaction=False)
        looked = await run(client, "select count(*) from pg_class where relname = 'd'")
        opened = await run(client, "begin; drop table d; select 5", write=True, transaction=False)
        stays = await run(client, "select count(*) from pg_class where relname = 'd'")
    assert "without a transaction" in error_of(refused)["hint"]
    assert (done["kept"], error_of(done)["code"], done["left"]) == ("each", "22012", 0)
    assert looked["statements"][0]["rows"] == [["1"]]
    assert opened["statements"][2]["rows"] == [["5"]]
    assert stays["statements"][0]["rows"] == [["1"]]


async def test_a_run_ends_at_its_time(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        done = await run(client, "select 1; select pg_sleep(30); select 2", seconds=0.3)
        loosened = await run(
            client, "select current_setting('statement_timeout'); select pg_sleep(30)", seconds=0.3
        )
    assert error_of(done)["code"] == "timeout"
    assert [each["error"] is None for each in done["statements"]] == [True, False]
    assert done["left"] == 1
    assert error_of(loosened)["code"] == "timeout"


async def until_active(url: str, text: str, count: int) -> None:
    """Wait until so many connections run a statement with this text."""
    watcher = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(15):
            while (
                await watcher.fetchval(
                    "select count(*) from pg_stat_activity where state = 'active'"
                    " and query like $1 and pid <> pg_backend_pid()",
                    f"%{text}%",
                )
                != count
            ):
                await asyncio.sleep(0.02)
    finally:
        await watcher.close()


async def test_a_run_is_cancelled_and_two_run_at_once(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    ids = [str(uuid4()) for _ in range(2)]
    async with aclosing(await site.client()) as client:
        tasks = [
            asyncio.create_task(run(client, "select 7; select pg_sleep(60)", seconds=60, id=each))
            for each in ids
        ]
        await until_active(world, "pg_sleep(60)", 2)
        third = await client.post("/api/console/runs", json={"id": str(uuid4()), "sql": "select 1"})
        cancelled = [await client.post(f"/api/console/runs/{each}/cancel") for each in ids]
        done = [await task for task in tasks]
        unknown = await client.post(f"/api/console/runs/{ids[0]}/cancel")
        await until_active(world, "pg_sleep(60)", 0)
    assert (third.status_code, third.json()["error"]["code"]) == (429, "busy")
    assert [each.json() for each in cancelled] == [{"cancelled": True}] * 2
    assert [error_of(each)["code"] for each in done] == ["cancelled"] * 2
    assert done[0]["statements"][0]["rows"] == [["7"]]
    assert all(each["ms"] > 0 for each in done[0]["statements"])
    assert unknown.json() == {"cancelled": False}


async def test_a_browser_that_goes_away_cancels_its_run(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        task = asyncio.create_task(run(client, "select pg_sleep(61)", seconds=60))
        await until_active(world, "pg_sleep(61)", 1)
        task.cancel()
        await until_active(world, "pg_sleep(61)", 0)
        again = await run(client, "select 1")
    assert again["statements"][0]["rows"] == [["1"]]


async def test_statements_without_sense_are_refused_clearly(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        for sql in ("", " -- nothing\n", ";;", "select 1\0"):
            empty = await client.post("/api/console/runs", json={"id": str(uuid4()), "sql": sql})
            assert (empty.status_code, empty.json()["error"]["field"]) == (422, "sql")
        with_parameter = await run(client, "select $1::int")
        not_write = await client.post(
            "/api/console/runs", json={"id": str(uuid4()), "sql": "select 1", "write": True}
        )
    assert "parameters" in error_of(with_parameter)["message"]
    assert (not_write.status_code, not_write.json()["error"]["code"]) == (403, "read_only")


async def test_words_name_tables_columns_and_functions(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        words = (await client.get("/api/console/words")).json()
    by_name = {each["name"]: each for each in words["tables"]}
    message = by_name["ai-app-template_message"]
    assert message["visible"]
    assert ["role", "character varying(50)"] in message["columns"]
    assert all(each["schema"] != "pg_catalog" for each in words["functions"])


async def test_a_role_that_may_only_read(world: str, open_studio: Callable[..., Any]):
    admin = await asyncpg.connect(world)
    try:
        await admin.execute(
            "drop role if exists reader; create role reader login;"
            "grant pg_read_all_data to reader;"
            "alter role reader set default_transaction_read_only = on"
        )
        site = await open_studio(world.replace("postgres@", "reader@"), write=True)
        async with aclosing(await site.client()) as client:
            read = await run(client, 'select count(*) > 0 from "ai-app-template_message"')
            words = (await client.get("/api/console/words")).json()
            written = await run(client, 'delete from "ai-app-template_message"', write=True)
            program = await run(client, "copy pg_class to program 'true'", write=True)
            file = await run(client, "select pg_read_file('/etc/passwd')", write=True)
    finally:
        await admin.execute("drop owned by reader; drop role reader")
        await admin.close()
    assert read["statements"][0]["rows"] == [["t"]]
    assert words["tables"]
    for refused in (written, program, file):
        assert error_of(refused)["code"] == "42501"


async def test_many_rows_of_nothing_are_bounded_too(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    sql = "select " + ", ".join(["null"] * 300) + " from generate_series(1, 10000)"
    async with aclosing(await site.client()) as client:
        done = await run(client, sql, rows=10_000)
    assert done["statements"][0]["more"]
    assert 1_000 < len(done["statements"][0]["rows"]) < 5_000


async def test_rows_that_are_huge_are_read_one_by_one(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    sql = "select repeat('x', 2000000 + n) from generate_series(1, 40) as n"
    async with aclosing(await site.client()) as client:
        tracemalloc.start()
        try:
            done = await run(client, sql)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(done["statements"][0]["rows"]) == 40
    assert peak < 30 * 2**20  # together they have 80 MB


@pytest.mark.needs("pg15")
async def test_a_run_works_on_15(
    pg15: PgServer, fresh_database: Callable[..., Any], open_studio: Callable[..., Any]
):
    site = await open_studio(await fresh_database(pg15), write=True, schema=None)
    async with aclosing(await site.client()) as client:
        done = await run(
            client, "create table t (id int); insert into t values (1); table t", write=True
        )
        read = await run(client, "table t; select row(id), array[id] from t")
    assert done["kept"] == "committed"
    assert read["statements"][1]["rows"] == [["(1)", "{1}"]]
