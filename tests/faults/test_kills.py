"""The server ends connections, dies, and comes again."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from chatkeep import ConnectionFailedError, Database, NewMessage, NewUser
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from chatkeep.server.account import choose
from faults.conftest import OPEN_ONES, whole
from fixtures.parts import pg18_bin
from fixtures.proxy import eventually
from fixtures.servers import Databases, PgServer, start_server, stop_server

SCHEMA = deepsearch.schema(prefix="x_")


class OwnServer:
    """A server that a test may kill: no other test is on it."""

    def __init__(self, server: PgServer) -> None:
        self.server = server
        self.data = server.socket_dir / "data"

    def ctl(self, *words: str | Path) -> None:
        """Run pg_ctl; the new server is a child of nobody, and is stopped with `words` too."""
        command = [self.server.bin / "pg_ctl", "-D", self.data, "-w", *words]
        log = self.server.socket_dir / "pg_ctl.log"
        with log.open("ab") as out:
            process = choose().popen(command, stdout=out.fileno(), stderr=subprocess.STDOUT)
        assert process.wait(60) == 0, log.read_text()

    async def is_up(self) -> bool:
        try:
            connection = await asyncpg.connect(self.server.admin_url, timeout=5)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnServer]:
    binaries = pg18_bin()
    assert binaries is not None
    own = OwnServer(start_server(binaries))
    yield own
    own.ctl("stop", "-m", "immediate")
    stop_server(own.server)


@pytest_asyncio.fixture(loop_scope="session")
async def db(own_server: OwnServer) -> AsyncIterator[Database]:
    url = await Databases(own_server.server)()
    await create_tables(SCHEMA, url)
    async with Database(
        SCHEMA, url, max_connections=5, acquire_timeout=timedelta(seconds=5)
    ) as opened:
        await opened.users.create(NewUser(id="ada", email="ada@example.com"))
        await warm(opened)
        connection = await asyncpg.connect(url)
        await connection.execute("checkpoint")  # the tests' servers write nothing down at once
        await connection.close()
        yield opened


async def warm(db: Database) -> None:
    """Have all five connections open, each with the statement prepared."""
    await db.gather(*(db.users.get("ada") for _ in range(20)))


async def ask(own: OwnServer, db: Database, question: str) -> int:
    """Ask on a connection of our own to the database of `db`."""
    name = await one_name(db)
    connection = await asyncpg.connect(own.server.url(name))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def one_name(db: Database) -> str:
    return (await db.one(select(func.current_database())))[0]


KILL_ALL = """
    select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity
    where datname = current_database() and application_name = 'chatkeep'
"""


async def test_reads_do_not_notice_that_every_connection_was_ended(
    own_server: OwnServer, db: Database
) -> None:
    for _ in range(5):
        assert await ask(own_server, db, KILL_ALL) == 5
        users = await db.gather(*(db.users.get("ada") for _ in range(20)))
        assert {user.id for user in users} == {"ada"}
    assert await ask(own_server, db, OPEN_ONES) == 0


async def test_transactions_begin_although_every_connection_was_ended(
    own_server: OwnServer, db: Database
) -> None:
    chat = await db.as_user("ada").chats.create(title="Kills")
    await ask(own_server, db, KILL_ALL)

    async def store(n: int) -> None:
        async with db.transaction() as tx:
            new = NewMessage(id=str(n), role="user", content="x")
            await tx.messages.append(chat.id, new)

    await asyncio.gather(*(store(n) for n in range(10)))
    assert await db.messages.count(chat.id) == 10


async def test_writes_under_a_storm_of_ended_connections_are_told_the_truth(
    own_server: OwnServer, db: Database
) -> None:
    mine = db.as_user("ada")
    chats = [await mine.chats.create(title=f"Kills {n}") for n in range(6)]
    acknowledged: set[str] = set()
    name = await one_name(db)
    is_over = asyncio.Event()

    async def writes(n: int) -> None:
        for number in range(60):
            id_ = f"{n}-{number}"
            try:
                await mine.messages.append(
                    chats[n].id, NewMessage(id=id_, role="user", content="x")
                )
            except ConnectionFailedError:
                continue
            acknowledged.add(id_)

    async def kills() -> None:
        killer = await asyncpg.connect(own_server.server.url(name))
        while not is_over.is_set():
            await killer.fetchval(KILL_ALL.replace("(pid, 5000)", "(pid)"))
            await asyncio.sleep(0.03)
        await killer.close()

    killing = asyncio.create_task(kills())
    await asyncio.gather(*(writes(n) for n in range(6)))
    is_over.set()
    await killing
    await whole(db)
    stored: set[str] = set()
    for chat in chats:
        page = await mine.messages.list(chat.id, limit=1000)
        assert len(page.items) == len({message.id for message in page.items})
        stored |= {message.id for message in page.items}
    assert acknowledged
    assert acknowledged <= stored


async def test_a_backend_killed_with_sigkill_takes_the_others_along_and_all_comes_back(
    own_server: OwnServer, db: Database
) -> None:
    question = "select pid from pg_stat_activity where application_name = 'chatkeep' limit 1"
    witness = await asyncpg.connect(own_server.server.admin_url)
    os.kill(await ask(own_server, db, question), signal.SIGKILL)
    await eventually(witness.is_closed)  # PostgreSQL ends all others, and recovers
    await comes_back(own_server, db)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_restart_of_the_server_is_survived(
    own_server: OwnServer, db: Database, mode: str
) -> None:
    await asyncio.to_thread(own_server.ctl, "restart", "-m", mode)
    await comes_back(own_server, db)


async def test_while_the_server_is_down_calls_say_so_at_once(
    own_server: OwnServer, db: Database
) -> None:
    await asyncio.to_thread(own_server.ctl, "stop", "-m", "fast")
    for _ in range(3):
        with pytest.raises(ConnectionFailedError):
            await db.users.get("ada")
    with pytest.raises(ConnectionFailedError):
        async with db.transaction():
            pass
    await asyncio.to_thread(own_server.ctl, "restart")
    await comes_back(own_server, db)


async def comes_back(own: OwnServer, db: Database) -> None:
    """Once the server takes connections, each read is answered at once, and so are writes."""
    await eventually(own.is_up, 60)
    users = await db.gather(*(db.users.get("ada") for _ in range(20)))
    assert {user.id for user in users} == {"ada"}
    await db.as_user("ada").chats.create(title="Back")
    await whole(db)
