"""Death of each part, and what the next start finds."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import time

import asyncpg
import pytest

from chatkeep.errors import ServerError
from chatkeep.server.locks import is_held
from chatkeep.server.processes import postmaster_pid, processes_of
from fixtures.embedded import client, eventually, nobody_works_in, supervisor_pid

WRITER = """
import asyncio, asyncpg
async def write():
    connection = await asyncpg.connect(lease.url)
    await connection.execute('create table if not exists numbers (n bigint primary key)')
    n = await connection.fetchval('select coalesce(max(n), 0) from numbers')
    while True:
        n += 1
        await connection.execute('insert into numbers values ($1)', n)
        print(n, flush=True)
try:
    asyncio.run(write())
except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
    pass
"""


async def rows(url):
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchrow("select count(*), max(n) from numbers")
    finally:
        await connection.close()


@pytest.mark.parametrize("everything", [False, True], ids=["postmaster", "all-its-processes"])
async def test_every_acknowledged_row_survives_a_killed_server(server, everything):
    with client(server.root, WRITER) as writer:
        while int(writer.stdout.readline()) < 200:
            pass
        data = server.root / "data"
        for pid in processes_of(data) if everything else [postmaster_pid(data)]:
            os.kill(pid, signal.SIGKILL)
        acknowledged = int(["200", *writer.stdout.read().split()][-1])
    with await asyncio.to_thread(server.acquire) as lease:
        count, last = await rows(lease.url)
    assert count == last  # one that was written and not yet acknowledged may be there too
    assert acknowledged <= last <= acknowledged + 1


def test_killed_supervisor_is_replaced_and_the_server_stopped_in_the_end(server):
    first = server.acquire()
    pid = server.status().pid
    os.kill(supervisor_pid(server), signal.SIGKILL)
    with server.acquire():
        assert server.status().pid == pid  # adopted, not restarted
        first.close()
    eventually(lambda: nobody_works_in(server.root / "data"))


def test_last_one_out_stops_the_server_though_the_supervisor_was_killed(server):
    lease = server.acquire()
    os.kill(supervisor_pid(server), signal.SIGKILL)
    eventually(lambda: not is_held(server.root / "supervisor.lock"))
    lease.close()
    eventually(lambda: nobody_works_in(server.root / "data"))


def test_stop_ends_a_server_whose_supervisor_was_killed(server):
    server.start()
    os.kill(supervisor_pid(server), signal.SIGKILL)
    assert server.stop()
    assert nobody_works_in(server.root / "data")


def test_recycled_process_id_does_not_hinder_the_start(server):
    server.acquire().close()
    eventually(lambda: nobody_works_in(server.root / "data"))
    pidfile = server.root / "data" / "postmaster.pid"
    pidfile.write_text(f"{os.getpid()}\n{server.root / 'data'}\n0\n5432\n{server.root / 'run'}\n\n")
    owner = (server.root / "data").stat()
    os.chown(pidfile, owner.st_uid, owner.st_gid)
    assert not server.status().running
    with server.acquire():
        assert server.status().running


def test_killed_server_is_not_running_and_the_next_lease_restarts_it(server):
    with server.acquire():
        os.kill(server.status().pid, signal.SIGKILL)
        eventually(lambda: not server.status().running)
        with server.acquire():
            assert server.status().running


@pytest.mark.parametrize("seed", range(4))
def test_initdb_killed_at_any_time_leaves_no_half_folder(server, seed):
    process = client(server.root, "print('in', flush=True)")
    with process:
        time.sleep(random.Random(seed).uniform(0.15, 0.8))  # the moment is what is tested
        process.kill()
        if (server.root / "supervisor.lock").exists():
            holder = (server.root / "supervisor.lock").read_text()
            for pid in [*_building(server.root), *([int(holder)] if holder else [])]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    with server.acquire():
        assert server.status().running
        assert not list(server.root.glob("building-*"))


def _building(root):
    answer = subprocess.run(["pgrep", "-f", f"{root}/building-"], capture_output=True, text=True)
    return [int(line) for line in answer.stdout.split()]


@pytest.mark.parametrize("missing", ["PG_VERSION", "global/pg_control"])
def test_half_a_data_folder_is_refused(server, missing):
    server.acquire().close()
    server.stop()
    (server.root / "data" / missing).unlink()
    with pytest.raises(ServerError, match="no whole data folder"):
        server.acquire()


def test_crowd_of_clients_some_killed_leaves_no_server(server):
    body = (
        "print('in', flush=True)\n"
        "if sys.stdin.readline():\n"
        "    lease.close(); lease = EmbeddedServer(Path(sys.argv[1])).acquire(); lease.close()\n"
    )
    crowd = [client(server.root, body) for _ in range(8)]
    for number, process in enumerate(crowd):
        assert process.stdout.readline() == "in\n"
        if number % 3 == 0:
            process.kill()
    assert server.status().running
    for process in crowd:
        if process.poll() is None:
            try:
                process.stdin.write("go\n")
                process.stdin.close()
            except BrokenPipeError:
                pass  # one that was killed just now
    for number, process in enumerate(crowd):
        code = process.wait(timeout=60)
        process.stdout.close()
        process.stdin.close()
        assert code == (-signal.SIGKILL if number % 3 == 0 else 0)
    eventually(lambda: nobody_works_in(server.root / "data"))


def test_clients_that_come_and_go_without_pause_always_find_a_server(server):
    body = (
        "from chatkeep.server.probe import ask\nfrom chatkeep.server.place import find_place\n"
        "lease.close()\nimport random\n"
        "for _ in range(15):\n"
        "    with EmbeddedServer(Path(sys.argv[1])).acquire():\n"
        "        assert ask(find_place(Path(sys.argv[1])).login(), 'chatkeep', 'SELECT 1') == '1'\n"
        "    time.sleep(random.random() * 0.3)\n"
    )
    crowd = [client(server.root, body) for _ in range(3)]
    for process in crowd:
        with process:
            assert process.wait(timeout=120) == 0
    eventually(lambda: nobody_works_in(server.root / "data"))
