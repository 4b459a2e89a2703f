"""docs/how-to/privacy.md and docs/reference/erase-rules.md, run as they stand."""

from pathlib import Path
from typing import Any

import asyncpg

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.personal.references import read_registry
from chatkeep.presets import deepsearch, maps
from database.test_pages import DOCS, blocks, run


async def test_the_how_to(database_url: str, tmp_path: Path):
    schema = deepsearch.schema()
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        names: dict[str, Any] = {
            "db": db,
            "schema": schema,
            "url": database_url,
            "folder": tmp_path,
        }
        for block in blocks("how-to/privacy.md"):
            await run(block, names)


async def test_the_reference(database_url: str):
    (block,) = blocks("reference/erase-rules.md")
    names: dict[str, Any] = {}
    await run(block, names)
    await create_tables(names["schema"], database_url)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "CREATE TABLE invoice (id int PRIMARY KEY,"
            ' user_id varchar(255) NOT NULL REFERENCES "app_user");'
            "CREATE TABLE payment (id int PRIMARY KEY, payer_email text, iban text);"
            "CREATE TABLE invitation (email text PRIMARY KEY);"
            "CREATE TABLE webhook (id int PRIMARY KEY, payload jsonb, retry_token text)"
        )
        registry = await read_registry(connection, names["schema"])
    finally:
        await connection.close()
    does = {each.shown: each.does for each in registry.references}
    assert does["invoice.user_id"] == "anonymise"
    assert does["payment.payer_email"] == "keep"
    assert does["invitation.email"] == does["webhook.payload"] == "delete"
    secrets = {t.name: registry.declared.secrets(t) for t in registry.tables.values()}
    assert (secrets["payment"], secrets["webhook"]) == (("iban",), ())
    assert secrets["app_verification_token"] == ("token",)


async def test_the_table_of_the_presets_names_each_table_of_theirs(database_url: str):
    page = (DOCS / "reference/erase-rules.md").read_text(encoding="utf-8")
    told = page.split("## What the presets say")[1].split("## In which order")[0]
    for schema in (deepsearch.schema(), maps.schema()):
        for definition in type(schema).definitions.values():
            assert definition.name in told
