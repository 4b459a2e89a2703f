"""What the server tells of tables, keys, indexes and findings."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import Column, Integer, MetaData, Table

from chatkeep.presets import maps
from fixtures.servers import PgServer
from fixtures.studio_world import PREFIX, SCHEMA

MESSAGE = f"{PREFIX}message"
EVIL = 'x"; drop table t; --<script>/%2F.\n'

SHOP = (
    "create schema shop",
    "create type shop.mood as enum ('good', 'bad')",
    """create table shop.customer (id bigint generated always as identity primary key,
        name text not null, mood shop.mood default 'good', api_key text,
        slug text generated always as (lower(name)) stored, constraint named check (name <> ''))""",
    "comment on table shop.customer is 'Who buys'",
    "comment on column shop.customer.name is 'As they write it'",
    """create table shop.card (customer_id bigint primary key references shop.customer on delete cascade,
        friend bigint references shop.customer on delete set null)""",
    "create table shop.sale (at date not null, card bigint) partition by range (at)",
    "create table shop.sale_1 partition of shop.sale for values from ('2026-01-01') to ('2027-01-01')",
    "create view shop.names as select name, api_key from shop.customer",
    "create index by_name on shop.customer (name)",
    "create index by_name_and_mood on shop.customer (name, mood)",
    "create unique index once on shop.customer (lower(name))",
    "alter table shop.customer enable row level security",
    "create policy own on shop.customer for select using (name = current_user)",
    "create function shop.f() returns trigger language plpgsql as 'begin return new; end'",
    "create trigger t before update on shop.customer for each row execute function shop.f()",
    "alter table shop.customer disable trigger t",
)  # fmt: skip


async def _get(client: httpx.AsyncClient, path: str, **params: str) -> Any:
    answer = await client.get(f"/api/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_diagram_has_every_table_and_key_of_a_database(
    pg: PgServer, fresh_database: Callable[..., Any], open_studio: Callable[..., Any]
):
    site = await open_studio(await fresh_database(pg).made_by(SHOP), schema=None)
    async with aclosing(await site.client()) as client:
        found = await _get(client, "structure")
    tables = {(each["schema"], each["name"]): each for each in found["tables"]}
    assert {name: each["kind"] for name, each in tables.items()} == {
        ("shop", "customer"): "table",
        ("shop", "card"): "table",
        ("shop", "sale"): "partitioned table",
        ("shop", "sale_1"): "table",
        ("shop", "names"): "view",
    }
    assert tables["shop", "sale_1"]["whole"] == ["shop", "sale"]
    assert tables["shop", "customer"]["comment"] == "Who buys"
    columns = {each["name"]: each for each in tables["shop", "customer"]["columns"]}
    assert columns["id"]["key"]
    assert columns["name"]["comment"] == "As they write it"
    assert [name for name, each in columns.items() if each["secret"]] == ["api_key"]
    assert [each["name"] for each in tables["shop", "names"]["columns"]] == ["name", "api_key"]
    keys = {tuple(each["columns"]): each for each in found["keys"]}
    assert {names: (each["once"], each["optional"]) for names, each in keys.items()} == {
        ("customer_id",): (True, False),
        ("friend",): (False, True),
    }
    assert keys["friend",]["on_delete"] == "set null"


async def test_the_page_of_a_table_has_all_that_belongs_to_it(
    pg: PgServer, fresh_database: Callable[..., Any], open_studio: Callable[..., Any]
):
    url = await fresh_database(pg).made_by(SHOP)
    site = await open_studio(url, schema=None)
    await _run(
        url, "update pg_index set indisvalid = false where indexrelid = 'shop.once'::regclass"
    )
    async with aclosing(await site.client()) as client:
        page = await _get(client, "structure/table", schema="shop", table="customer")
        parts = await _get(client, "structure/table", schema="shop", table="sale")
        view = await _get(client, "structure/table", schema="shop", table="names")
    columns = {each["name"]: each for each in page["columns"]}
    assert columns["id"]["identity"] == "always"
    assert columns["slug"]["generated"] == "lower(name)"
    assert columns["mood"]["default"] == "'good'::shop.mood"
    assert [each["name"] for each in page["checks"]] == ["named"]
    assert {(each["table"], each["on_delete"]) for each in page["keys_in"]} == {
        ("card", "cascade"),
        ("card", "set null"),
    }
    assert page["row_security"]
    assert "CURRENT_USER" in page["policies"][0]["using"]
    assert [(each["name"], each["enabled"]) for each in page["triggers"]] == [("t", "disabled")]
    indexes = {each["name"]: each for each in page["indexes"]}
    assert indexes["by_name"]["covered_by"] == ["by_name_and_mood"]
    assert indexes["by_name_and_mood"]["covered_by"] == []
    assert [name for name, each in indexes.items() if not each["is_valid"]] == ["once"]
    assert indexes["customer_pkey"]["constraint"] == "customer_pkey"
    assert page["statistics"]["bytes"] > 0
    assert parts["partition_key"] == "RANGE (at)"
    assert [each["name"] for each in parts["partitions"]] == ["sale_1"]
    assert "SELECT" in view["definition"]


async def test_the_sql_of_a_table_makes_the_same_table_again(
    pg: PgServer, fresh_database: Callable[..., Any], open_studio: Callable[..., Any]
):
    again = await fresh_database(pg)()
    first = await open_studio(await fresh_database(pg).made_by(SHOP), schema=None)
    async with aclosing(await first.client()) as client:
        page = await _get(client, "structure/table", schema="shop", table="customer")
    await _run(again, "create schema shop", page["functions"], page["ddl"])
    second = await open_studio(again, schema=None)
    async with aclosing(await second.client()) as client:
        copy = await _get(client, "structure/table", schema="shop", table="customer")
    assert (copy["ddl"], copy["functions"]) == (page["ddl"], page["functions"])
    assert 'CREATE TABLE "shop"."customer"' in copy["ddl"]


async def test_an_index_tells_how_often_it_was_used(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    look = f'select id from "{MESSAGE}" where id = $1'
    connection = await asyncpg.connect(world)
    try:
        await connection.execute("set enable_seqscan = off; set enable_bitmapscan = off")
        for _ in range(3):
            await connection.fetch(look, "msg_rich_q")
        await connection.execute("select pg_stat_force_next_flush()")
    finally:
        await connection.close()
    async with aclosing(await site.client()) as client:
        page = await _get(client, "structure/table", schema="public", table=MESSAGE)
    index = next(each for each in page["indexes"] if each["is_primary"])
    assert index["scans"] >= 3
    assert index["last_scan"] is not None
    assert page["attribute"] == "messages"


@pytest.mark.parametrize(
    ("schema", "table"),
    [("public", "gone"), ("", ""), ("pg_catalog", "pg_authid"), ("public", "'; select 1; --")],
)
async def test_a_table_that_is_not_there_is_refused(
    world: str, open_studio: Callable[..., Any], schema: str, table: str
):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        params = {"schema": schema, "table": table}
        answer = await client.get("/api/structure/table", params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_such_thing")


async def test_names_of_any_kind_are_told_as_they_are(
    database_url: str, open_studio: Callable[..., Any]
):
    quoted = '"' + EVIL.replace('"', '""') + '"'
    await _run(database_url, f"create table {quoted} ({quoted} int primary key, a int)")
    await _run(database_url, f"create index on {quoted} (a); create index on {quoted} (a)")
    site = await open_studio(database_url, schema=MetaData())
    async with aclosing(await site.client()) as client:
        page = await _get(client, "structure/table", schema="public", table=EVIL)
        told = (await client.post("/api/structure/doctor")).json()
    assert page["columns"][0]["name"] == EVIL
    doubled = next(each for each in told["doctor"]["findings"] if each["check"] == "doubled-index")
    assert doubled["table"] == ["public", EVIL]


async def test_a_database_without_tables_has_an_empty_structure(
    database_url: str, open_studio: Callable[..., Any]
):
    site = await open_studio(database_url, schema=None)
    async with aclosing(await site.client()) as client:
        assert await _get(client, "structure") == {"tables": [], "keys": []}
        assert await _get(client, "structure/findings") == {"conventions": None, "doctor": None}


async def test_the_conventions_judge_the_declared_tables(
    database_url: str, open_studio: Callable[..., Any]
):
    metadata = MetaData()
    Table("Orders", metadata, Column("n", Integer), schema="shop")
    site = await open_studio(database_url, schema=metadata)
    async with aclosing(await site.client()) as client:
        found = (await _get(client, "structure/findings"))["conventions"]
    assert {(each["schema"], each["table"]) for each in found} == {("shop", "Orders")}
    assert {"snake_case", "primary_key", "created_at"} <= {each["rule"] for each in found}


async def test_two_who_ask_at_once_share_one_visit_of_the_doctor(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    await _run(world, f'create index doubled on "{MESSAGE}" (user_id, chat_id)')
    async with aclosing(await site.client()) as client:
        both = await asyncio.gather(*(client.post("/api/structure/doctor") for _ in range(2)))
        first, second = (each.json()["doctor"] for each in both)
        kept = (await _get(client, "structure/findings"))["doctor"]
    assert first["at"] == second["at"] == kept["at"]
    found = next(each for each in kept["findings"] if each["check"] == "doubled-index")
    assert found["table"] == ["public", MESSAGE]
    assert found["mend"] == 'DROP INDEX CONCURRENTLY "public"."doubled";'


async def test_the_doctor_looks_where_nothing_is_declared_too(
    pg: PgServer, fresh_database: Callable[..., Any], open_studio: Callable[..., Any]
):
    site = await open_studio(await fresh_database(pg).made_by(SHOP), schema=None)
    async with aclosing(await site.client()) as client:
        answer = await client.post("/api/structure/doctor")
    found = answer.json()
    assert found["conventions"] is None
    by_check = {each["check"]: each for each in found["doctor"]["findings"]}
    assert by_check["doubled-index"]["table"] == ["shop", "customer"]


async def test_the_maps_preset_is_told_by_its_attributes(
    pg18: PgServer, fresh_database: Callable[..., Any], open_studio: Callable[..., Any]
):
    schema = maps.schema()
    site = await open_studio(await fresh_database(pg18).holding(schema), schema=schema)
    async with aclosing(await site.client()) as client:
        found = await _get(client, "structure")
    attributes = {each["attribute"] for each in found["tables"]}
    assert attributes == set(schema.tables)
    assert len(SCHEMA.tables) > len(attributes)


async def test_every_change_of_a_definition_shows_at_once(
    pg: PgServer, fresh_database: Callable[..., Any], open_studio: Callable[..., Any]
):
    url = await fresh_database(pg).made_by(SHOP)
    site = await open_studio(url, schema=None)
    changes = (
        "alter table shop.card add note text",
        "alter table shop.card alter note set not null",
        "alter table shop.card alter note set default 'x'",
        "alter table shop.card rename note to remark",
        "comment on column shop.card.remark is 'said'",
        "comment on column shop.card.remark is 'done'",
        "create index on shop.card (remark)",
        "alter table shop.card add constraint c check (remark <> '')",
        "create policy p on shop.card",
        "alter policy p on shop.card using (false)",
        "drop policy p on shop.card",
        "create or replace function shop.f() returns trigger language plpgsql as 'begin return old; end'",
        "create trigger t before update on shop.card for each row execute function shop.f()",
        "alter table shop.card disable trigger t",
        "alter type shop.mood add value 'odd'; alter table shop.card add mood shop.mood",
        "alter type shop.mood rename value 'odd' to 'even'",
        "alter table shop.card drop mood",
    )
    seen: list[str] = []
    async with aclosing(await site.client()) as client:
        for change in changes:
            await _run(url, change)
            page = await _get(client, "structure/table", schema="shop", table="card")
            seen.append(f"{page['ddl']} {page['functions']} {page['triggers']}")
    # Each page differs from the one before.
    same = [change for change, a, b in zip(changes[1:], seen, seen[1:], strict=False) if a == b]
    # A function that no trigger names yet, and labels of an enum, stand on no table's page before.
    assert [change for change in same if "or replace" not in change] == []


async def test_a_role_that_may_read_no_row_still_sees_the_structure(
    world: str, open_studio: Callable[..., Any]
):
    await _run(world, "create role studio_onlooker login")
    try:
        site = await open_studio(world.replace("postgres@", "studio_onlooker@", 1), schema=None)
        async with aclosing(await site.client()) as client:
            found = await _get(client, "structure")
            page = await _get(client, "structure/table", schema="public", table=MESSAGE)
            glance = await _get(client, "overview/glance")
            told = await client.post("/api/structure/doctor")
    finally:
        await _run(world, "drop role studio_onlooker")
    assert len(found["tables"]) >= len(SCHEMA.tables)
    assert page["primary_key"] is not None
    assert glance["tables"] == len(SCHEMA.tables)
    assert told.status_code == 200
