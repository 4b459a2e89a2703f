"""No way leads to a secret but to ask for one cell in a studio that may write."""

import base64
import itertools
import json
import logging
from collections.abc import Callable
from typing import Any, ClassVar

import asyncpg
import pytest

from fixtures.studio_world import PREFIX, SCHEMA

TOKEN = "SECRET-rows-81c4"
ACCOUNTS, SESSIONS = f"{PREFIX}account", f"{PREFIX}session"
_STRANGERS = f"""
insert into "{ACCOUNTS}" (user_id, type, provider, provider_account_id, access_token)
    values ('demo-ada', 'oauth', 'github', '77', '{TOKEN}-a');
insert into "{SESSIONS}" (session_token, user_id, expires)
    values ('{TOKEN}-s', 'demo-ada', now() + interval '1 day');
create table stranger (id int primary key, "apiKey" text, password_hash bytea, tokens int,
    token_type text, encrypted_note jsonb, note text);
insert into stranger values (1, '{TOKEN}-k', '{TOKEN}-p'::bytea, 5, 'bearer', '"{TOKEN}-e"', 'open'),
    (2, null, null, 6, null, null, 'open too');
create table key_is_secret (token text primary key, at int);
insert into key_is_secret values ('{TOKEN}-x', 1), ('{TOKEN}-y', 2), ('{TOKEN}-z', 3);
create table refers (id int primary key, token text references key_is_secret on delete cascade);
insert into refers values (1, '{TOKEN}-x');
create view renamed as select id, "apiKey" as looks_harmless, note, lower(note) as small from stranger;
create view over_it as select id, looks_harmless as still, note from renamed;
create materialized view whole as select id, row_to_json(s) as doc from stranger s;
create view disguised as select id, "apiKey" as note, s.note as token_type from stranger s;
create view folded as select id, to_jsonb(s) as note from stranger s where password_hash is not null;
create materialized view kept as select id, "apiKey" as note from stranger;
create table parts (id int, secret text) partition by range (id);
create table part_one partition of parts for values from (0) to (10);
insert into parts values (1, '{TOKEN}-r');
"""
_MASKED = {
    "stranger": {"apiKey", "password_hash", "encrypted_note"},
    "key_is_secret": {"token"},
    "refers": {"token"},
    "renamed": {"looks_harmless", "small"},
    "over_it": {"still"},
    "whole": {"doc"},
    "disguised": {"note"},
    "folded": {"note"},
    "kept": {"note"},
    "parts": {"secret"},
    "part_one": {"secret"},
    SESSIONS: {"session_token"},
    f"{PREFIX}verification_token": {"token"},
}


@pytest.fixture
async def strange_world(world: str) -> str:
    connection = await asyncpg.connect(world)
    await connection.execute(_STRANGERS)
    await connection.close()
    return world


async def test_every_secret_column_is_masked_in_every_answer(
    strange_world: str, asking: Callable[..., Any]
):
    asker = await asking(strange_world, schema=SCHEMA)
    lines = await asker.get("/api/tables")
    assert {line["name"] for line in lines} >= set(_MASKED)
    for line in lines:
        place = line["schema"], line["name"]
        table = await asker.get(asker.place(place[1], schema=place[0]))
        secret = {column["name"] for column in table["columns"] if column["secret"]}
        if line["name"] in _MASKED:
            assert secret == _MASKED[line["name"]]
        for what in ("rows", "count"):
            response = await asker.client.get(asker.place(place[1], what, schema=place[0]))
            assert response.status_code == 200
            assert TOKEN not in response.text, place
        for form in ("csv", "json", "sql"):
            response = await asker.client.post(
                asker.place(place[1], "copy", schema=place[0]), json={"format": form}
            )
            assert response.status_code == 200, response.text
            assert TOKEN not in response.text, (place, form)
            assert set(response.json()["secret"]) == secret
    accounts = await asker.get(asker.place(ACCOUNTS))
    assert {c["name"] for c in accounts["columns"] if c["secret"]} >= {
        "access_token", "refresh_token", "id_token",
    }  # fmt: skip


async def test_a_secret_is_there_or_not_and_nothing_more(
    strange_world: str, asking: Callable[..., Any]
):
    asker = await asking(strange_world)
    first, second = (await asker.rows("stranger"))["rows"]
    assert first["cells"][1:4] == [{"secret": True}, {"secret": True}, "5"]
    assert second["cells"][1:3] == [None, None]
    null = [{"column": "apiKey", "op": "null"}]
    assert await asker.first_cells("stranger", filter=null) == ["2"]
    for op, value in itertools.product(("=", "starts", "contains", "<"), ("S", TOKEN)):
        given = [{"column": "apiKey", "op": op, "value": value}]
        assert (await asker.rows("stranger", 422, filter=given))["field"] == "apiKey"
        path = asker.place("stranger", "count")
        assert (await asker.get(path, 422, filter=given))["field"] == "apiKey"
    assert (await asker.rows("stranger", 422, sort=[["apiKey", "asc"]]))["field"] == "apiKey"
    assert await asker.first_cells("stranger", q=TOKEN) == []
    assert await asker.first_cells("key_is_secret", q="SECRET") == []
    told = await asker.get(asker.place("key_is_secret", "pick"), 422, columns=["token"], q="S")
    assert told["field"] == "columns"


async def test_a_key_that_is_a_secret_does_not_travel(
    strange_world: str, asking: Callable[..., Any]
):
    asker = await asking(strange_world)
    page = await asker.rows("key_is_secret", limit=2)
    assert page["key"] == ["ctid", "xmin"]
    key = page["rows"][0]["key"]
    found = await asker.get(asker.place("key_is_secret", "references"), key=key)
    assert [(each["table"], each["count"], each["filter"]) for each in found["references"]] == [
        ("refers", 1, None)
    ]
    more = await asker.rows("key_is_secret", limit=2, after=page["next"])
    assert [row["cells"][1] for row in more["rows"]] == ["3"]
    for cursor in (page["next"], more["previous"]):
        assert TOKEN.encode() not in base64.urlsafe_b64decode(cursor + "==")
    copy = await asker.get(asker.place("key_is_secret", "duplicate"), key=key)
    assert copy["values"] == {"at": "1"}


async def test_one_cell_is_shown_with_write_alone(
    strange_world: str, asking: Callable[..., Any], caplog: pytest.LogCaptureFixture
):
    path = "/api/tables/public/stranger/cell"
    asked = {"key": ["1"], "column": "apiKey", "reveal": True}
    reader = await asking(strange_world)
    assert (await reader.get(path, 422, key=["1"], column="apiKey", reveal=1))["field"] == "apiKey"
    assert (await reader.post(path, asked, 403))["code"] == "read_only"
    writer = await asking(strange_world, write=True)
    assert (await writer.get(path, 422, key=["1"], column="apiKey"))["field"] == "apiKey"
    await writer.post(path, {**asked, "reveal": False}, 422)
    assert "rows of" not in caplog.text
    with caplog.at_level(logging.WARNING, "chatkeep.studio"):
        assert (await writer.post(path, asked))["text"] == f"{TOKEN}-k"
    assert "apiKey" in caplog.text
    assert TOKEN not in caplog.text
    page = await writer.client.get("/api/tables/public/stranger/rows")
    assert TOKEN not in page.text


async def test_a_secret_may_be_overwritten_unseen(strange_world: str, asking: Callable[..., Any]):
    asker = await asking(strange_world, write=True)
    change = {
        "kind": "update", "schema": "public", "table": "stranger", "key": ["1"],
        "set": {"apiKey": f"{TOKEN}-new"}, "old": {},
    }  # fmt: skip
    preview = await asker.post("/api/changes/preview", {"changes": [change]})
    assert TOKEN not in json.dumps(preview)
    await asker.post("/api/changes/apply", {"changes": [change]})
    stored = await asker.connection.fetchval('select "apiKey" from stranger where id = 1')
    assert stored == f"{TOKEN}-new"


async def test_a_declared_secret_counts_beside_the_names(
    strange_world: str, asking: Callable[..., Any]
):
    from chatkeep.presets import deepsearch
    from chatkeep.schema.personal import secret, shown

    class Own(deepsearch.Schema):
        personal: ClassVar = {
            "users": (secret("name"),),
            "public.stranger": (secret("note"), shown("apiKey")),
            "public.absent": (secret("column"),),
        }

    asker = await asking(strange_world, schema=Own(prefix=PREFIX, seed_writers=True))
    stranger = await asker.get(asker.place("stranger"))
    secrets = {column["name"] for column in stranger["columns"] if column["secret"]}
    assert secrets == {"password_hash", "encrypted_note", "note"}
    users = await asker.get(asker.place(f"{PREFIX}user"))
    assert "name" in {column["name"] for column in users["columns"] if column["secret"]}
    assert users["attribute"] == "users"
