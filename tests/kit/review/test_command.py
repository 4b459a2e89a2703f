"""`chatkeep review` as a command, and the how-to that shows it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "review-in-ci.md"
TABLE = "CREATE TABLE message (id bigint PRIMARY KEY, role text)"
INDEX = "CREATE INDEX message_role_idx ON message (role)"


@pytest.fixture
def project(folder_of, tmp_path, pg18):
    """Runs `chatkeep review` beside a folder of these files."""

    def run(*words: str, files=(TABLE, INDEX), url: str = "", scratch: str = pg18.admin_url):
        folder_of(*files)
        (tmp_path / "chatkeep.toml").write_text('migrations = "drizzle"\n')
        env = {**os.environ, "DATABASE_URL": url}
        command = [sys.executable, "-m", "chatkeep", "review", *words, "--scratch-url", scratch]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    return run


def test_a_danger_exits_1_in_each_form(project):
    text, markdown, as_json = (
        project("0001", *form) for form in ((), ("--markdown",), ("--json",))
    )
    assert [run.returncode for run in (text, markdown, as_json)] == [1, 1, 1], text.stderr
    assert "danger index-locks-writes" in text.stdout
    assert "| **danger** | [index-locks-writes]" in markdown.stdout
    document = json.loads(as_json.stdout)
    assert [m["tag"] for m in document["migrations"]] == ["0001_step"]
    assert {run.stderr for run in (text, markdown, as_json)} == {""}


def test_an_acknowledged_danger_exits_0(project):
    allowed = f"-- chatkeep:allow index-locks-writes small\n{INDEX}"
    done = project("0001", files=(TABLE, allowed))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Acknowledged: small" in done.stdout


def test_errors_are_one_sentence(project):
    for done, said in (
        (project("0009"), "holds no migration '0009'"),
        (project(scratch="postgresql://me:pass-word@127.0.0.1:1/x"), "127.0.0.1:1/x"),
        (project(url="postgresql://me:pass-word@127.0.0.1:1/y"), "127.0.0.1:1/y"),
    ):
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr
        assert "pass-word" not in done.stderr
        assert done.stderr.count("\n") == 1
    assert project("--nonesuch").returncode == 2


def test_the_how_to_shows_what_is_printed(project, tmp_path, pg18):
    """The example of the how-to, word by word."""
    text = HOW_TO.read_text()
    [(name, sql)] = re.findall(r"^```sql (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    [shown] = re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    project("--help", files=(TABLE, sql))
    root = tmp_path / "drizzle"
    (root / "0001_step.sql").rename(root / name)
    journal = root / "meta" / "_journal.json"
    journal.write_text(journal.read_text().replace("0001_step", name.removesuffix(".sql")))
    command = [sys.executable, "-m", "chatkeep", "review", "0001", "--scratch-url", pg18.admin_url]
    env = {**os.environ, "DATABASE_URL": ""}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.stdout == shown


def test_the_how_to_names_options_that_exist(project):
    named = set(
        re.findall(
            r"--[a-z][a-z-]+",
            re.sub(r"^```.*?^```$", "", HOW_TO.read_text(), flags=re.MULTILINE | re.DOTALL),
        )
    )
    known = set(re.findall(r"--[a-z][a-z-]+", project("--help").stdout)) | {"--safe"}
    assert named <= known
