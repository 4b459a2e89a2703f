"""`chatkeep schema drizzle` as a command."""

import json
import os
import subprocess
import sys

import pytest

SCHEMA = """
from sqlalchemy import Column, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

schema = MetaData()
Table(
    "note", schema,
    Column("id", Integer, primary_key=True, info={"typescript_default": "() => 7"}),
    Column("body", JSONB, info={"typescript": "{ words: string[] }"}),
    Column("rest", JSONB),
    Column("author", Text, index=True),
    Index("note_body", "author", postgresql_include=["rest"]),
)
wrong = MetaData()
Table("note", wrong, Column("id", Integer, primary_key=True, info={"typescript": int}))
"""


@pytest.fixture
def project(tmp_path, pg18):
    """A project with a schema of one table; runs `chatkeep schema drizzle` in it."""
    (tmp_path / "chatkeep.toml").write_text('schema = "notes:schema"\n')
    (tmp_path / "notes.py").write_text(SCHEMA)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chatkeep", "schema", "drizzle", *words]
        command += ["--scratch-url", pg18.admin_url]
        env = {**os.environ, "DATABASE_URL": ""}
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    run.root = tmp_path
    return run


def test_prints_typescript_and_names_the_rest_on_stderr(project):
    run = project()
    assert run.returncode == 0
    assert run.stdout.startswith("// Written by `chatkeep schema drizzle` from notes:schema.")
    assert 'body: jsonb("body").$type<{ words: string[] }>(),' in run.stdout
    assert 'rest: jsonb("rest"),' in run.stdout
    assert 'id: serial("id").$defaultFn(() => 7).primaryKey(),' in run.stdout
    assert run.stderr == (
        "Not in it, since drizzle has no word for it: index public.note_body: INCLUDE (rest)\n"
    )


def test_writes_a_file_once_and_checks_it_in_ci(project):
    stale = project("--out", "schema.ts", "--check")
    assert (stale.returncode, (project.root / "schema.ts").exists()) == (1, False)
    assert "is not what the schema gives" in stale.stdout
    first = project("--out", "schema.ts", "--json")
    assert json.loads(first.stdout) == {
        "schema": None,
        "left_out": ["index public.note_body: INCLUDE (rest)"],
        "file": "schema.ts",
        "changed": True,
    }
    checked = project("--out", "schema.ts", "--check")
    assert (checked.returncode, checked.stdout) == (0, "schema.ts is up to date.\n")
    assert (project.root / "schema.ts").read_text() == project().stdout


def test_refusals_are_one_sentence(project):
    assert project("--check").returncode == 2
    for words, said in (
        (("--schema", "notes:wrong"), 'info["typescript"] of column note.id is of type type'),
        (("--schema", "notes:nothing"), "there is no `nothing`"),
        (("--out", "no/such/folder/schema.ts"), "cannot be written"),
    ):
        run = project(*words)
        assert run.returncode == 1
        assert run.stderr.splitlines()[-1].startswith("chatkeep: ")
        assert "Traceback" not in run.stderr
        assert said in run.stderr
