"""Names that a database may have and nobody would choose: each is a name, nowhere SQL or HTML."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from chatkeep.database import Database
from chatkeep.kit.plan.quoting import ident
from chatkeep.studio import studio
from fixtures.studio_world import SCHEMA

NAMES = [
    'say "hi"', "two words", "dot.ted", "100%", "%s", "%2F", "a/b", "/", "../up", "select", "user",
    "ünï ↑ 🦉", "<img src=x onerror=alert(1)>", "'; drop table witness; --", "$1", ":name",
    "back\\slash", "line\nbreak", "tab\tbed", "#hash?query=1&x", "x" * 63, "UPPER", "1", "c0", "s", "rows",
]  # fmt: skip


@pytest.fixture
async def named(made: Callable[..., Any]) -> Any:
    statements = ["create table witness (id int)"]
    columns = ", ".join(f"{ident(name)} text" for name in NAMES)
    for name in NAMES:
        table = ident(name)
        statements.append(f"create table {table} (id int primary key, {columns})")
        values = ", ".join(["'value'"] * len(NAMES))
        statements.append(f"insert into {table} values (1, {values}), (2, {values})")
    statements.append(f"create schema {ident(NAMES[0])}")
    statements.append(
        f"create table {ident(NAMES[0], NAMES[6])} ({ident(NAMES[1])} int primary key)"
    )
    return await made(";".join(statements), write=True)


async def test_tables_of_every_name_are_read_and_changed(named: Any):
    lines = await named.get("/api/tables")
    assert {line["name"] for line in lines} >= set(NAMES)
    for number, name in enumerate(NAMES):
        if "\n" in name:  # of a column: no address of the router has one in it
            continue
        table = await named.get(named.place(name))
        assert [column["name"] for column in table["columns"]] == ["id", *NAMES]
        other = NAMES[(number + 1) % len(NAMES)]
        page = await named.rows(
            name, columns=[other, name], sort=[[other, "desc"], [name, "asc"]], limit=1,
            filter=[{"column": name, "op": "contains", "value": "ALU"}], q="val",
        )  # fmt: skip
        assert page["columns"] == [other, name]
        assert [row["key"] for row in page["rows"]] == [["1"]]
        change = {
            "kind": "update", "schema": "public", "table": name, "key": ["1"],
            "set": {other: name}, "old": {other: "value", name: "value"},
        }  # fmt: skip
        preview = await named.post("/api/changes/preview", {"changes": [change]})
        await named.connection.execute(preview["sql"])
        query = f"select {ident(other)} from {ident(name)} where id = 1"
        assert await named.connection.fetchval(query) == name
        told = await named.post("/api/changes/apply", {"changes": [change]}, 409)
        assert told["code"] == "changed_meanwhile"
        change["old"] = {other: name}
        change["set"] = {other: "new"}
        await named.post("/api/changes/apply", {"changes": [change]})
        assert await named.connection.fetchval(query) == "new"
        copy = await named.post(named.place(name, "copy"), {"format": "sql", "keys": [["2"]]})
        await named.connection.execute(f"delete from {ident(name)} where id = 2")
        await named.connection.execute(copy["text"])
        assert (await named.get(named.place(name, "count")))["count"] == 2
        assert (await named.get(named.place(name, "cell"), key=["2"], column=name))[
            "text"
        ] == "value"
    page = await named.rows("a/b", limit=1)
    assert page["rows"][0]["key"] == ["1"]
    path = named.place(NAMES[6], "rows", schema=NAMES[0])
    assert (await named.get(path))["columns"] == ["two words"]
    assert (await named.get(named.place("witness", "count")))["count"] == 0


async def test_what_is_no_table_is_not_there(named: Any):
    for table, schema in (
        ("absent", "public"), ("witness", "absent"), ("pg_class", "pg_catalog"),
        ("tables", "information_schema"), ('witness" --', "public"), ("Witness", "public"),
        ("public.witness", "public"), ("x" * 300, "public"), ("nul\x00", "public"),
    ):  # fmt: skip
        response = await named.client.get(named.place(table, "rows", schema=schema))
        assert response.status_code in (404, 422), (table, response.text)
        assert response.json()["error"]["code"] in ("no_such_thing", "invalid_input")
    for path in (
        "public",
        "public/witness/absent",
        "public/witness/rows/more",
        "/",
        "public//rows",
    ):
        response = await named.client.get(f"/api/tables/{path}")
        assert response.status_code == 404, path
    for what in ("rows", "count", "references"):
        response = await named.client.post(named.place("witness", what), json={})
        assert response.status_code in (404, 405)
    for column in ("absent", 'id" from witness; --', quote("say")):
        given = {"columns": [column]}
        assert (await named.rows("witness", 404, **given))["code"] == "no_such_thing"
        await named.rows("witness", 404, sort=[[column, "asc"]])


async def test_other_databases_are_not_told_of(named: Any):
    other = await named.connection.fetchval(
        "select datname from pg_database where datname not in (current_database(), 'postgres') limit 1"
    )
    response = await named.client.get("/api/tables")
    assert f'"{other}"' not in response.text


async def test_a_name_with_a_slash_where_the_studio_is_mounted(world: str):
    connection = await asyncpg.connect(world)
    await connection.execute(
        'create table "a/b" (id int primary key); insert into "a/b" values (7)'
    )
    await connection.close()
    async with Database(SCHEMA, world) as db:
        app = Starlette(routes=[Mount("/my/studio", studio(db))])
        transport = httpx.ASGITransport(app)
        headers = {"x-chatkeep-studio": "1"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers=headers
        ) as client:
            page = await client.get("/my/studio/api/tables/public/a%2Fb/rows")
            assert page.json()["rows"] == [{"key": ["7"], "cells": ["7"]}]
            page = await client.get("/my/studio/api/tables/public/a/b/rows")
            assert page.status_code == 404
