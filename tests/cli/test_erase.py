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
insert into sessions (id, user_id, expires_at) values ('s1', 'ada', now()), ('s2', 'bob', now());
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
    assert "users     delete             1 rows" in shown.stdout
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
    assert {step["table"]: step["rows"] for step in report["steps"]} == {"sessions": 1, "users": 1}
    assert report["proof"]["found"] == []
    assert report["tables_not_in_schema"] == ["wall"]
    assert "bob" not in done.stdout
    assert "by support" in erase(url, "--history").stdout


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
