"""A run broken off at every request to the server: the next one brings the database to the same end.

Broken by killing the client, by cutting its connection, and by killing every process of the server,
each before a request reaches the server and after the server has done it but before anybody hears.
CI tries a sample; CHATKEEP_FULL=1 every boundary.
"""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from chatkeep.errors import ChatkeepError
from chatkeep.kit.folder.reading import MARKER, Folder
from chatkeep.kit.migrate import Options, migrate
from chatkeep.kit.status import status
from chatkeep.server.account import choose
from chatkeep.server.binaries import Binaries, within_reach
from chatkeep.server.processes import processes_of
from fixtures.boundaries import MOMENTS, Moment, boundaries
from fixtures.parts import pg18_bin
from fixtures.proxy import eventually
from fixtures.servers import PgServer, version_of

_M = f"{MARKER}\n"

TRANSACTIONAL = (
    f"create table a (id int primary key, n int not null);{_M}create table b (id int primary key);",
    "insert into a select i, i from generate_series(1, 10) i",
    f"alter table a add column t text;{_M}update a set n = n + 1;{_M}create index a_n on a (n);",
    "create type mood as enum ('sad', 'glad')",
    f"alter table a add column m mood not null default 'glad';{_M}update a set t = 'x' || n;",
    "create function one() returns int language sql as $$ select 1; $$",
    f"alter table b add column a_id int;{_M}alter table b add foreign key (a_id) references a (id);",
    "insert into b select id, id from a",
    f"create view v as select id, n from a;{_M}comment on view v is 'a; view';",
    "alter table a alter column m type text",
    "update a set n = n * 2; update a set n = n + 3",
    f"drop view v;{_M}alter table a rename to c;",
)

MIXED = (
    f"create table a (id int primary key, n int not null);{_M}create table b (id int primary key);",
    "insert into a select i, i from generate_series(1, 10) i",
    "create index concurrently a_n on a (n)",
    f"create type mood as enum ('sad');{_M}alter table a add column m mood;",
    f"alter type mood add value 'glad';{_M}update a set m = 'glad', n = n + 1;",
    (
        f"create unique index concurrently a_u on a ((n + 1) desc, id) where n > 0;{_M}"
        "update a set n = n * 2;"
    ),
    "drop index concurrently a_n",
    (
        "-- chatkeep:no-transaction\nset work_mem = '5MB';\n"
        "update a set n = n + current_setting('work_mem')::text::char(1)::int; update a set n = n * 3"
    ),
    f"create table p (i int) partition by list (i);{_M}create table p1 partition of p for values in (1);",
    (
        f"insert into p values (1);{_M}alter table p detach partition p1 concurrently;{_M}"
        "insert into p1 values (1);"
    ),
    f"vacuum a;{_M}reindex table concurrently a;{_M}insert into b values (1);",
    "-- chatkeep:batch key=id size=4\nupdate a set n = n + 7 where (n > 0) /* chatkeep:batch */",
)
FOLDERS = {"transactional": TRANSACTIONAL, "mixed": MIXED}
FULL = bool(os.environ.get("CHATKEEP_FULL"))
SAMPLE = {"cut": 29, "client": 61, "server": 89}  # every so-manieth boundary
CLIENT = """
import asyncio, sys
from pathlib import Path
from chatkeep.kit.folder.reading import MARKER, Folder
from chatkeep.kit.migrate import migrate
asyncio.run(migrate(Folder.read(Path(sys.argv[1])), sys.argv[2]))
"""
INVALID = "select indexrelid::regclass::text from pg_index where not indisvalid"
LEDGER = """
select tag, state, coalesce(done = statements, true) from chatkeep.migrations order by created_at
"""
ROWS = "select created_at, hash from drizzle.__drizzle_migrations order by id"


def migrations(texts: tuple[str, ...], root: Path) -> Folder:
    (root / "meta").mkdir(parents=True)
    entries = []
    for idx, text in enumerate(texts):
        tag = f"{idx:04d}_step"
        (root / f"{tag}.sql").write_text(text)
        entries.append({"idx": idx, "version": "7", "when": 100 + idx, "tag": tag})
    journal = {"version": "7", "dialect": "postgresql", "entries": entries}
    (root / "meta" / "_journal.json").write_text(json.dumps(journal))
    return Folder.read(root)


def whole_dump(binaries: Path, url: str) -> str:
    """Schema and rows, without the bookkeeping."""
    command = [str(binaries / "pg_dump"), "--inserts", "--restrict-key=golden"]
    command += ["--exclude-schema=chatkeep", "--exclude-schema=drizzle", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    inserts = re.findall(r"^INSERT .*$", text, re.MULTILINE)
    rest = re.sub(r"^INSERT .*\n", "", text, flags=re.MULTILINE)
    return rest + "\n".join(sorted(inserts))  # rows lie where they were last updated


async def books(url: str) -> tuple[list[tuple[object, ...]], ...]:
    connection = await asyncpg.connect(url)
    try:
        asked = [await connection.fetch(sql) for sql in (ROWS, LEDGER, INVALID)]
    finally:
        await connection.close()
    return tuple([tuple(row) for row in rows] for rows in asked)


class Undisturbed:
    """What a run that nothing breaks leaves, and how many requests it makes."""

    def __init__(self, folder: Folder, dump: str, books: object, requests: int) -> None:
        self.folder = folder
        self.dump = dump
        self.books = books
        self.requests = requests

    def points(self, fault: str) -> list[tuple[int, Moment]]:
        every = [(at, moment) for at in range(1, self.requests + 1) for moment in MOMENTS]
        return every if FULL else every[SAMPLE[fault] // 2 :: SAMPLE[fault]]


@pytest.fixture(params=list(FOLDERS))
async def undisturbed(request, pg18: PgServer, fresh_database, tmp_path) -> Undisturbed:
    folder = migrations(FOLDERS[request.param], tmp_path / "drizzle")
    url = await fresh_database(pg18)()
    async with boundaries(pg18.socket_dir) as proxy:
        await migrate(folder, proxy.url(name_of(url)))
    return Undisturbed(folder, whole_dump(pg18.bin, url), await books(url), proxy.requests)


def name_of(url: str) -> str:
    return url.split("@/")[1].split("?", maxsplit=1)[0]


async def nothing() -> None:
    """Only the connection is cut."""


async def check_convergence(undisturbed: Undisturbed, binaries: Path, url: str, what: str) -> None:
    """The next run ends well, and all is as if nothing had happened."""
    await migrate(undisturbed.folder, url, options=Options(lock_wait=30))
    assert whole_dump(binaries, url) == undisturbed.dump, what
    assert await books(url) == undisturbed.books, what
    assert (await migrate(undisturbed.folder, url)).applied == (), what
    assert (await status(undisturbed.folder, url)).is_sound, what


@pytest.mark.timeout(3600)
async def test_connection_cut_at_every_request(undisturbed, pg18, fresh_database):
    for at, moment in undisturbed.points("cut"):
        databases = fresh_database(pg18)
        url = await databases()
        async with boundaries(pg18.socket_dir, at, moment, nothing) as proxy:
            with suppress(ChatkeepError, OSError, asyncpg.PostgresError):
                await migrate(undisturbed.folder, proxy.url(name_of(url)))
            assert proxy.struck
        await check_convergence(undisturbed, pg18.bin, url, f"cut {moment} at {at}")
        await databases.drop()


@pytest.mark.timeout(3600)
async def test_client_killed_at_every_request(undisturbed, pg18, fresh_database):
    for at, moment in undisturbed.points("client"):
        databases = fresh_database(pg18)
        url = await databases()
        run: list[asyncio.subprocess.Process] = []

        async def kill(run: list[asyncio.subprocess.Process] = run) -> None:
            run[0].send_signal(signal.SIGKILL)
            await run[0].wait()

        async with boundaries(pg18.socket_dir, at, moment, kill) as proxy:
            words = [sys.executable, "-c", CLIENT, str(undisturbed.folder.path)]
            words.append(proxy.url(name_of(url)))
            run.append(await asyncio.create_subprocess_exec(*words))
            assert await run[0].wait() == -signal.SIGKILL
        await check_convergence(undisturbed, pg18.bin, url, f"client killed {moment} at {at}")
        await databases.drop()


class OwnServer:
    """A server that may be killed: its processes end at once, its files stay."""

    KEEP = 'trap "" INT TERM HUP; "$0" "$@" & cat >/dev/null; kill -QUIT $! 2>/dev/null; wait'

    def __init__(self, folder: Path) -> None:
        account = choose()
        found = pg18_bin()
        assert found is not None
        self.bin = within_reach(Binaries(found, version_of(found), "tests"), account).folder
        self.folder = folder
        self.data = folder / "data"
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        command = [self.bin / "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8"]
        code, output = account.run([*command, "--auth=trust", "--no-sync", "--locale=C"])
        assert code == 0, output

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    async def start(self) -> None:
        options = ["-D", self.data, "-k", self.folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        command = ["sh", "-c", self.KEEP, self.bin / "postgres", *options]
        self._process = self._account.popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        await eventually(self._answers, 60)

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url("postgres"))
        except (OSError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    async def kill(self) -> None:
        while pids := await asyncio.to_thread(processes_of, self.data):
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.01)
        self._end_keeper()

    def _end_keeper(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait(timeout=30)


@pytest.fixture
async def own_server() -> AsyncIterator[OwnServer]:
    with tempfile.TemporaryDirectory(prefix="ckc-", dir="/tmp") as name:
        folder = Path(name)
        account = choose()
        if account.switched:
            os.chown(folder, account.uid, account.gid)
        server = OwnServer(folder)
        await server.start()
        yield server
        await server.kill()


@pytest.mark.timeout(3600)
async def test_server_killed_at_every_request(undisturbed, own_server: OwnServer):
    for number, (at, moment) in enumerate(undisturbed.points("server")):
        await execute(own_server.url("postgres"), f"create database d{number}")
        url = own_server.url(f"d{number}")
        async with boundaries(own_server.folder, at, moment, own_server.kill) as proxy:
            with suppress(ChatkeepError, OSError, asyncpg.PostgresError):
                await migrate(undisturbed.folder, proxy.url(f"d{number}"))
            assert proxy.struck
        await own_server.start()
        await check_convergence(undisturbed, own_server.bin, url, f"server killed {moment} at {at}")
        await execute(own_server.url("postgres"), f"drop database d{number}")


async def execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
