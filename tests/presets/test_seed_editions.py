"""The seed editions are what the real drizzle-kit made: pg_dump says the same, byte for byte."""

from pathlib import Path

import asyncpg
import pytest

from chatkeep.presets import deepsearch, maps
from chatkeep.schema.ddl import create_statements
from chatkeep.schema.schema import Schema
from fixtures.dump import dump, golden_dump
from fixtures.servers import PgServer

GOLDEN = Path(__file__).resolve().parents[1] / "golden/drizzle"
# What drizzle-kit keeps its books in; the golden dumps hold it too.
BOOKKEEPING = """
    CREATE SCHEMA drizzle;
    CREATE TABLE drizzle.__drizzle_migrations (
        id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint
    );
"""
SEEDS: dict[str, Schema] = {
    "deepsearch": deepsearch.schema(edition="seed"),
    "maps": maps.schema(edition="seed"),
}


@pytest.mark.parametrize("name", SEEDS)
async def test_pg_dump_equals_the_golden_one(pg: PgServer, fresh_database, name: str):
    url = await fresh_database(pg)
    connection = await asyncpg.connect(url)
    await connection.execute(BOOKKEEPING)
    await connection.execute(";\n".join(create_statements(SEEDS[name].metadata)))
    await connection.close()
    golden = golden_dump(GOLDEN / f"{name}/pg_dump/pg{pg.version}.kit.schema.sql")
    assert dump(pg, url) == golden


def test_the_name_that_postgresql_cuts_is_kept_whole_for_snapshots():
    table = SEEDS["deepsearch"].tables["user_settings"]
    (key,) = table.foreign_key_constraints
    assert len(str(key.name)) == 63
    assert (
        key.info["drizzle_name"]
        == "ai-app-template_user_settings_user_id_ai-app-template_user_id_fk"
    )


def test_a_seed_needs_no_extras_and_no_stages():
    for schema in SEEDS.values():
        assert schema.edition == "seed"
        assert schema.extras == ()
        assert schema.stages == ()
