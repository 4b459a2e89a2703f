"""`chatkeep demo` as a newcomer runs it, and as a SIGKILL interrupts it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chatkeep.server import EmbeddedServer

DEADLINE = 60.0  # seconds; a condition that does not come by then is a failure
KILLS = 20
FOLDERS = 4  # so that some kills hit the first start


@pytest.fixture(autouse=True)
def no_data_left(tmp_path: Path):
    """Delete the server's data: as root it may lie outside of tmp_path."""
    yield
    if (tmp_path / ".chatkeep").exists():
        EmbeddedServer(tmp_path / ".chatkeep").reset(force=True)


def demo(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "chatkeep", "demo", "--directory", str(folder), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, out + err
    return out


def server_processes(folder: Path) -> list[str]:
    """Command lines of processes that have to do with the server of this folder."""
    server = EmbeddedServer(folder / ".chatkeep")
    marks = {str(folder), str(server.status().data)}
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = place.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended while we looked
        if int(place.name) != os.getpid() and any(mark in command for mark in marks):
            found.append(command)
    return found


def wait_until_stopped(folder: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while server_processes(folder):
        assert time.monotonic() < deadline, f"leaked: {server_processes(folder)}"
        time.sleep(0.05)


def assert_complete(report: dict) -> None:
    assert report["users"] == 5
    assert report["chats"] == 100
    assert report["messages"] == 1167
    assert len(report["patterns"]) == 10
    assert {row["pattern"]: row["statements"] for row in report["patterns"]} == {
        "user by e-mail": 1,
        "user with accounts": 1,
        "chats of a user": 1,
        "chat with messages": 1,
        "messages page by cursor": 1,
        "selected columns only": 1,
        "prepared statement": 1,
        "several queries at once": 3,
        "chat with first message": 2,
        "several messages at once": 1,
    }


def test_demo_runs_twice_and_adds_nothing_twice(tmp_path: Path):
    first = json.loads(finished(demo(tmp_path, "--json")))
    assert_complete(first)
    assert first["messages_added"] == 1167
    assert first["migrations_applied"] == first["migrations"] > 4
    wait_until_stopped(tmp_path)
    second = json.loads(finished(demo(tmp_path, "--json")))
    assert_complete(second)
    assert second["messages_added"] == second["users_added"] == second["migrations_applied"] == 0
    wait_until_stopped(tmp_path)


def test_report_is_for_people(tmp_path: Path):
    out = finished(demo(tmp_path))
    for words in ("Access patterns", "user by e-mail", "chat with messages", "Next:"):
        assert words in out
    assert "postgresql://" not in out
    wait_until_stopped(tmp_path)


def test_keep_running_prints_a_url_that_works(tmp_path: Path):
    out = finished(demo(tmp_path, "--keep-running"))
    url = next(line.strip() for line in out.splitlines() if line.startswith("postgresql://"))
    server = EmbeddedServer(tmp_path / ".chatkeep")
    try:
        script = (
            "import asyncio, asyncpg, sys\n"
            "async def main():\n"
            "    connection = await asyncpg.connect(sys.argv[1])\n"
            "    print(await connection.fetchval('select count(*) from \"ai-app-template_message\"'))\n"
            "asyncio.run(main())\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, url], capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "1167"
    finally:
        server.stop()
    wait_until_stopped(tmp_path)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(FOLDERS))
def test_demo_killed_at_random_points_leaves_nothing_half_done(tmp_path: Path, number: int):
    chance = random.Random(number)
    killed = 0
    while killed < KILLS // FOLDERS:
        process = demo(tmp_path, "--json")
        # The first run makes the data folder and takes longer than those after it.
        time.sleep(chance.uniform(0.1, 0.7 if killed else 1.6))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed += 1
        process.communicate(timeout=DEADLINE)
        wait_until_stopped(tmp_path)
    assert_complete(json.loads(finished(demo(tmp_path, "--json"))))
    wait_until_stopped(tmp_path)
