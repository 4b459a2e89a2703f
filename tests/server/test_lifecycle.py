import multiprocessing
import os
import signal
import time

import asyncpg
import pytest

from chatkeep.errors import ServerError, ServerNotRunningError
from fixtures.embedded import client, eventually, nobody_works_in


def test_server_runs_while_a_lease_is_open_and_stops_after_it(server):
    with server.acquire():
        assert server.status().running
    eventually(lambda: nobody_works_in(server.root / "data"))
    assert not server.status().running


def test_server_outlives_the_first_of_two_leases(server):
    first, second = server.acquire(), server.acquire()
    first.close()
    time.sleep(0.5)  # longer than the supervisor takes to notice
    assert server.status().running
    second.close()


def test_closing_a_lease_twice_does_nothing(server):
    lease = server.acquire()
    lease.close()
    lease.close()
    assert lease.closed


def test_kept_server_stays_until_stop(server):
    assert server.start().keep
    time.sleep(0.5)
    assert server.status().running
    assert server.stop()
    assert nobody_works_in(server.root / "data")


def test_stop_waits_for_the_last_lease(server):
    lease = server.acquire()
    server.start()
    assert not server.stop()
    assert server.status().running
    lease.close()
    eventually(lambda: not server.status().running)


def test_forced_stop_ends_a_server_in_use(server):
    with server.acquire():
        assert server.stop(force=True)
        assert not server.status().running


def test_client_that_is_killed_holds_nothing(server):
    process = client(server.root, "print('in', flush=True); time.sleep(600)")
    with process:
        assert process.stdout.readline() == "in\n"
        process.kill()
    eventually(lambda: nobody_works_in(server.root / "data"))


def _linger(seconds):
    time.sleep(seconds)


def test_forked_child_has_no_part_in_the_lease(server):
    lease = server.acquire()
    child = multiprocessing.get_context("fork").Process(target=_linger, args=(30,))
    child.start()
    lease.close()
    eventually(lambda: not server.status().running, seconds=10)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    child.close()


async def test_default_database_has_utf8_and_fixed_order(server):
    with server.acquire() as lease:
        connection = await asyncpg.connect(lease.url)
        row = await connection.fetchrow(
            "select current_database(), pg_encoding_to_char(encoding), datlocprovider, datlocale"
            " from pg_database where datname = current_database()"
        )
        await connection.close()
    assert tuple(row) == ("chatkeep", "UTF8", b"b", "C.UTF-8")


async def test_pg_stat_statements_is_loaded(server):
    with server.acquire() as lease:
        connection = await asyncpg.connect(lease.url)
        await connection.execute("create extension pg_stat_statements")
        assert await connection.fetchval("select count(*) from pg_stat_statements") > 0
        await connection.close()


def test_tcp_is_off_unless_asked_for(server):
    with server.acquire():
        assert server.status().port is None
        with pytest.raises(ServerError, match="without TCP"):
            server.start(tcp=True)


async def test_tcp_listens_on_loopback(server):
    status = server.start(tcp=True)
    connection = await asyncpg.connect(server.url())
    address = await connection.fetchval("select inet_server_addr()::text")
    await connection.close()
    assert f":{status.port}/" in server.url()
    assert address == "127.0.0.1/32"


def test_reset_refuses_while_somebody_uses_the_server(server):
    with server.acquire(), pytest.raises(ServerError, match="nothing was deleted"):
        server.reset()
    assert (server.root / "data").exists()


def test_reset_deletes_the_data_and_the_password(server):
    server.acquire().close()
    server.reset(force=True)
    assert not (server.root / "data").exists()
    assert not (server.root / "password").exists()


def test_url_before_the_first_start_says_what_to_do(server):
    with pytest.raises(ServerNotRunningError, match="chatkeep db start"):
        server.url()


def test_status_leaves_no_trace_where_there_is_no_server(server):
    assert not server.status().running
    assert not server.root.exists()
