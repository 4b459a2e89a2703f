"""The whole way from a seed's database, full of rows, to the hardened tables."""

from typing import Any

import asyncpg
import pytest
from examples.extending.app_schema import AppSchema
from sqlalchemy import MetaData

from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.planner import plan
from chatkeep.presets import deepsearch, maps
from chatkeep.schema.ddl import create_statements
from chatkeep.schema.schema import Schema
from fixtures.dump import dump
from fixtures.servers import PgServer

P = "ai-app-template_"
DEEPSEARCH_ROWS = f"""
    INSERT INTO "{P}user" (id, name, email) SELECT 'u' || n, 'N', n || '@example.com'
        FROM generate_series(1, 20) AS n;
    INSERT INTO "{P}account" (user_id, type, provider, provider_account_id, expires_at)
        SELECT id, 'oauth', 'discord', id, 2147483647 FROM "{P}user";
    INSERT INTO "{P}session" SELECT 's' || id, id, now() FROM "{P}user";
    INSERT INTO "{P}verification_token" SELECT email, 't', now() FROM "{P}user";
    INSERT INTO "{P}chat" (id, user_id, title) SELECT 'c' || id, id, 'T' FROM "{P}user";
    INSERT INTO "{P}message" (id, chat_id, role, content, sources, metadata, created_at)
        SELECT 'm' || n || c.id, c.id, 'user', 'x', '[{{"title": "T"}}]',
               '{{"tokens": {{"prompt": 1, "completion": 2, "total": 3}}}}',
               timestamptz '2025-01-01Z' + (7919 * n % 101) * interval '1 minute'
        FROM "{P}chat" AS c, generate_series(1, 10) AS n;
    INSERT INTO "{P}search_cache" (query, results, expires_at)
        SELECT 'q' || n, '{{"a": 1}}', now() FROM generate_series(1, 5) AS n;
    INSERT INTO "{P}user_settings" (user_id) SELECT id FROM "{P}user";
"""
MAPS_ROWS = """
    INSERT INTO users (id, email, email_verified) VALUES ('u', 'a@b', NULL), ('v', 'c@d', true);
    INSERT INTO sessions (id, user_id, expires_at, created_at)
        VALUES ('s', 'u', '2025-06-01 12:00', '2025-05-01 12:00');
"""


async def differences(
    connection: asyncpg.Connection, fresh_database, server: PgServer, schema: Any
) -> list[str]:
    """Statements from this database to the one that a state's own statements make."""
    wanted = await asyncpg.connect(await fresh_database(server))
    await wanted.execute(";\n".join(create_statements(schema.metadata, schema.extras)))
    metadata: MetaData = schema.metadata
    using = {
        ("public", table.name, column.name): column.info["using"]
        for table in metadata.tables.values()
        for column in table.columns
        if "using" in column.info
    }
    here, there = await read_catalog(connection), await read_catalog(wanted)
    await wanted.close()
    return [statement.sql for statement in plan(here, there, using=using)]


async def upgrade(url: str, fresh_database, server: PgServer, schema: Schema) -> list[list[str]]:
    """Take every stage in its own transaction; give the statements of each."""
    connection = await asyncpg.connect(url)
    taken: list[list[str]] = []
    for stage in schema.stages:
        statements = list(stage.statements)
        if stage.metadata is not None:
            statements = await differences(connection, fresh_database, server, stage)
        async with connection.transaction():
            for statement in statements:
                await connection.execute(statement)
        taken.append(statements)
    assert await differences(connection, fresh_database, server, schema) == []
    await connection.close()
    return taken


async def rows_of(url: str, seed: Schema) -> dict[str, list[str]]:
    """Every row of every table, by the seed's columns, times in UTC."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    found: dict[str, list[str]] = {}
    for name, table in seed.metadata.tables.items():
        cells = [
            f'"{c.name}"::jsonb::text'
            if c.type.__class__.__name__ == "Json"
            else f'"{c.name}"::text'
            for c in table.columns
        ]
        rows = await connection.fetch(
            f'SELECT concat_ws(chr(31), {", ".join(cells)}) FROM "{name}"'
        )
        found[name] = sorted(row[0].replace("+00", "") for row in rows)
    await connection.close()
    return found


@pytest.mark.parametrize("seed_writers", [False, True])
async def test_deepsearch_keeps_every_row(pg: PgServer, fresh_database, seed_writers: bool):
    seed, url = deepsearch.schema(edition="seed"), await fresh_database(pg)
    connection = await asyncpg.connect(url)
    await connection.execute(";\n".join(create_statements(seed.metadata)) + ";" + DEEPSEARCH_ROWS)
    before = await rows_of(url, seed)
    schema = deepsearch.schema(seed_writers=seed_writers)
    await upgrade(url, fresh_database, pg, schema)
    assert await rows_of(url, seed) == before
    by_seq = await connection.fetch(f'SELECT created_at FROM "{P}message" ORDER BY seq')
    assert by_seq == sorted(by_seq)
    insert = f"""INSERT INTO "{P}search_cache" (query, results, expires_at)
        VALUES ('q', '[]', now()) RETURNING id"""
    assert await connection.fetchval(insert) == 6
    await connection.close()


async def test_a_migrated_database_is_the_one_that_is_made_anew(pg: PgServer, fresh_database):
    """pg_dump says the same of both: the differ is not its own judge."""
    seed, schema = deepsearch.schema(edition="seed"), deepsearch.schema(seed_writers=True)
    migrated, made = await fresh_database(pg), await fresh_database(pg)
    for url, state in ((migrated, seed), (made, schema)):
        connection = await asyncpg.connect(url)
        await connection.execute(";\n".join(create_statements(state.metadata, state.extras)))
        await connection.close()
    await upgrade(migrated, fresh_database, pg, schema)
    assert dump(pg, migrated) == dump(pg, made)


async def test_maps_keeps_every_row_and_reads_its_times_as_utc(pg: PgServer, fresh_database):
    seed, url = maps.schema(edition="seed"), await fresh_database(pg)
    connection = await asyncpg.connect(url)
    await connection.execute(";\n".join(create_statements(seed.metadata)) + ";" + MAPS_ROWS)
    before = await rows_of(url, seed)
    await upgrade(url, fresh_database, pg, maps.schema())
    after = await rows_of(url, seed)
    assert after["sessions"] == before["sessions"]
    assert await connection.fetchval("SELECT email_verified FROM users WHERE id = 'u'") is False
    expires = await connection.fetchval("SELECT expires_at FROM sessions")
    assert expires.isoformat() == "2025-06-01T12:00:00+00:00"
    await connection.close()


async def test_an_extended_schema_is_reached_from_the_seed_too(pg: PgServer, fresh_database):
    seed, url = deepsearch.schema("travel_", edition="seed"), await fresh_database(pg)
    connection = await asyncpg.connect(url)
    await connection.execute(";\n".join(create_statements(seed.metadata)))
    await connection.close()
    taken = await upgrade(url, fresh_database, pg, AppSchema("travel_"))
    assert any("itinerary" in statement for statement in taken[1])
    assert not any("itinerary" in statement for statement in taken[3])
