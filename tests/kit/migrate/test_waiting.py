"""Locks that others hold: giving way, coming again, and saying who it was."""

import asyncio

import asyncpg
import pytest

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.applying.events import Event, Retried
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.folder.reading import MARKER, Folder
from chatkeep.kit.migrate import Options, migrate

TABLE = "create table t (id int primary key)"
COLUMNS = "select count(*) from pg_attribute where attrelid = 't'::regclass and attnum > 0"


@pytest.fixture
async def holder(database_url):
    opened = await asyncpg.connect(database_url, server_settings={"application_name": "reporting"})
    yield opened
    await opened.close()


def limits(attempts: int) -> Options:
    return Options(limits=Limits(lock_timeout=0.1, attempts=attempts))


async def test_held_table_is_waited_for_shortly_again_and_again_until_it_is_free(
    folder_of, database_url, holder, rows
):
    await migrate(Folder.read(folder_of(TABLE)), database_url)
    await holder.execute("begin; select * from t")
    sql = f"insert into t values (1);{MARKER}\nalter table t add column n int"
    told: asyncio.Queue[Event] = asyncio.Queue()
    run = asyncio.create_task(
        migrate(
            Folder.read(folder_of(TABLE, sql)),
            database_url,
            options=limits(100),
            on_event=told.put_nowait,
        )
    )
    retried: list[Retried] = []
    while len(retried) < 2:
        event = await told.get()
        retried += [event] if isinstance(event, Retried) else []
    await holder.execute("commit")
    await run
    assert retried[0].blockers
    assert "(reporting, idle in its transaction, for " in retried[0].blockers[0]
    assert await rows(database_url, COLUMNS) == [(2,)]
    assert await rows(database_url, "select count(*) from t") == [(1,)]


async def test_reader_waits_no_longer_than_the_lock_timeout_behind_a_migration(
    folder_of, database_url, holder
):
    """The statement that waits for the lock gives way each time: a reader behind it gets through."""
    await migrate(Folder.read(folder_of(TABLE)), database_url)
    await holder.execute("begin; select * from t")
    folder = Folder.read(folder_of(TABLE, "alter table t add column n int"))
    run = asyncio.create_task(migrate(folder, database_url, options=limits(100)))
    reader = await asyncpg.connect(database_url)
    for _ in range(20):  # while the holder sits there, which without a time-out would be for ever
        await reader.fetch("select * from t")
    assert not run.done()
    await reader.close()
    await holder.execute("commit")
    await run


async def test_last_attempt_names_who_held_the_table_and_leaves_nothing(
    folder_of, database_url, holder, rows
):
    await migrate(Folder.read(folder_of(TABLE)), database_url)
    await holder.execute("begin; select 'a secret', * from t")
    folder = Folder.read(folder_of(TABLE, "alter table t add column n int"))
    with pytest.raises(MigrationFailedError) as caught:
        await migrate(folder, database_url, options=limits(2))
    said = str(caught.value)
    assert said.startswith(
        "0001_step.sql: statement 1 of 1 failed: canceling statement due to lock"
    )
    assert f"Held by process {holder.get_server_pid()} (reporting, idle in its transaction" in said
    assert "Tried 2 times, waiting 0.1 s each. This migration left nothing behind." in said
    assert "a secret" not in said
    assert await rows(database_url, COLUMNS) == [(1,)]


async def test_deadlock_is_run_again(folder_of, database_url, holder, rows):
    await migrate(Folder.read(folder_of(TABLE, "create table u ()")), database_url)
    await holder.execute("set deadlock_timeout = '1h'")
    folder = Folder.read(
        folder_of(TABLE, "create table u ()", "lock table t; alter table u add column n int")
    )
    await holder.execute("begin; lock table u")
    told: asyncio.Queue[Event] = asyncio.Queue()
    options = Options(limits=Limits(lock_timeout=0, attempts=5))
    run = asyncio.create_task(
        migrate(folder, database_url, options=options, on_event=told.put_nowait)
    )
    other = asyncio.create_task(_lock_when_held(holder, database_url))
    while not isinstance(event := await told.get(), Retried):
        pass
    await other
    await holder.execute("commit")
    await run
    assert event.attempt == 1


async def _lock_when_held(holder: asyncpg.Connection, url: str) -> None:
    """Ask for the table that the migration has, so that each waits for the other."""
    watcher = await asyncpg.connect(url)
    held = "select count(*) from pg_locks where relation = 't'::regclass and granted"
    while not await watcher.fetchval(held):
        await asyncio.sleep(0)
    await watcher.close()
    await holder.execute("lock table t")


async def test_statement_timeout_ends_a_statement(folder_of, database_url):
    folder = Folder.read(folder_of("select pg_sleep(60)"))
    options = Options(limits=Limits(statement_timeout=0.1))
    with pytest.raises(MigrationFailedError, match="canceling statement due to statement timeout"):
        await migrate(folder, database_url, options=options)


async def test_time_outs_of_a_file_are_its_own_and_end_with_it(folder_of, database_url, rows):
    note = "insert into seen values (current_setting('lock_timeout'))"
    folder = Folder.read(
        folder_of(
            "create table seen (lock_timeout text)",
            note,
            f"set lock_timeout = '7s'; {note}",
            f"{note};{MARKER}\n create index concurrently seen_i on seen (lock_timeout)",
            f"-- chatkeep:no-transaction\nset lock_timeout = '8s'; {note}",
            note,
        )
    )
    await migrate(folder, database_url)
    seen = [text for (text,) in await rows(database_url, "select lock_timeout from seen")]
    assert seen == ["500ms", "7s", "500ms", "8s", "500ms"]
