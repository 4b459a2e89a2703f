"""Reading a catalog: whose objects, and what it leaves as it was."""

import time

import asyncpg
import pytest

from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.catalog.tables import Column
from chatkeep.kit.plan.planner import plan
from fixtures.servers import PgServer

SHARED = """
create type mood as enum ('a'); create type strange as enum ('b');
create table app_users (id serial primary key, mood mood);
create table other (id serial primary key, s strange);
create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key);
"""


async def test_only_owned_tables_and_what_they_need_are_read(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(SHARED)
        catalog = await read_catalog(connection, owns=lambda _, name: name.startswith("app_"))
    finally:
        await connection.close()
    assert {key.path[:2] for key in catalog.facts if key.kind is Kind.TABLE} == {
        ("public", "app_users")
    }
    assert {key.path[1] for key in catalog.facts if key.kind is Kind.ENUM} == {"mood"}
    assert catalog.find(Column, "public", "other", "id") is None


async def test_settings_of_the_connection_stay(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("set search_path = app, public; set datestyle = 'SQL, MDY'")
        async with connection.transaction():
            await read_catalog(connection)
            assert await connection.fetchval("show search_path") == "app, public"
        await read_catalog(connection)
        assert await connection.fetchval("show datestyle") == "SQL, MDY"
        assert not connection.is_in_transaction()
    finally:
        await connection.close()


async def test_members_of_extensions_are_no_facts(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("create extension pg_trgm; create extension pg_stat_statements")
        catalog = await read_catalog(connection)
    finally:
        await connection.close()
    assert {key.kind for key in catalog.facts} == {Kind.EXTENSION}
    assert catalog.unmodelled == ()


@pytest.mark.needs("pg15")
async def test_facts_are_the_same_on_every_version(
    pg15: PgServer, pg18: PgServer, fresh_database
) -> None:
    sql = SHARED + "create index i on app_users (mood desc) where id > 3;"
    found = []
    for server in (pg15, pg18):
        connection = await asyncpg.connect(await fresh_database(server)())
        try:
            await connection.execute(sql)
            found.append(await read_catalog(connection))
        finally:
            await connection.close()
    assert plan(*found) == []


async def test_200_tables(database_url: str) -> None:
    tables = "".join(
        f"create table t{n} (id serial primary key, a text not null default 'x', b int check (b > 0),"
        f" c timestamptz default now(), d varchar(20) unique);"
        f"create index on t{n} (a, b);"
        for n in range(200)
    )
    connection = await asyncpg.connect(database_url)
    try:
        empty = await read_catalog(connection)
        await connection.execute(tables)
        start = time.perf_counter()
        full = await read_catalog(connection)
        read = time.perf_counter() - start
    finally:
        await connection.close()
    start = time.perf_counter()
    made = plan(empty, full)
    gone = plan(full, empty)
    planned = time.perf_counter() - start
    print(
        f"200 tables: {len(full.facts)} facts read in {read:.2f} s, planned both ways in {planned:.2f} s"
    )
    assert (len(made), len(gone)) == (400, 200)
