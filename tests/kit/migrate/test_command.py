"""`chatkeep migrate` and `chatkeep status` as commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TABLES = "select count(*) from pg_class c join pg_namespace n on n.oid = relnamespace where nspname not like 'pg\\_%' and nspname <> 'information_schema'"


@pytest.fixture
def project(tmp_path, golden):
    """A project with drizzle-kit's folder; runs `chatkeep` in it."""
    golden("deepsearch").rename(tmp_path / "drizzle")
    (tmp_path / "chatkeep.toml").write_text('migrations = "drizzle"\n')

    def run(*words: str, url: str = "") -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DATABASE_URL": url}
        command = [sys.executable, "-m", "chatkeep", *words]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    run.folder = tmp_path / "drizzle"
    return run


def one_sentence(run: subprocess.CompletedProcess[str]) -> str:
    """What a refused command says: on stderr, one paragraph, no traceback, exit 1."""
    assert run.returncode == 1
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("chatkeep: ")
    return run.stderr


def test_migrate_then_status(project, database_url):
    first = project("migrate", url=database_url)
    assert (first.returncode, first.stdout.splitlines()[-1]) == (0, "4 migrations applied.")
    second = project("migrate", url=database_url)
    assert "all of 4 migrations are in the database" in second.stdout
    status = project("status", "--json", url=database_url)
    states = [line["state"] for line in json.loads(status.stdout)["migrations"]]
    assert (status.returncode, states) == (0, ["applied"] * 4)


async def test_dry_run_prints_the_sql_and_changes_nothing(project, database_url, rows):
    before = await rows(database_url, TABLES)
    run = project("migrate", "--dry-run", "--to", "0001", url=database_url)
    assert run.returncode == 0
    assert "-- 0001_add_chats_table.sql" in run.stdout
    assert "0002" not in run.stdout
    assert await rows(database_url, TABLES) == before


def test_json_names_what_was_applied(project, database_url):
    run = project("migrate", "--json", "--to", "0000", url=database_url)
    assert [item["tag"] for item in json.loads(run.stdout)["applied"]] == ["0000_initial_schema"]


@pytest.mark.parametrize("command", ["migrate", "status"])
def test_invalid_url(project, command):
    said = one_sentence(project(command, url="postgres//me:pass-word@host/db"))
    assert "URL" in said
    assert "pass-word" not in said


@pytest.mark.parametrize("command", ["migrate", "status"])
def test_unreachable_server(project, command):
    said = one_sentence(project(command, url="postgresql://me:pass-word@127.0.0.1:1/db"))
    assert "127.0.0.1:1/db cannot be reached" in said
    assert "pass-word" not in said


@pytest.mark.parametrize("command", ["migrate", "status"])
async def test_missing_folder(project, command, database_url, rows):
    project.folder.rename(project.folder.with_name("elsewhere"))
    before = await rows(database_url, TABLES)
    assert "There is no migrations folder" in one_sentence(project(command, url=database_url))
    assert await rows(database_url, TABLES) == before


@pytest.mark.parametrize("command", ["migrate", "status"])
async def test_broken_journal(project, command, database_url, rows):
    before = await rows(database_url, TABLES)
    (project.folder / "meta" / "_journal.json").write_text('{"version": "7",\n')
    said = one_sentence(project(command, url=database_url))
    assert "_journal.json is not valid JSON" in said
    assert "line 2" in said
    assert await rows(database_url, TABLES) == before


@pytest.mark.parametrize("command", ["migrate", "status"])
async def test_missing_file(project, command, database_url, rows):
    before = await rows(database_url, TABLES)
    (project.folder / "0003_add_search_cache_and_user_settings.sql").unlink()
    said = one_sentence(project(command, url=database_url))
    assert "0003_add_search_cache_and_user_settings.sql is not there" in said
    assert await rows(database_url, TABLES) == before


async def test_edited_file(project, database_url, rows):
    project("migrate", "--to", "0001", url=database_url)
    before = await rows(database_url, TABLES)
    (project.folder / "0001_add_chats_table.sql").write_text("select 1")
    said = one_sentence(project("migrate", url=database_url))
    assert "0001_add_chats_table.sql changed after being applied" in said
    assert await rows(database_url, TABLES) == before
    status = project("status", url=database_url)
    assert status.returncode == 1
    assert "0001_add_chats_table                     edited" in status.stdout


async def test_failing_statement(project, database_url, rows):
    path: Path = project.folder / "0002_add_messages_table.sql"
    path.write_text("create table a();--> statement-breakpoint\nselect nothing")
    run = project("migrate", url=database_url)
    assert run.returncode == 1
    assert run.stderr == (
        "chatkeep: 0002_add_messages_table.sql: statement 2 of 2 (line 2) failed: "
        'column "nothing" does not exist (SQLSTATE 42703). This migration left nothing behind.\n'
    )
    assert await rows(database_url, "select count(*) from drizzle.__drizzle_migrations") == [(2,)]


async def test_dry_run_prints_what_is_done_to_the_bookkeeping_alone(project, database_url, rows):
    project("migrate", url=database_url)
    assert project("migrate", "--dry-run", url=database_url).stdout == "Nothing is pending.\n"
    await rows(database_url, "alter table chatkeep.migrations drop position")
    dry = project("migrate", "--dry-run", url=database_url)
    assert dry.stdout.startswith("-- Nothing is pending.\nselect pg_catalog.pg_try_advisory_lock")
    assert "add column if not exists position text;" in dry.stdout
