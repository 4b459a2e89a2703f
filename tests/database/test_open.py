"""Opening: what is said when the database is not what the schema describes."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Text, cast, func, select
from sqlalchemy.schema import CreateTable

from chatkeep import (
    ConfigError,
    ConnectionFailedError,
    Database,
    DatabaseClosedError,
    DatabaseTimeoutError,
    InvalidInputError,
    InvalidUrlError,
    NewUser,
    SchemaMismatchError,
)
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch, maps
from chatkeep.server import EmbeddedServer


async def test_an_empty_database_is_told_what_to_run(
    database_url: str, schema: deepsearch.Schema
) -> None:
    with pytest.raises(SchemaMismatchError, match=r"none of the schema's tables.*chatkeep migrate"):
        async with Database(schema, database_url):
            pass


async def test_a_seed_edition_database_is_told_what_to_run(
    database_url: str, schema: deepsearch.Schema
) -> None:
    seed = deepsearch.schema(prefix="x_", edition="seed")
    connection = await asyncpg.connect(database_url)
    for table in seed.metadata.sorted_tables:
        await connection.execute(str(CreateTable(table)))
    await connection.close()
    with pytest.raises(SchemaMismatchError, match="chatkeep generate && chatkeep migrate"):
        async with Database(schema, database_url):
            pass


async def test_a_seed_edition_of_maps_is_told_too(database_url: str) -> None:
    """Half of its sessions' columns are new."""
    connection = await asyncpg.connect(database_url)
    for table in maps.schema(edition="seed").metadata.sorted_tables:
        await connection.execute(str(CreateTable(table)))
    await connection.close()
    with pytest.raises(SchemaMismatchError, match="chatkeep generate && chatkeep migrate"):
        async with Database(maps.schema(), database_url):
            pass


async def test_times_that_have_no_zone_yet_are_refused(database_url: str) -> None:
    """The maps preset before its contract: it has every column, and Drizzle reads them as UTC."""
    schema = maps.schema()
    connection = await asyncpg.connect(database_url)
    for table in schema.transition_metadata().sorted_tables:
        await connection.execute(str(CreateTable(table)))
    await connection.close()
    with pytest.raises(SchemaMismatchError, match=r"created_at.*without a zone.*chatkeep migrate"):
        async with Database(schema, database_url):
            pass


async def test_another_projects_tables_are_not_taken_for_an_earlier_state(
    database_url: str,
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "create table users (id bigint primary key, email text, encrypted_password text);"
        "create table sessions (id bigint primary key, session_id text, data text)"
    )
    await connection.close()
    with pytest.raises(SchemaMismatchError) as refused:
        async with Database(maps.schema(), database_url):
            pass
    assert "another project's" in str(refused.value.hint)
    assert "prefix" in str(refused.value.hint)
    assert "chatkeep migrate" not in str(refused.value)


async def test_a_missing_table_is_named(database_url: str, schema: deepsearch.Schema) -> None:
    await create_tables(schema, database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute('drop table "x_search_cache"')
    await connection.close()
    with pytest.raises(SchemaMismatchError, match="x_search_cache"):
        async with Database(schema, database_url):
            pass


async def test_opening_is_one_statement_and_leaves_no_connection_behind(
    database_url: str, schema: deepsearch.Schema
) -> None:
    await create_tables(schema, database_url)
    db = Database(schema, database_url)
    with db.statements() as sent:
        async with db:
            pass
    assert sent.names == ["database.columns"]
    connection = await asyncpg.connect(database_url)
    left = await connection.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database() "
        "and application_name = 'chatkeep'"
    )
    await connection.close()
    assert left == 0


async def test_use_outside_of_the_block_is_refused(
    database_url: str, schema: deepsearch.Schema
) -> None:
    await create_tables(schema, database_url)
    db = Database(schema, database_url)
    with pytest.raises(DatabaseClosedError, match="async with Database"):
        await db.users.count()
    async with db:
        assert await db.users.count() == 0
        with pytest.raises(ConfigError, match="open already"):
            await db.open()
    with pytest.raises(DatabaseClosedError):
        await db.users.count()
    async with db:  # it may be opened again
        assert await db.users.count() == 0
    await db.close()


def test_the_seed_edition_is_refused_with_what_to_use() -> None:
    with pytest.raises(ConfigError, match="hardened edition"):
        Database(deepsearch.schema(edition="seed"), "postgresql://localhost/x")


def test_something_that_is_no_schema_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs a schema, not a str"):
        Database("schema", "postgresql://localhost/x")  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["mysql://me:s3cret@h/x", "postgresql://me:s3cret@h:99999/x"])
def test_a_bad_url_is_refused_without_its_password(schema: deepsearch.Schema, url: str) -> None:
    with pytest.raises(InvalidUrlError) as caught:
        Database(schema, url)
    assert "s3cret" not in str(caught.value)


async def test_an_unreachable_server_is_one_sentence_without_the_password(
    schema: deepsearch.Schema,
) -> None:
    with pytest.raises(ConnectionFailedError, match="cannot be reached") as caught:
        async with Database(schema, "postgresql://me:s3cret@127.0.0.1:1/x"):
            pass
    error: BaseException | None = caught.value
    while error is not None:
        assert "s3cret" not in f"{error} {error!r}"
        error = error.__cause__


async def test_the_url_comes_from_the_environment(
    database_url: str, schema: deepsearch.Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create_tables(schema, database_url)
    monkeypatch.setenv("DATABASE_URL", database_url)
    async with Database(schema) as db:
        assert await db.users.count() == 0


@pytest.mark.parametrize(
    "bounds",
    [
        {"max_connections": 0},
        {"statement_timeout": timedelta(0)},
        {"acquire_timeout": timedelta(0)},
    ],
)
def test_a_bound_that_lets_nothing_through_is_refused(
    schema: deepsearch.Schema, bounds: dict
) -> None:
    with pytest.raises(ConfigError, match="must be"):
        Database(schema, "postgresql://localhost/x", **bounds)


async def test_two_that_create_the_tables_at_once(
    database_url: str, schema: deepsearch.Schema
) -> None:
    await asyncio.gather(*(create_tables(schema, database_url) for _ in range(3)))
    async with Database(schema, database_url) as db:
        assert (await db.users.create(NewUser(email="a@example.com"))).email == "a@example.com"


async def test_a_slow_statement_is_stopped(database_url: str, schema: deepsearch.Schema) -> None:
    from sqlalchemy import column, func, select

    await create_tables(schema, database_url)
    async with Database(schema, database_url, statement_timeout=timedelta(milliseconds=100)) as db:
        with pytest.raises(DatabaseTimeoutError):
            await db.first(select(func.pg_sleep(5), column("1", is_literal=True)))
        assert await db.users.count() == 0


async def test_without_a_url_the_embedded_server_is_used_and_prepared(
    schema: deepsearch.Schema, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(project)
    async with Database(schema) as db:
        await db.users.create(NewUser(email="a@example.com"))
    assert not EmbeddedServer(project / ".chatkeep").status().in_use
    async with Database(schema) as db:
        assert await db.users.count() == 1


async def test_an_empty_embedded_database_is_prepared_by_the_projects_migrations(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of the seed edition: applied, and then told to be too old for access."""
    golden = Path(__file__).parents[1] / "golden/drizzle/deepsearch/drizzle"
    shutil.copytree(golden, project / "drizzle")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.chdir(project)
    with pytest.raises(SchemaMismatchError, match="chatkeep generate && chatkeep migrate"):
        async with Database(deepsearch.schema()):
            pass


async def test_opened_again_the_bound_holds_though_the_first_close_ran_out_of_time(
    database_url: str, schema: deepsearch.Schema
) -> None:
    await create_tables(schema, database_url)
    short = timedelta(milliseconds=200)
    db = Database(schema, database_url, max_connections=2, statement_timeout=short)
    await db.open()
    first = db._pools.pool
    held = [await first.acquire(), await first.acquire()]
    await db.close()
    await db.open()
    for wire in held:
        first.release(wire)
    second = db._pools.pool
    again = [await second.acquire(), await second.acquire()]
    assert second._size == 2
    waiting = asyncio.create_task(second.acquire())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    for wire in again:
        second.release(wire)
    second.release(await waiting)
    await db.close()


@pytest.mark.parametrize("how", ["a failed copy", "a statement that was cancelled"])
async def test_what_was_interrupted_is_closed_too(
    database_url: str, schema: deepsearch.Schema, how: str
) -> None:
    await create_tables(schema, database_url)
    for _ in range(3):
        async with Database(schema, database_url, max_connections=2) as db:
            if how == "a failed copy":
                with pytest.raises(InvalidInputError):
                    await db.copy(
                        schema.users, [{"id": "a", "email": "e"}, {"id": 5, "email": "e"}]
                    )
            else:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await db.scalar(select(cast(func.pg_sleep(9), Text)))
    left = await asyncpg.connect(database_url)
    for _ in range(200):  # the server notices a closed line a moment later
        count = await left.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database()"
        )
        if count == 1:
            break
        await asyncio.sleep(0.01)
    await left.close()
    assert count == 1


async def test_a_failed_copy_gives_its_connection_back_before_it_raises(
    database_url: str, schema: deepsearch.Schema
) -> None:
    await create_tables(schema, database_url)
    async with Database(schema, database_url, max_connections=1, max_waiting=0) as db:
        for _ in range(5):
            with pytest.raises(InvalidInputError):
                await db.copy(schema.users, [{"id": "a", "email": "e"}, {"id": 5, "email": "e"}])
            assert await db.users.count() == 0
