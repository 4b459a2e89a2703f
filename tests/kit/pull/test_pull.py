"""`pull`: the module and the migration make the live database again, and read well."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatkeep.errors import (
    ConfigError,
    MigrationError,
    MigrationsFolderError,
    UnmodelledObjectError,
)
from chatkeep.kit.pull import Options, pull
from chatkeep.kit.scratch import Scratch
from kit.plan.cases import CASES, Case

EVERYTHING = Path(__file__).with_name("everything.sql").read_text()
FULL = bool(os.environ.get("CHATKEEP_FULL"))
ODD = Path(__file__).with_name("odd_names.sql").read_text()
SELECTED = "E,F,I,UP,W,B,A,N,D1,PL,PIE,RUF"
IGNORED = "E501,N801,PLC2401"  # long SQL; names that have no ASCII
HERE = Path(__file__).parents[3]


async def test_everything(take, pg):
    taken = await take(pg, EVERYTHING)
    assert taken.pulled.tables == 7
    kinds = {kind for kind, _ in taken.pulled.extras}
    assert {"view", "trigger", "policy", "materialized view", "statistics", "grant"} <= kinds


async def test_virtual_column_of_18(take, pg18):
    taken = await take(pg18, "create table t (a int, b int generated always as (a * 2) virtual);")
    assert "persisted=False" in taken.source


async def test_the_module_is_the_same_each_time(take, pg18, tmp_path):
    first = await take(pg18, EVERYTHING)
    folder = tmp_path / "again"
    folder.mkdir()
    from kit.pull.conftest import round_trip

    second = await round_trip(pg18, first.live_url, folder)
    assert second.source == first.source


CHECKERS = [
    ["ruff", "format", "--isolated", "--check"],
    ["ruff", "format", "--config", str(HERE / "pyproject.toml"), "--check"],
    ["ruff", "check", "--isolated", "--select", SELECTED, "--ignore", IGNORED],
    ["basedpyright", "--pythonpath", sys.executable],
]
MYPY = ["mypy", "--strict", "--cache-dir", "/dev/null", "--python-executable", sys.executable]
STRICT = '{"typeCheckingMode": "strict", "pythonVersion": "3.11"}'


async def test_the_module_is_clean_and_typed(take, pg18, tmp_path):
    await take(pg18, EVERYTHING + ODD)
    (tmp_path / "pyrightconfig.json").write_text(STRICT)
    for command in [*CHECKERS, *([MYPY] if FULL else [])]:
        program = Path(sys.executable).parent / command[0]
        words = [program, *command[1:], "pulled_schema.py"]
        if command[0] == "basedpyright":
            words = words[:-1]  # a file given by name would leave the settings unread
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


async def test_odd_names(take, pg):
    taken = await take(pg, ODD)
    assert 'from_: sa.Named[str | None] = sa.Column("from", sa.Text)' in taken.source
    assert "select: sa.Named[int] = sa.Column(" in taken.source
    assert "n2x: " in taken.source
    assert "a_b: " in taken.source
    assert "a_b_2: " in taken.source
    assert "a_b_3: " in taken.source
    assert "l_: " in taken.source
    assert "http_code: " in taken.source


async def test_prefix_of_the_seed_is_no_part_of_a_variable(take, pg18):
    taken = await take(pg18, 'create table "ai-app-template_user" (id text primary key);')
    assert 'user = sa.Table("ai-app-template_user", metadata, UserColumns)' in taken.source
    assert taken.target.prefix == "ai-app-template_"


SIDES = [  # two states of each case; the sample has some of every part of the list
    pytest.param(case, side, id=f"{case.name} {side}")
    for case in CASES
    for side in ("old", "new")
    if getattr(case, side).strip()
][:: 1 if FULL else 120]


@pytest.mark.slow
@pytest.mark.parametrize(("case", "side"), SIDES)
async def test_each_kind(take, pg18, case: Case, side: str):
    await take(pg18, getattr(case, side))


async def test_only_what_the_patterns_claim(take, pg18):
    taken = await take(
        pg18,
        "create type other as enum ('x'); create type mine as enum ('y');"
        "create table app_a (id serial primary key, m mine); create table z (id int, o other);"
        "create schema auth; create table auth.users (id int primary key);"
        "create function stray() returns int language sql as 'select 1';",
        tables=["app_*", "auth.*"],
    )
    assert taken.pulled.tables == 2
    assert '"mine"' in taken.source
    for stranger in ("other", '"z"', "stray"):
        assert stranger not in taken.source


async def test_what_the_patterns_leave_out_is_named(take, pg18):
    sql = "create table z (id int primary key); create table app_a (z int references z);"
    with pytest.raises(
        MigrationError, match=r"foreign key public\.app_a\.app_a_z_fkey needs table public\.z"
    ):
        await take(pg18, sql, tables=["app_*"])


async def test_what_cannot_be_said_is_refused_by_name(take, pg18, tmp_path):
    sql = "create table t (id int); create aggregate total (int) (sfunc = int4pl, stype = int);"
    with pytest.raises(UnmodelledObjectError, match=r"aggregate public\.total"):
        await take(pg18, sql)
    assert list(tmp_path.iterdir()) == []
    taken = await take(pg18, sql, accept=["aggregate"])
    assert taken.pulled.tables == 1


async def test_a_module_that_is_there_is_kept(take, pg18, tmp_path):
    (tmp_path / "pulled_schema.py").write_text("mine = 1\n")
    with pytest.raises(ConfigError, match="is there already"):
        await take(pg18, "create table t (id int);")
    assert (tmp_path / "pulled_schema.py").read_text() == "mine = 1\n"
    assert not (tmp_path / "drizzle").exists()
    await take(pg18, "create table t (id int);", force=True)


async def test_a_folder_in_the_modules_place_is_refused_before_anything_is_written(
    take, pg18, tmp_path
):
    (tmp_path / "pulled_schema.py").mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        await take(pg18, "create table t (id int);", force=True)
    assert not (tmp_path / "drizzle").exists()


async def test_storage_parameters_were_set_in_any_order(place_of, pg, tmp_path):
    url = await place_of(
        pg,
        "create table t (id int, a text) with (parallel_workers = 2, fillfactor = 60);"
        "create unique index i on t (id) with (fillfactor = 60, deduplicate_items = off);",
    )
    out = tmp_path / "tables.py"
    options = Options(out, pg_dump=pg.bin / "pg_dump")
    await pull(url, tmp_path / "drizzle", Scratch(pg.admin_url), options)
    assert '{"fillfactor": "60", "parallel_workers": "2"}' in out.read_text()


async def test_a_folder_that_leads_there_gets_no_migration(take, pg18, golden, tmp_path):
    golden("maps").rename(tmp_path / "drizzle")
    sql = (tmp_path / "drizzle" / "0000_initial_schema.sql").read_text()
    taken = await take(pg18, sql)
    assert taken.pulled.migrations == ()
    assert taken.pulled.tables == 2


async def test_a_folder_that_leads_elsewhere_is_refused(take, pg18, golden, tmp_path):
    golden("maps").rename(tmp_path / "drizzle")
    with pytest.raises(
        MigrationsFolderError, match=r"do not lead to this database: .*table public\.sessions"
    ):
        await take(pg18, "create table t (id int);")
    assert not (tmp_path / "pulled_schema.py").exists()


async def test_bookkeeping_is_no_part_of_it(take, pg18):
    taken = await take(
        pg18,
        "create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key);"
        "create schema chatkeep; create table chatkeep.migrations (id int); create table t (id int);",
    )
    assert taken.pulled.tables == 1
    assert "drizzle" not in taken.source
