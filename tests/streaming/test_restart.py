"""The server goes away in mid-stream and comes back; connections break; nothing can be heard."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import timedelta
from typing import get_args
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import AnswerTakenOverError, Database, NewUser
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from faults.test_kills import OwnServer
from fixtures.parts import pg18_bin
from fixtures.proxy import Direction, eventually, proxied
from fixtures.servers import Databases, PgServer, start_server, stop_server
from streaming.conftest import SCHEMA, Place

WORDS = [f"<{number} 🐘>" for number in range(60)]


@pytest.fixture(scope="module")
def own_server() -> Iterator[OwnServer]:
    binaries = pg18_bin()
    assert binaries is not None
    own = OwnServer(start_server(binaries))
    yield own
    own.ctl("stop", "-m", "immediate")
    stop_server(own.server)


@pytest_asyncio.fixture(loop_scope="session")
async def own_db(own_server: OwnServer) -> AsyncIterator[Database]:
    url = await Databases(own_server.server)()
    await create_tables(SCHEMA, url)
    admin = await asyncpg.connect(url)
    await admin.execute("checkpoint")  # the tests' servers write nothing down at once
    await admin.close()
    async with Database(SCHEMA, url) as opened:
        await opened.users.create(NewUser(id="ada", email="ada@example.com"))
        yield opened


async def text_of(mine: UserScope, message_id: str) -> tuple[str, str]:
    text, status = "", ""
    async for piece in mine.messages.follow(message_id):
        assert piece.offset == len(text)
        text, status = text + piece.text, piece.status
    return text, status


@pytest.mark.parametrize("when", ["in the middle", "at the end"])
async def test_a_restart_in_mid_stream_is_survived(
    own_server: OwnServer, own_db: Database, when: str
) -> None:
    mine = own_db.as_user("ada")
    chat = await mine.chats.create(title=when)
    async with mine.messages.stream(chat.id, flush_after=timedelta(milliseconds=10)) as answer:
        reader = asyncio.create_task(text_of(mine, answer.id))
        for number, word in enumerate(WORDS):
            await answer.write(word)
            if number % 3 == 0:
                await answer.flush()
            if number == 30 and when == "in the middle":
                await asyncio.to_thread(own_server.ctl, "restart", "-m", "fast")
        if when == "at the end":
            restarting = asyncio.create_task(
                asyncio.to_thread(own_server.ctl, "restart", "-m", "fast")
            )
            await asyncio.sleep(0)
            await answer.finish()
            await restarting
    async with asyncio.timeout(60):
        assert await reader == ("".join(WORDS), "complete")
    assert (await mine.messages.get(answer.id)).content == "".join(WORDS)


async def test_who_listens_is_told_again_after_their_connection_broke(
    place: Place, db: Database, mine: UserScope
) -> None:
    bell = db._runner.background.bell
    chat = await mine.chats.create(title="listening")
    async with mine.messages.stream(chat.id, flush_after=timedelta(milliseconds=10)) as answer:
        readers = [asyncio.create_task(text_of(mine, answer.id)) for _ in range(3)]
        for word in WORDS[:9]:
            await eventually(lambda: bell.is_listening)
            listeners = await place.witness.fetch(
                "select pid from pg_stat_activity where query like 'LISTEN%'"
            )
            assert len(listeners) == 1  # for three readers
            await answer.write(word)
            await place.witness.fetchval("select pg_terminate_backend($1, 5000)", listeners[0][0])
            await eventually(lambda: not bell.is_listening)
            await answer.flush()
    for reader in readers:
        async with asyncio.timeout(60):
            assert await reader == ("".join(WORDS[:9]), "complete")


async def test_readers_of_another_process_are_told_at_once(
    place: Place, db: Database, mine: UserScope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Database of its own stands for another process: nothing but PostgreSQL is between them."""
    monkeypatch.setattr("chatkeep.access.following.UNTOLD", 600.0)  # never by the clock
    chat = await mine.chats.create(title="two")
    async with place.database() as other:
        bell = other._runner.background.bell
        async with mine.messages.stream(chat.id, flush_after=timedelta(milliseconds=10)) as answer:
            pieces = other.as_user("ada").messages.follow(answer.id)
            await answer.write("first")
            assert (await anext(pieces)).text == "first"
            await eventually(lambda: bell.is_listening)
            for word in WORDS[:20]:
                await answer.write(word)
                async with asyncio.timeout(30):
                    assert (await anext(pieces)).text == word
        async with asyncio.timeout(30):
            assert [piece.status async for piece in pieces] == ["complete"]


async def test_what_was_stored_and_not_heard_of_is_stored_once(
    pg18: PgServer, database_url: str
) -> None:
    """Each flush meets a line that breaks before PostgreSQL has it, or before we have the answer."""
    await create_tables(SCHEMA, database_url)
    async with proxied(pg18.socket_dir) as proxy:
        url = proxy.url(urlsplit(database_url).path.lstrip("/"))

        async def broken(work: Coroutine[None, None, object], way: Direction) -> None:
            before = proxy.struck["drop"]
            proxy.strike({"drop": 1.0}, way)
            task = asyncio.create_task(work)
            await eventually(lambda: proxy.struck["drop"] > before)
            proxy.heal()
            await task

        async with Database(SCHEMA, url) as db:
            await db.users.create(NewUser(id="ada", email="ada@example.com"))
            chat = await db.as_user("ada").chats.create(title="x")
            async with db.as_user("ada").messages.stream(chat.id) as answer:
                for word in WORDS[:6]:
                    for way in get_args(Direction):
                        await answer.write(word)
                        await broken(answer.flush(), way)
                await answer.write("end")
                await broken(answer.finish(), "to_client")
            stored = await db.messages.get(answer.id)
            text = "".join(word * 2 for word in WORDS[:6]) + "end"
            assert (stored.content, stored.status) == (text, "complete")


async def test_a_writer_that_was_cut_off_for_long_finds_its_answer_ended(
    pg18: PgServer, database_url: str
) -> None:
    await create_tables(SCHEMA, database_url)
    async with proxied(pg18.socket_dir) as proxy, Database(SCHEMA, database_url) as beside:
        url = proxy.url(urlsplit(database_url).path.lstrip("/"))
        async with Database(SCHEMA, url) as db:
            await db.users.create(NewUser(id="ada", email="ada@example.com"))
            mine = db.as_user("ada")
            chat = await mine.chats.create(title="cut off")
            with pytest.raises(AnswerTakenOverError):
                async with mine.messages.stream(chat.id) as answer:
                    await answer.write("stored")
                    await answer.flush()
                    proxy.strike({"drop": 1.0})
                    proxy.drop_all()
                    await answer.write(" and not")
                    assert await beside.messages.sweep_interrupted(older_than=timedelta()) == 1
                    proxy.heal()
                    await answer.flush()
        stored = await beside.messages.get(answer.id)
        assert (stored.content, stored.status) == ("stored", "interrupted")


async def test_a_reader_outlives_a_failed_attempt_to_end_a_dead_writers_answer(
    place: Place, mine: UserScope
) -> None:
    chat = await mine.chats.create(title="dead writer")
    answer = await mine.messages.stream(chat.id).__aenter__()
    await answer.write("so far")
    await answer.flush()
    answer._flusher._task.cancel()
    witness = place.witness
    long_ago = "update \"x_running_answer\" set updated_at = now() - interval '2 minutes'"
    await witness.execute(long_ago)
    await witness.execute('begin; select from "x_running_answer" for update')

    async def reads() -> str:
        return "".join([piece.text async for piece in mine.messages.follow(answer.id)])

    reading = asyncio.ensure_future(reads())

    async def is_stopped() -> bool:  # the statement that takes the answer from its writer
        await witness.execute("select pg_stat_clear_snapshot()")
        return await witness.fetchval(
            "select bool_or(pg_cancel_backend(pid)) from pg_stat_activity where state = 'active' "
            "and datname = current_database() and wait_event_type = 'Lock'"
        )

    await eventually(is_stopped)
    await witness.execute("rollback")
    assert await reading == "so far"
    assert (await mine.messages.get(answer.id)).status == "interrupted"
