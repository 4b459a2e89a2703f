"""`chatkeep studio` in a process of its own, as a terminal has it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from fixtures.proxy import eventually, proxied
from fixtures.servers import PgServer

ADDRESS = "Studio: http://127.0.0.1:"
OWN = {"x-chatkeep-studio": "1"}


def _hear_ctrl_c() -> None:
    """What a shell starts beside itself ignores SIGINT, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@asynccontextmanager
async def command(
    root: Path, *words: str, program: tuple[str, ...] = ("-m", "chatkeep"), **env: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `chatkeep studio --no-open WORDS` in `root`; it is ended at the block's end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, "studio", "--no-open", *words,
        cwd=root, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        preexec_fn=_hear_ctrl_c,
        env={**{k: v for k, v in os.environ.items() if k != "DATABASE_URL"}, **env},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    if not line.startswith(ADDRESS):
        raise AssertionError(line + (await process.communicate())[1].decode())
    return line.split()[1]


async def ended(process: asyncio.subprocess.Process) -> tuple[str, str]:
    """Wait for its end; give the rest of what it said on stdout, and all of stderr."""
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return out.decode(), err.decode()


def one_error(err: str) -> str:
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("chatkeep: ")
    return err


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_though_browsers_are_there(
    database_url: str, tmp_path: Path, how: signal.Signals
):
    async with command(tmp_path, "--url", database_url) as process:
        first = await address(process)
        async with httpx.AsyncClient(headers=OWN) as client:
            assert (await client.get(first)).status_code == 303
            base = first.partition("?")[0]
            answer = await client.get(base + "api/overview")
            assert answer.json()["database"] == database_url.partition("@/")[2].partition("?")[0]
            # One connection is kept alive by the client, and one request never comes to its end.
            port = int(base.rstrip("/").rpartition(":")[2])
            _, half = await asyncio.open_connection("127.0.0.1", port)
            half.write(
                b"POST /api/console/run HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                b"Content-Length: 100\r\n\r\n" % port
            )
            process.send_signal(how)
            out, err = await ended(process)
            half.close()
    assert process.returncode == 0
    assert "Traceback" not in err
    token = first.partition("token=")[2]
    assert token not in out + err
    assert "read-only" in err
    assert out.startswith("For another browser: http://127.0.0.1:")
    assert len(out.splitlines()) == 1


async def test_a_long_statement_does_not_keep_it(database_url: str, tmp_path: Path):
    """Another's lock holds a request up; the end does not wait for it, and leaves nothing running."""
    holder = await asyncpg.connect(database_url)
    try:
        async with command(tmp_path, "--url", database_url) as process:
            first = await address(process)
            async with httpx.AsyncClient(headers=OWN) as client:
                await client.get(first)
                base = first.partition("?")[0]
                async with holder.transaction():
                    await holder.execute("lock table pg_catalog.pg_class in access exclusive mode")
                    asking = asyncio.create_task(client.get(base + "api/overview"))
                    waits = "select count(*) from pg_locks where not granted"
                    blocked = asyncio.create_task(client.get(base + "api/structure"))
                    while not await holder.fetchval(waits):
                        await asyncio.sleep(0.01)
                    process.send_signal(signal.SIGINT)
                    _, err = await ended(process)
                await asyncio.gather(asking, blocked, return_exceptions=True)
        assert process.returncode == 0
        assert "Traceback" not in err
        others = "select count(*) from pg_stat_activity where datname = current_database()"
        async with asyncio.timeout(20):
            while await holder.fetchval(others) > 1:
                await asyncio.sleep(0.01)
    finally:
        await holder.close()


async def test_a_port_that_is_taken_is_one_error(database_url: str, tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with command(tmp_path, "--url", database_url, "--port", str(port)) as process:
            out, err = await ended(process)
    assert (process.returncode, out) == (1, "")
    assert f"Port {port} is taken." in one_error(err)


async def test_a_database_that_is_away_is_one_error(tmp_path: Path):
    url = "postgresql://me:PASSWORD-5c1d@127.0.0.1:1/nowhere"
    async with command(tmp_path, "--url", url) as process:
        out, err = await ended(process)
    assert (process.returncode, out) == (1, "")
    assert "PASSWORD-5c1d" not in one_error(err)


async def test_a_database_that_goes_away_comes_back_by_itself(
    pg18: PgServer, database_url: str, tmp_path: Path
):
    name = database_url.partition("@/")[2].partition("?")[0]
    socket_path = pg18.socket_dir / ".s.PGSQL.5432"
    async with proxied(pg18.socket_dir) as proxy:
        url = proxy.url(name).replace("postgres@", "postgres:PASSWORD-5c1d@")
        async with command(tmp_path, DATABASE_URL=url) as process:
            first = await address(process)
            base = first.partition("?")[0]
            async with httpx.AsyncClient(headers=OWN, timeout=30) as client:
                await client.get(first)
                assert (await client.get(base + "api/overview")).status_code == 200
                proxy.aim(tmp_path / "nowhere")
                proxy.drop_all()
                away = await client.get(base + "api/overview")
                assert (away.status_code, away.json()["error"]["code"]) == (
                    503,
                    "connection_failed",
                )
                proxy.aim(socket_path)
                async with asyncio.timeout(20):
                    while (back := await client.get(base + "api/overview")).status_code != 200:
                        await asyncio.sleep(0.05)
                assert back.json()["place"].endswith(name)
                assert "PASSWORD-5c1d" not in away.text + back.text
            process.send_signal(signal.SIGINT)
            out, err = await ended(process)
    assert process.returncode == 0
    assert "PASSWORD-5c1d" not in out + err


async def test_it_opens_where_no_schema_is_configured_and_with_an_earlier_state(
    pg18: PgServer, database_url: str, tmp_path: Path
):
    configurations = {
        "seed": 'schema = "tables:seed"\n',
        "hardened": 'schema = "tables:hardened"\n',
        "metadata": 'schema = "tables:own"\n',
    }
    (tmp_path / "tables.py").write_text(
        "import sqlalchemy as sa\nfrom chatkeep.presets import deepsearch\n"
        "seed = deepsearch.schema(edition='seed')\nhardened = deepsearch.schema()\n"
        "own = sa.MetaData()\nsa.Table('thing', own, sa.Column('id', sa.Integer))\n"
    )
    for text in configurations.values():
        (tmp_path / "chatkeep.toml").write_text(text)
        async with command(tmp_path, "--url", database_url) as process:
            first = await address(process)
            async with httpx.AsyncClient(headers=OWN) as client:
                await client.get(first)
                answer = await client.get(first.partition("?")[0] + "api/overview")
            assert answer.status_code == 200, answer.text
            assert answer.json()["problem"]
            process.send_signal(signal.SIGINT)
            await ended(process)


@pytest.mark.parametrize("module", ["starlette", "uvicorn"])
async def test_without_its_extra_it_says_what_to_install(tmp_path: Path, module: str):
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from chatkeep.cli.main import main; sys.exit(main())"
    )
    async with command(tmp_path, "--url", "postgresql:///x", program=("-c", code)) as process:
        out, err = await ended(process)
    assert (process.returncode, out) == (1, "")
    assert "chatkeep[studio]" in one_error(err)


async def test_it_opens_the_browser_that_is_named(database_url: str, tmp_path: Path):
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new; mv {opened}.new {opened}\n')
    browser.chmod(0o755)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatkeep", "studio", "--url", database_url,
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "BROWSER": str(browser)},
    )  # fmt: skip
    first = await address(process)
    await eventually(opened.exists)
    assert opened.read_text() == first
    process.send_signal(signal.SIGINT)
    await ended(process)
    assert process.returncode == 0


async def test_it_listens_on_the_chosen_port_of_loopback_alone(database_url: str, tmp_path: Path):
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        port = finder.getsockname()[1]
    async with command(tmp_path, "--url", database_url, "--port", str(port)) as process:
        assert (await address(process)).startswith(f"http://127.0.0.1:{port}/?token=")
        wanted = f"{port:04X}"
        tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
        rows = [
            line.split() for t in tables if t.exists() for line in t.read_text().splitlines()[1:]
        ]
        places = {row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{wanted}")}
        assert places == {f"0100007F:{wanted}"}  # 127.0.0.1, as the kernel writes it
        process.send_signal(signal.SIGHUP)
        await ended(process)
    assert process.returncode == 0


async def test_it_shows_what_the_demo_stored(tmp_path: Path):
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chatkeep", "demo", cwd=tmp_path, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await demo.communicate()
    assert "chatkeep studio --demo" in said.decode()
    async with command(tmp_path, "--demo") as process:
        url = await address(process)
        async with httpx.AsyncClient(headers=OWN) as client:
            await client.get(url)
            people = await client.get(url.partition("?")[0] + "api/people")
            migrations = await client.get(url.partition("?")[0] + "api/migrations")
        assert "ada@example.com" in people.text
        assert '"pending"' not in migrations.text


async def test_the_demo_is_one_database_and_a_url_another(tmp_path: Path):
    async with command(tmp_path, "--demo", "--url", "postgresql://localhost/x") as process:
        _, err = await ended(process)
    assert process.returncode == 2
    assert "leave --url out" in err


async def test_a_folder_without_a_demo_says_so(tmp_path: Path):
    async with command(tmp_path, "--demo") as process:
        _, err = await ended(process)
    assert "chatkeep demo" in one_error(err)
