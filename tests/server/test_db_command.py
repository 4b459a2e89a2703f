"""`chatkeep db`, as a user types it."""

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def chatkeep(project, server):
    environment = {key: text for key, text in os.environ.items() if key != "DATABASE_URL"}

    def run(*words, given=""):
        return subprocess.run(
            [sys.executable, "-m", "chatkeep", *words],
            cwd=project,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
        )

    return run


def test_start_status_stop(chatkeep):
    assert json.loads(chatkeep("db", "start", "--json").stdout)["running"]
    assert json.loads(chatkeep("db", "status", "--json").stdout)["keep"]
    assert chatkeep("db", "stop").stdout == "Stopped.\n"
    assert "Not running" in chatkeep("db", "status").stdout


def test_url_is_one_line(chatkeep):
    chatkeep("db", "start")
    line = chatkeep("db", "url").stdout
    assert line.count("\n") == 1
    assert json.loads(chatkeep("db", "url", "--json").stdout) == {"url": line.strip()}


def test_shell_starts_the_server_and_gives_psql_the_rest(chatkeep):
    answer = chatkeep("db", "shell", "-XAt", "-c", "select current_database()")
    assert answer.stdout == "chatkeep\n"


def test_shell_tells_the_exit_code_of_psql(chatkeep):
    assert chatkeep("db", "shell", "-X", "-c", "select nonsense").returncode == 1


def test_reset_asks_first(chatkeep, server):
    chatkeep("db", "start")
    chatkeep("db", "stop")
    assert chatkeep("db", "reset", given="n\n").returncode == 1
    assert (server.root / "data").exists()
    assert chatkeep("db", "reset", "--yes").returncode == 0
    assert not (server.root / "data").exists()


def test_refusal_is_one_sentence_on_stderr(chatkeep):
    answer = chatkeep("db", "url")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("chatkeep: There is no server in ")
    assert "Traceback" not in answer.stderr
