"""A database that 1.7.2 itself made: 1.7.5 fails on it, our check names it, its migration mends it."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Column, MetaData, Table, Text

from auth.better_auth.conftest import with_each_server
from chatkeep.auth.better_auth_config import better_auth_config
from chatkeep.auth.better_auth_issuer import check_issuer, write_mend
from chatkeep.cli.main import cli
from chatkeep.errors import ConfigError
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.presets import maps
from fixtures.rows import columns, content
from fixtures.servers import PgServer

needs_node = pytest.mark.needs("node")
OLD, NEW = "better_auth_issuer", "better_auth"
SCHEMA = maps.schema(prefix="m_")
FAULTY = """CREATE TABLE account (id text PRIMARY KEY, issuer text NOT NULL, "accountId" text NOT NULL,
    "providerId" text NOT NULL, "userId" text NOT NULL)"""


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Run our command in a project whose folder of migrations is `drizzle`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chatkeep.toml").write_text('migrations = "drizzle"\n')

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, cli, list(words))

    return run


async def check(ask, url: str, *words: str) -> Result:
    return await ask("auth", "better-auth", "check", "--url", url, *words)


@needs_node
@with_each_server("names", ["ours", "its own"])
async def test_sign_up_fails_until_the_migration_is_applied(
    names: str, pg: PgServer, fresh_database, node_script, ask, tmp_path: Path
):
    url = await fresh_database(pg)()
    folder, ours = tmp_path / "drizzle", names == "ours"
    if ours:
        await generate(folder, target_of(SCHEMA), Scratch(pg.admin_url), Options())
        await migrate(Folder.read(folder), url)
    options = better_auth_config(SCHEMA).options() if ours else {}

    def library(version: str, **given):
        said = node_script(
            version, "../better_auth/version.mjs", url, given={"options": options, **given}
        )
        return said["signedUp"], said["signedIn"]

    old, new = "old@example.com", "new@example.com"
    assert library(OLD, migrate=True, signUp=[old]) == ({old: "in"}, {})
    assert library(NEW, signUp=[new], signIn=[old]) == (
        {new: "23502"},  # not_null_violation
        {old: "in"},
    )

    table = "m_accounts" if ours else "account"
    said = json.loads((await check(ask, url, "--json")).stdout)
    assert [(each["schema"], each["table"]) for each in said["found"]] == [("public", table)]
    told = await check(ask, url)
    assert told.exit_code == 1
    assert told.output.startswith(f'column "issuer" of table "{table}": Better Auth 1.7.0 to 1.7.2')
    kept = await columns(url)
    before = await content(url, kept)

    wrote = await check(ask, url, "--write")
    assert wrote.exit_code == 0, wrote.output
    again = await check(ask, url, "--write")
    assert (again.exit_code, again.output.splitlines()[-1]) == (
        1,
        "The migration that mends it is written: run `chatkeep migrate`.",
    )
    (path,) = folder.glob("*_better_auth_issuer.sql")
    reverse = path.with_suffix(".down.sql")
    assert "DROP NOT NULL" in path.read_text()
    assert "SET NOT NULL" in reverse.read_text()
    assert (await ask("migrate", "--url", url)).exit_code == 0
    assert await content(url, kept) == before
    assert (await check(ask, url)).output == "Nothing is left over of Better Auth 1.7.0 to 1.7.2.\n"

    back = await ask("rollback", "--url", url, "--scratch-url", pg.admin_url)
    assert back.exit_code == 0, back.output
    assert len(await check_issuer(url)) == 1
    assert (await ask("migrate", "--url", url)).exit_code == 0
    assert await content(url, kept) == before

    # The index on issuer and account that 1.7.2 made stays: it lets rows without an issuer be.
    assert library(NEW, signUp=[new, "c@example.com"], signIn=[old, new]) == (
        {new: "in", "c@example.com": "in"},
        {old: "in", new: "in"},
    )
    assert library(OLD, signUp=["d@example.com"])[0] == {"d@example.com": "in"}
    connection = await asyncpg.connect(url)
    issuers = await connection.fetch(f'SELECT issuer FROM "{table}" ORDER BY issuer')
    await connection.close()
    assert [row[0] for row in issuers] == ["local:credential", "local:credential", None, None]


async def test_a_folder_without_the_table_applies_the_mend_and_its_reverse(
    pg18: PgServer, fresh_database, tmp_path: Path, ask
):
    """A new database made from the folder never had the column."""
    faulty = await fresh_database(pg18).made_by([FAULTY])
    path = await write_mend(await check_issuer(faulty), tmp_path / "drizzle", faulty)
    assert path is not None
    fresh = await fresh_database(pg18)()
    await migrate(Folder.read(tmp_path / "drizzle"), fresh)
    back = await ask("rollback", "--url", fresh, "--scratch-url", pg18.admin_url)
    assert back.exit_code == 0, back.output


async def test_a_schema_that_says_so_itself_has_to_change(
    pg18: PgServer, fresh_database, tmp_path: Path
):
    """As `chatkeep pull` writes it."""
    url = await fresh_database(pg18).made_by([FAULTY])
    found = await check_issuer(url)
    pulled = MetaData()
    Table("account", pulled, Column("issuer", Text, nullable=False))
    with pytest.raises(ConfigError, match="The project's own schema says") as refused:
        await write_mend(found, tmp_path / "drizzle", url, pulled)
    assert "nullable=True" in str(refused.value.hint)
    assert not (tmp_path / "drizzle").exists()
    loose = MetaData()
    Table("account", loose, Column("issuer", Text))
    assert await write_mend(found, tmp_path / "drizzle", url, loose) is not None


async def test_another_projects_table_is_left_to_it(pg18: PgServer, fresh_database, ask):
    url = await fresh_database(pg18).made_by([FAULTY])
    Path("chatkeep.toml").write_text('migrations = "drizzle"\ntables_filter = ["m_*"]\n')
    assert (await check(ask, url, "--write")).exit_code == 0
    assert not Path("drizzle").exists()
    Path("chatkeep.toml").write_text('migrations = "drizzle"\ntables_filter = ["acc*"]\n')
    assert (await check(ask, url)).exit_code == 1
    declared = MetaData()
    Table("account", declared, Column("issuer", Text))
    assert await check_issuer(url, tables_filter=["m_*"]) == []
    assert len(await check_issuer(url, tables_filter=["m_*"], declared=declared)) == 1


async def test_nothing_found_is_said_in_json_too(ask, database_url: str):
    said = await check(ask, database_url, "--json", "--write")
    assert (said.exit_code, json.loads(said.stdout)) == (0, {"found": [], "written": None})
