"""`chatkeep generate` and `chatkeep check` as commands."""

import json
import os
import subprocess
import sys

import pytest

SCHEMA = """
from sqlalchemy import Column, DateTime, MetaData, Table, Text, text

NOW = text("CURRENT_TIMESTAMP")
schema = MetaData()
Table(
    "note", schema,
    Column("id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=NOW),
)
"""


@pytest.fixture
def project(tmp_path, pg18):
    """A project with a schema of one table and no migrations yet; runs `chatkeep` in it."""
    (tmp_path / "chatkeep.toml").write_text('schema = "notes:schema"\n')
    (tmp_path / "notes.py").write_text(SCHEMA)

    def run(*words: str, url: str = "", scratch: str = pg18.admin_url):
        env = {**os.environ, "DATABASE_URL": url}
        command = [sys.executable, "-m", "chatkeep", *words, "--scratch-url", scratch]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    run.root = tmp_path
    return run


def one_sentence(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    assert run.stderr.count("\n") == 1
    assert run.stderr.startswith("chatkeep: ")
    return run.stderr


def test_generate_writes_once_then_check_agrees(project):
    first = project("generate")
    assert first.returncode == 0, first.stderr
    assert "0000_initial_schema.sql" in first.stdout
    second = project("generate", "--json")
    assert json.loads(second.stdout)["written"] == []
    checked = project("check", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["findings"]) == (0, [])


def test_generate_custom_needs_no_server(project):
    made = project(
        "generate", "--custom", "--name", "by hand", scratch="postgresql://nobody@127.0.0.1:1/x"
    )
    assert made.returncode == 0
    assert (project.root / "drizzle" / "0000_by_hand.sql").exists()


def test_check_names_a_breach_of_the_conventions(project):
    path = project.root / "notes.py"
    path.write_text(path.read_text().replace('Column("body", Text, ', 'Column("Body", Text, '))
    project("generate")
    found = project("check")
    assert found.returncode == 1
    assert "conventions: note.Body" in found.stdout


@pytest.mark.parametrize("command", ["generate", "check"])
def test_unreachable_scratch_server(project, command):
    project("generate")
    said = one_sentence(project(command, scratch="postgresql://me:pass-word@127.0.0.1:1/x"))
    assert "127.0.0.1:1/x" in said
    assert "pass-word" not in said


@pytest.mark.parametrize("command", ["generate", "check"])
def test_invalid_scratch_url(project, command):
    assert "URL" in one_sentence(project(command, scratch="oracle://x"))


def test_check_of_an_unreachable_database(project):
    project("generate")
    said = one_sentence(project("check", url="postgresql://me:pass-word@127.0.0.1:1/db"))
    assert "127.0.0.1:1/db cannot be reached" in said


def test_check_without_a_folder(project):
    assert "There is no migrations folder" in one_sentence(project("check"))


def test_broken_journal(project):
    project("generate")
    journal = project.root / "drizzle" / "meta" / "_journal.json"
    journal.write_text("{")
    assert "is not valid JSON" in one_sentence(project("generate"))
    checked = project("check", "--json")
    assert checked.returncode == 1
    (finding,) = json.loads(checked.stdout)["findings"]
    assert "is not valid JSON" in finding["message"]
    assert journal.read_text() == "{"


def test_missing_file(project):
    project("generate")
    (project.root / "drizzle" / "0000_initial_schema.sql").unlink()
    assert "is not there" in one_sentence(project("generate"))
    checked = project("check")
    assert checked.returncode == 1
    assert "0000_initial_schema.sql is not there. Bring it back" in checked.stdout


def test_check_against_a_branch(project):
    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *who, *words], cwd=project.root, check=True, capture_output=True)

    project("generate")
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    assert project("check", "--against", "main").returncode == 0
    path = project.root / "drizzle" / "0000_initial_schema.sql"
    path.write_text(path.read_text() + "-- edited")
    edited = project("check", "--against", "main")
    assert edited.returncode == 1
    assert "0000_initial_schema has another content, and main has it." in edited.stdout
    assert "no commit nonesuch" in one_sentence(project("check", "--against", "nonesuch"))


def test_schema_that_cannot_be_loaded(project):
    (project.root / "notes.py").write_text("schema = 5")
    assert "notes:schema is a int, neither" in one_sentence(project("generate"))
