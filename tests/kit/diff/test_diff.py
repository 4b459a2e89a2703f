"""`chatkeep diff`: each form of a state, exit codes, JSON."""

import asyncio
import json
import subprocess
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from chatkeep.cli.diff import diff
from chatkeep.errors import ConfigError, InvalidUrlError, RenameUnclearError
from fixtures.servers import PgServer

NUMBERS = count()
MODELS = """
from sqlalchemy import Column, Integer, MetaData, Table, Text
metadata = MetaData()
Table("t", metadata, Column("id", Integer, primary_key=True), Column("a", Text))
"""


@pytest.fixture
def run(pg18: PgServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    module = f"shop_{next(NUMBERS)}"  # a process imports a name only once
    (tmp_path / f"{module}.py").write_text(MODELS)
    (tmp_path / "old.sql").write_text("create table t (id serial primary key, b text);")
    (tmp_path / "same.sql").write_text("create table t (id serial primary key, a text);")

    def call(*words: str):
        words = tuple(word.replace("shop:", f"{module}:") for word in words)
        return CliRunner().invoke(diff, [*words, "--scratch-url", pg18.admin_url])

    return call


def test_equal_states_print_nothing_and_exit_0(run) -> None:
    result = run("same.sql", "shop:metadata")
    assert (result.exit_code, result.output) == (0, "")


def test_sql_is_printed_and_exit_is_1(run) -> None:
    result = run("old.sql", "shop:metadata", "--rename", "public.t.b:a")
    assert (result.exit_code, result.output) == (
        1,
        'ALTER TABLE "public"."t" RENAME COLUMN "b" TO "a";\n',
    )


def test_json_says_what_is_destructive(run) -> None:
    result = run("old.sql", "same.sql", "--allow-drops", "--json")
    report = json.loads(result.output)
    assert [s["destructive"] for s in report["statements"]] == [True, False]


def test_unclear_rename_is_refused(run) -> None:
    result = run("old.sql", "same.sql")
    assert isinstance(result.exception, RenameUnclearError)


def test_folder_against_nothing(run, folder_of) -> None:
    folder = folder_of("create table t (id serial primary key, a text);")
    assert run(str(folder), "same.sql").exit_code == 0


def test_unknown_form_is_refused(run) -> None:
    assert isinstance(run("old.sql", "whatever").exception, ConfigError)


def test_rename_without_a_new_name_is_wrong_usage(run) -> None:
    assert run("old.sql", "same.sql", "--rename", "b").exit_code == 2


async def test_dump_of_pg_dump_is_a_state(
    run, tmp_path: Path, pg18: PgServer, database_url: str, rows
) -> None:
    await rows(database_url, "create table t (id serial primary key, a text)")
    words = [str(pg18.bin / "pg_dump"), "--schema-only", "--no-owner", database_url]
    dump = await asyncio.to_thread(subprocess.run, words, check=True, capture_output=True)
    (tmp_path / "dump.sql").write_bytes(dump.stdout)
    result = await asyncio.to_thread(run, "dump.sql", "same.sql")
    assert result.exit_code == 0


def test_refused_script_is_told_with_its_line(run, tmp_path: Path) -> None:
    (tmp_path / "bad.sql").write_text("create table t (i int);\n\ncreate table u (i itn);")
    assert "bad.sql, line 3" in str(run("bad.sql", "same.sql").exception)


def test_url_of_another_database_is_refused_without_its_password(run) -> None:
    error = run("mysql://me:geheim@host/x", "same.sql").exception
    assert isinstance(error, InvalidUrlError)
    assert "geheim" not in str(error)


def test_using_of_a_column_is_printed(run, tmp_path: Path) -> None:
    (tmp_path / "using.py").write_text(
        "from sqlalchemy import Column, Integer, MetaData, Table\n"
        "m = MetaData()\n"
        "Table('t', m, Column('id', Integer, primary_key=True),"
        " Column('a', Integer, info={'using': 'length(a)'}))\n"
    )
    assert "integer USING length(a);" in run("same.sql", "using:m").output


def test_coarser_type_is_printed_as_a_loss(run, tmp_path: Path) -> None:
    for name, type_ in (("fine", "numeric(9, 2)"), ("coarse", "numeric(9, 1)")):
        (tmp_path / f"{name}.sql").write_text(f"create table t (n {type_});")
    assert run("fine.sql", "coarse.sql").output.startswith("-- Loses data: ")
    assert "Loses" not in run("coarse.sql", "fine.sql").output


async def test_tables_of_others_in_a_database_are_left_out_where_a_pattern_says_so(
    run, pg18: PgServer, fresh_database, tmp_path: Path
) -> None:
    url = await fresh_database(pg18)()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "create type mood as enum ('sad'); create table theirs (id int, mood mood);"
        "create table t (id serial primary key, b text); create table x_old (mood mood)"
    )
    await connection.close()
    words = ("--rename", "t.b:a")
    whole = await asyncio.to_thread(run, url, "shop:metadata", "--allow-drops")
    assert 'DROP TABLE "public"."theirs"' in whole.output
    part = await asyncio.to_thread(run, url, "shop:metadata", "--tables", "x_*", *words)
    assert part.stdout.splitlines() == [
        'ALTER TABLE "public"."t" RENAME COLUMN "b" TO "a";',
        "-- Loses data: table public.x_old with its rows.",
        'DROP TABLE "public"."x_old";',
    ]
    assert part.stderr == "Tables of others, not compared: public.theirs.\n"
    (tmp_path / "chatkeep.toml").write_text('tables_filter = ["none_*"]\n')
    back = await asyncio.to_thread(run, "shop:metadata", url, "--rename", "t.a:b", "--json")
    report = json.loads(back.stdout)
    assert [each["sql"] for each in report["statements"]] == [
        'ALTER TABLE "public"."t" RENAME COLUMN "a" TO "b"'
    ]
    assert report["left_out"] == ["public.theirs", "public.x_old"]
    other = await fresh_database(pg18)()
    two = await asyncio.to_thread(run, url, other, "--tables", "x_*", "--json")
    assert [(s["kind"], s["action"]) for s in json.loads(two.stdout)["statements"]] == [
        ("table", "drop"),  # the enum is theirs too
    ]
