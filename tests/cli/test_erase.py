"""`chatkeep erase`, as a user types it."""

import asyncio
import json
import sys
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner, Result

from chatkeep.cli.main import cli
from chatkeep.database.creation import create_tables
from chatkeep.presets import maps

ROWS = """
insert into users (id, email) values ('ada', 'ada@x.org'), ('bob', 'bob@x.org');
insert into sessions (id, user_id, expires_at, token)
    values ('s1', 'ada', now(), 't1'), ('s2', 'bob', now(), 't2');
create table wall (id int primary key, said text);
insert into wall values (1, 'hello'), (2, 'ada@x.org was here');
"""


@pytest.fixture
async def url(database_url: str) -> str:
    await create_tables(maps.schema(), database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(ROWS)
    await connection.close()
    return database_url


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "chatkeep.toml").write_text('schema = "erase_cli_schema:schema"')
    (tmp_path / "erase_cli_schema.py").write_text(
        "from chatkeep.presets import maps\nschema = maps.schema()\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "erase_cli_schema", raising=False)
    return tmp_path


def erase(url: str, *words: str) -> Result:
    return CliRunner().invoke(cli, ["erase", "--url", url, *words])


def users(url: str) -> list[str]:
    async def read() -> list[str]:
        connection = await asyncpg.connect(url)
        try:
            return [row[0] for row in await connection.fetch("select id from users order by 1")]
        finally:
            await connection.close()

    return asyncio.run(read())


def test_it_shows_then_erases_then_says_what_is_left(url: str):
    shown = erase(url, "--user", "Ada@x.org")
    assert shown.exit_code == 1, shown.output  # somebody's wall will still name her
    assert "users          delete             1 rows" in shown.stdout
    assert "2 rows would be deleted, 0 anonymised, 0 kept." in shown.stdout
    assert "e-mail in wall.said, 1 rows: 2" in shown.stdout
    assert shown.stdout.endswith("Nothing was changed. Run it again with --yes to erase.\n")
    assert users(url) == ["ada", "bob"]

    done = erase(url, "--user", "ada@x.org", "--yes")
    assert done.exit_code == 1
    assert "2 rows were deleted" in done.stdout
    assert "something is left" in done.stdout
    assert "was here" not in done.output
    assert users(url) == ["bob"]

    gone = erase(url, "--user", "ada@x.org", "--yes")
    assert gone.exit_code == 1
    assert "No user has this id or e-mail. To look for what was left" in gone.stderr
    assert "ada@x.org" not in gone.stderr

    mended = erase(url, "--user", "ada", "--also", "ada@x.org", "--redact", "--yes")
    assert mended.exit_code == 0, mended.output
    assert "wall.said: replaced in 1 rows of others." in mended.stdout
    assert "neither id nor e-mail is left" in mended.stdout

    listed = erase(url, "--history", "--user", "ada", "--json")
    assert [entry["action"] for entry in json.loads(listed.stdout)] == [
        "erase-proof", "erase", "erase-proof", "erase",
    ]  # fmt: skip
    told = erase(url, "--history", "--limit", "1")
    assert told.stdout.count("\n") == 1
    assert "erase-proof  by " in told.stdout
    assert erase(url, "--history", "--user", "bob").stdout.startswith("Nothing was noted")


def test_the_report_for_programs(url: str):
    done = erase(url, "--user", "bob", "--yes", "--actor", "support", "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["erased"], report["clean"]) == (True, True)
    assert {step["table"]: step["rows"] for step in report["steps"]} == {
        "verifications": 0,
        "accounts": 0,
        "sessions": 1,
        "users": 1,
    }
    assert report["proof"]["found"] == []
    assert report["tables_not_in_schema"] == ["wall"]
    assert "bob" not in done.stdout
    assert "by support" in erase(url, "--history").stdout


async def test_what_may_be_anothers_and_what_could_not_be_read_is_told(url: str):
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("update wall set said = 'bada@x.org' where id = 2")
        async with connection.transaction():
            await connection.execute("create table busy (v text)")
        async with connection.transaction():
            await connection.execute("lock table busy in access exclusive mode")
            words = ("--user", "ada", "--yes", "--wait", "0.1")
            done = await asyncio.to_thread(erase, url, *words)
    finally:
        await connection.close()
    assert done.exit_code == 1
    assert "e-mail in wall.said, 1 rows (1 perhaps another's): 2" in done.stdout
    assert "busy could not be read: Another transaction keeps it locked." in done.stdout


async def test_nothing_found_and_not_all_read_is_not_clean(url: str):
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("lock table wall in access exclusive mode")
            words = ("--user", "ada", "--yes", "--wait", "0.1")
            done = await asyncio.to_thread(erase, url, *words)
    finally:
        await connection.close()
    assert done.exit_code == 1
    assert "nothing was found there, and not all could be read" in done.stdout


def test_an_export_says_which_rows_only_quote_the_person(url: str, place: Path):
    (place / "erase_cli_schema.py").write_text(
        "from chatkeep.presets import maps\n"
        "from chatkeep.schema.personal import DELETE, mentions\n"
        "class Said(maps.Schema):\n"
        "    personal = {'public.wall': (mentions('said', rule=DELETE),)}\n"
        "schema = Said()\n"
    )
    said = CliRunner().invoke(cli, ["export", "--url", url, "--user", "ada", "--out", "a.zip"])
    assert said.exit_code == 0, said.output
    assert "Left out: 1 row of wall, where others may have written of them." in said.stderr


def test_wrong_usage(url: str):
    assert erase(url).exit_code == 2
    assert erase(url, "--history", "--user", "ada@x.org").exit_code == 2
    assert erase(url, "--user", "ada", "--wait", "0").exit_code == 2
    assert users(url) == ["ada", "bob"]


def test_a_schema_that_is_none_is_refused(url: str, place: Path):
    (place / "erase_cli_schema.py").write_text("schema = 7\n")
    said = erase(url, "--user", "ada", "--yes")
    assert said.exit_code == 1
    assert "what is configured is of type int" in said.stderr
    assert users(url) == ["ada", "bob"]
