"""The views for @auth/pg-adapter as a part of the schema: migrations, pull, drizzle-kit, policies."""

import shutil
from pathlib import Path

import asyncpg
import pytest

from auth.auth_js.fronts import PREFIX, Way
from chatkeep.errors import ConfigError
from chatkeep.kit.check import check
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.pull import Options as PullOptions
from chatkeep.kit.pull import load, pull
from chatkeep.kit.rollback import prove, rollback, select
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.states import facts_of_database, facts_of_tables
from chatkeep.kit.target import target_of
from chatkeep.presets import deepsearch
from fixtures.node import node_modules
from fixtures.typescript import drizzle_project

__all__ = ["drizzle_project", "node_modules"]

MIGRATIONS = Path(__file__).parents[3] / "examples" / "deepsearch" / "drizzle"
SCHEMA = deepsearch.schema(prefix=PREFIX, seed_writers=True, pg_adapter="authjs")


@pytest.mark.parametrize("place", ["", "public", "chatkeep", "pg_auth", "a" * 64])
def test_a_schema_that_holds_other_things_is_refused(place):
    with pytest.raises(ConfigError, match="cannot be the schema of the views"):
        deepsearch.schema(pg_adapter=place)


@pytest.mark.needs("node")
async def test_a_migration_brings_them_and_its_reverse_takes_them(
    pg18, database_url, drizzle_project, schema_ts
):
    """On the way: the schema, the folder, the database and drizzle-kit agree."""
    project, scratch = drizzle_project(await schema_ts(SCHEMA)), Scratch(pg18.admin_url)
    shutil.copytree(MIGRATIONS, project.folder)
    before = await facts_of(project.folder, database_url)
    await generate(project.folder, target_of(SCHEMA), scratch, Options("auth js views"))
    folder = Folder.read(project.folder)
    written = folder.migrations[-1].sql
    assert (written.count("CREATE VIEW"), written.count("TABLE")) == (4, 0)
    assert "No schema changes" in project.kit("generate")
    await migrate(folder, database_url)
    found = await check(folder, target_of(SCHEMA), scratch, url=database_url)
    assert (found.findings, found.notes) == ([], [])
    plan = await prove(await select(folder, database_url), database_url, scratch)
    await rollback(plan, database_url)
    assert (await facts_of_database(database_url)).facts == before


async def facts_of(root: Path, url: str):
    await migrate(Folder.read(root), url)
    return (await facts_of_database(url)).facts


async def test_pull_writes_them_into_its_module(pg18, fresh_database, tmp_path):
    url, scratch = await fresh_database(pg18).holding(SCHEMA), Scratch(pg18.admin_url)
    out = tmp_path / "tables.py"
    await pull(url, tmp_path / "drizzle", scratch, PullOptions(out))
    pulled = await facts_of_tables(load(out.read_text()).state, scratch)
    assert pulled.facts == (await facts_of_database(url)).facts


async def test_two_prefixes_have_views_of_their_own(pg18, fresh_database):
    new = fresh_database(pg18)
    one = deepsearch.schema(prefix="one_", pg_adapter="auth_one")
    two = deepsearch.schema(prefix="two_", pg_adapter="auth_two")
    url = await new.made_by([*Way("pg", one).statements(), *Way("pg", two).statements()])
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("INSERT INTO auth_one.users (email) VALUES ('a@example.com')")
        counted = "SELECT (SELECT count(*) FROM auth_{0}.users), (SELECT count(*) FROM {0}_user)"
        assert tuple(await connection.fetchrow(counted.format("one"))) == (1, 1)
        assert tuple(await connection.fetchrow(counted.format("two"))) == (0, 0)
    finally:
        await connection.close()


async def test_they_open_no_way_round_the_policies(pg, front):
    """Not for the application role as it is, and not where somebody grants it the views."""
    secured = deepsearch.schema(
        prefix=PREFIX, security="rls", app_role="authjs_app", pg_adapter="authjs"
    )
    own = await front(pg, Way("pg", secured))
    await own.ask("INSERT INTO authjs.users (email) VALUES ('a@example.com'), ('b@example.com')")
    ids = [row["id"] for row in await own.ask("SELECT id FROM authjs.users ORDER BY email")]
    connection = await asyncpg.connect(own.url)
    try:
        assert await refused(connection, "users") == "permission denied for schema authjs"
        await connection.execute(
            "GRANT USAGE ON SCHEMA authjs TO authjs_app;"
            "GRANT ALL ON ALL TABLES IN SCHEMA authjs TO authjs_app"
        )
        assert (
            await refused(connection, "sessions") == f"permission denied for table {PREFIX}session"
        )
        assert (
            await refused(connection, "accounts") == f"permission denied for table {PREFIX}account"
        )
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE authjs_app")
            assert await connection.fetch("SELECT id FROM authjs.users") == []
            await connection.execute(f"SET LOCAL chatkeep.user_id = '{ids[1]}'")
            rows = await connection.fetch("SELECT id FROM authjs.users")
            assert [row["id"] for row in rows] == [ids[1]]
    finally:
        await connection.close()


async def refused(connection: asyncpg.Connection, view: str) -> str:
    with pytest.raises(asyncpg.InsufficientPrivilegeError) as caught:
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE authjs_app")
            await connection.fetch(f"SELECT FROM authjs.{view}")
    return str(caught.value)
