"""A studio on what it cannot show whole says why, and what to do."""

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import asyncpg
import pytest
from sqlalchemy import MetaData

from chatkeep.presets import deepsearch
from chatkeep.schema.ddl import create_statements

SEED = deepsearch.schema(edition="seed")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        pytest.param(SEED, "seed's edition", id="seed"),
        pytest.param(MetaData(), "tables alone", id="tables"),
        pytest.param(None, "none is configured", id="nothing"),
    ],
)
async def test_people_need_a_schema_that_knows_them(
    schema: object, said: str, database_url: str, open_studio: Callable[..., Any]
):
    site = await open_studio(database_url, schema=schema)
    async with aclosing(await site.client()) as client:
        answer = await client.get("/api/people")
        assert answer.status_code == 409
        assert said in answer.json()["error"]["message"]


async def test_the_seeds_edition_is_not_held_to_our_conventions(
    database_url: str, open_studio: Callable[..., Any]
):
    connection = await asyncpg.connect(database_url)
    await connection.execute(";\n".join(create_statements(SEED.metadata, SEED.extras)))
    await connection.close()
    site = await open_studio(database_url, schema=SEED)
    async with aclosing(await site.client()) as client:
        answer = await client.get("/api/structure/findings")
        assert answer.status_code == 200
        assert answer.json()["conventions"] == []


async def test_a_role_that_only_reads_is_told_apart_from_a_studio_that_does(
    world: str, open_studio: Callable[..., Any]
):
    connection = await asyncpg.connect(world)
    await connection.execute(
        "do $$ begin execute format('alter database %I set default_transaction_read_only = on',"
        " current_database()); end $$"
    )
    await connection.close()
    site = await open_studio(world, write=True)
    row = {"kind": "insert", "schema": "public", "table": "ai-app-template_user", "values": {}}
    async with aclosing(await site.client()) as client:
        answer = await client.post("/api/changes/apply", json={"changes": [row]})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (403, "read_only")
        assert "role" in error["message"]
