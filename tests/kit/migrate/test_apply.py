"""Applying: what is pending, in which order, and what a failure leaves."""

import asyncio
import os
import signal
import subprocess
import sys

import asyncpg
import pytest

from chatkeep.errors import (
    ConnectionFailedError,
    InvalidUrlError,
    MigrationEditedError,
    MigrationError,
    MigrationFailedError,
    MigrationLockError,
    MigrationOrderError,
    MigrationsFolderError,
)
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.applying.lock import migration_lock
from chatkeep.kit.folder.reading import MARKER, Folder
from chatkeep.kit.migrate import Options, migrate, pending
from fixtures.dump import dump

TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"
HASHES = "select created_at from drizzle.__drizzle_migrations order by id"


async def test_second_run_finds_nothing_to_do(golden, database_url):
    folder = Folder.read(golden("deepsearch"))
    await migrate(folder, database_url)
    report = await migrate(folder, database_url)
    assert (report.applied, report.already) == ((), 4)


async def test_to_stops_at_the_named_migration(folder_of, database_url, rows):
    folder = Folder.read(folder_of("create table a()", "create table b()", "create table c()"))
    await migrate(folder, database_url, to="0001_step")
    assert await rows(database_url, TABLES) == [("a",), ("b",)]
    await migrate(folder, database_url)
    assert await rows(database_url, TABLES) == [("a",), ("b",), ("c",)]


async def test_to_an_unknown_migration_changes_nothing(folder_of, database_url, rows):
    with pytest.raises(MigrationsFolderError, match="no migration"):
        await migrate(Folder.read(folder_of("create table a()")), database_url, to="0009")
    assert await rows(database_url, TABLES) == []


async def test_pending_reads_and_writes_nothing(folder_of, database_url, rows):
    folder = Folder.read(folder_of("create table a()", "create table b()"))
    assert [m.tag for m in await pending(folder, database_url, to="0000")] == ["0000_step"]
    assert (
        await rows(database_url, "select nspname from pg_namespace where nspname = 'drizzle'") == []
    )


async def test_failing_migration_leaves_nothing_and_those_before_it_stay(
    folder_of, database_url, rows
):
    second = f"create table b();{MARKER}\ncreate table c();\nselect * from nowhere"
    folder = Folder.read(folder_of("create table a()", second, "create table d()"))
    with pytest.raises(MigrationFailedError) as caught:
        await migrate(folder, database_url)
    assert str(caught.value) == (
        "0001_step.sql: statement 2 of 2 (line 3) failed: "
        'relation "nowhere" does not exist (SQLSTATE 42P01). '
        "This migration left nothing behind."
    )
    assert await rows(database_url, TABLES) == [("a",)]
    assert await rows(database_url, HASHES) == [(100,)]


async def test_failure_at_commit_is_told_and_leaves_nothing(folder_of, database_url, rows):
    folder = Folder.read(
        folder_of(
            "create table a (id int primary key, b int references a deferrable initially deferred)",
            "insert into a values (1, 2)",
        )
    )
    with pytest.raises(MigrationFailedError, match=r"0001_step\.sql: the commit at its end failed"):
        await migrate(folder, database_url)
    assert await rows(database_url, HASHES) == [(100,)]


@pytest.mark.parametrize(
    "sql",
    [
        "insert into m values (2, 'the secret word', null)",
        "insert into m values (1, 'the secret word', 1)",
        "insert into m values (2, 'x', 'the secret word'::text::int)",
        "insert into m values (2, 'the secret word', -1)",
        "alter table m alter column body type int using body::int",
    ],
)
async def test_no_row_is_repeated_in_an_error(folder_of, database_url, sql):
    setup = (
        "create table m (id int primary key, body text unique, n int not null check (n > 0));"
        "insert into m values (1, 'the secret word', 1)"
    )
    with pytest.raises(MigrationFailedError) as caught:
        await migrate(Folder.read(folder_of(setup, sql)), database_url)
    assert "secret" not in str(caught.value)
    assert "0001_step.sql: statement 1 of 1" in str(caught.value)


async def test_statement_that_refuses_a_transaction_unexpectedly_is_explained(
    folder_of, database_url
):
    pieces = "create table p (i int) partition by list (i)", "reindex table p"
    with pytest.raises(MigrationFailedError, match="write `-- chatkeep:no-transaction`"):
        await migrate(Folder.read(folder_of(*pieces)), database_url)
    root = folder_of(pieces[0], f"-- chatkeep:no-transaction\n{pieces[1]}")
    assert len((await migrate(Folder.read(root), database_url)).applied) == 1


@pytest.mark.parametrize("command", ["COMMIT", "begin", "/* x */ Rollback;", "select 1; end"])
async def test_file_that_would_end_its_transaction_is_refused_unrun(
    folder_of, database_url, rows, command
):
    folder = Folder.read(folder_of(f"create table a();{MARKER}\n{command}"))
    with pytest.raises(MigrationFailedError, match="statement 2 of 2 holds"):
        await migrate(folder, database_url)
    assert await rows(database_url, TABLES) == []


async def test_setting_of_one_file_does_not_reach_the_next(folder_of, database_url, rows):
    folder = Folder.read(
        folder_of("select set_config('search_path', '', false)", "create table a ()")
    )
    await migrate(folder, database_url)
    assert await rows(database_url, TABLES) == [("a",)]


async def test_enum_value_added_in_one_file_is_usable_in_the_next(folder_of, database_url):
    folder = Folder.read(
        folder_of(
            "create type mood as enum ('ok')",
            "alter type mood add value 'fine'",
            "create table a (m mood default 'fine')",
        )
    )
    assert len((await migrate(folder, database_url)).applied) == 3


async def test_edited_migration_is_refused(folder_of, database_url, rows):
    root = folder_of("create table a()", "create table b()")
    await migrate(Folder.read(root), database_url, to="0000")
    (root / "0000_step.sql").write_text("create table other()")
    with pytest.raises(MigrationEditedError, match=r"0000_step\.sql changed after being applied"):
        await migrate(Folder.read(root), database_url)
    assert await rows(database_url, TABLES) == [("a",)]


async def test_redated_migration_is_refused(folder_of, redate, database_url):
    root = folder_of("create table a()")
    await migrate(Folder.read(root), database_url)
    redate(root, 0, 999)
    with pytest.raises(MigrationEditedError, match="another date"):
        await migrate(Folder.read(root), database_url)


async def test_migration_slipped_in_between_is_refused(folder_of, database_url, rows):
    first = folder_of("create table a()", "create table c()", whens=[100, 300], name="one")
    await migrate(Folder.read(first), database_url)
    merged = folder_of(
        "create table a()", "create table b()", "create table c()", whens=[100, 200, 300]
    )
    with pytest.raises(
        MigrationOrderError, match="0001_step is pending, but 0002_step was applied"
    ):
        await migrate(Folder.read(merged), database_url)
    assert await rows(database_url, TABLES) == [("a",), ("c",)]


async def test_migration_dated_before_an_applied_one_is_refused(folder_of, database_url):
    first = folder_of("create table a()", "create table c()", whens=[100, 300], name="one")
    await migrate(Folder.read(first), database_url)
    merged = folder_of(
        "create table a()", "create table c()", "create table b()", whens=[100, 300, 200]
    )
    with pytest.raises(MigrationOrderError, match="0002_step is pending"):
        await migrate(Folder.read(merged), database_url)


async def test_disorder_is_refused_on_an_empty_database_too(folder_of, database_url, rows):
    folder = Folder.read(folder_of("select 1", "select 2", "select 3", whens=[100, 300, 200]))
    with pytest.raises(MigrationOrderError):
        await migrate(folder, database_url)
    assert await rows(database_url, "select 1 from pg_namespace where nspname = 'drizzle'") == []


async def test_rows_of_another_project_are_let_alone(folder_of, database_url):
    other = folder_of("create table other()", whens=[5_000], name="other")
    ours = folder_of("create table a()", "create table b()")
    await migrate(Folder.read(other), database_url)
    report = await migrate(Folder.read(ours), database_url)
    assert (len(report.applied), report.unknown) == (2, 1)
    assert (await migrate(Folder.read(other), database_url)).already == 1


async def test_row_without_a_date_makes_nothing_run_again(folder_of, database_url, rows):
    folder = Folder.read(folder_of("create table a()"))
    await migrate(folder, database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute("insert into drizzle.__drizzle_migrations (hash) values ('by hand')")
    await connection.close()
    report = await migrate(folder, database_url)
    assert (report.applied, report.unknown) == ((), 1)


async def test_processes_that_start_together_apply_each_migration_once(golden, database_url, rows):
    root = golden("deepsearch")
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from chatkeep.kit.folder.reading import Folder; from chatkeep.kit.migrate import migrate\n"
        "asyncio.run(migrate(Folder.read(Path(sys.argv[1])), sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(root), database_url]
    runs = [subprocess.Popen(command) for _ in range(4)]
    assert [await asyncio.to_thread(run.wait) for run in runs] == [0] * 4
    assert len(await rows(database_url, HASHES)) == 4


async def test_lock_held_by_another_is_named_after_the_wait(folder_of, database_url, rows):
    holder = await asyncpg.connect(
        database_url, server_settings={"application_name": "slow colleague"}
    )
    async with migration_lock(holder, wait=0):
        with pytest.raises(MigrationLockError, match=r"process \d+ \(slow colleague"):
            await migrate(
                Folder.read(folder_of("create table a()")),
                database_url,
                options=Options(lock_wait=0.3),
            )
    await holder.close()
    assert await rows(database_url, TABLES) == []


async def test_lock_goes_with_a_killed_process(folder_of, database_url):
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from chatkeep.kit.folder.reading import Folder; from chatkeep.kit.migrate import migrate\n"
        "def said(a): print(a.migration.tag, flush=True)\n"
        "asyncio.run(migrate(Folder.read(Path(sys.argv[1])), sys.argv[2], on_applied=said))"
    )
    root = folder_of("create table a()", "create table b(); select pg_sleep(60)", "select 1")
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(root), database_url], stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    assert await asyncio.to_thread(run.stdout.readline) == "0000_step\n"
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    await _end_sleepers(database_url)
    (root / "0001_step.sql").write_text("create table b()")
    report = await migrate(Folder.read(root), database_url, options=Options(lock_wait=20))
    assert [a.migration.tag for a in report.applied] == ["0001_step", "0002_step"]


async def _end_sleepers(url: str) -> None:
    """The server notices a dead client only when its statement ends: end the statement."""
    connection = await asyncpg.connect(url)
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'chatkeep migrate' and datname = current_database()"
    )
    await connection.close()


async def test_connection_that_breaks_is_told_and_leaves_whole_migrations(
    folder_of, database_url, rows
):
    folder = Folder.read(
        folder_of(
            "create table a()", "create table b(); select pg_terminate_backend(pg_backend_pid())"
        )
    )
    with pytest.raises(ConnectionFailedError, match="broke"):
        await migrate(folder, database_url)
    assert await rows(database_url, TABLES) == [("a",)]
    assert await rows(database_url, HASHES) == [(100,)]


async def test_role_without_create_goes_on_where_the_bookkeeping_is(
    folder_of, pg18, fresh_database, rows
):
    url = await fresh_database(pg18)()
    root = folder_of("create table a()")
    await migrate(Folder.read(root), url)
    root = folder_of("create table a()", "create table b()")
    role = url.split("@/")[1].split("?")[0] + "_role"
    admin = await asyncpg.connect(url)
    await admin.execute(
        f"""
        drop schema chatkeep cascade;
        create role {role} login;
        grant usage on schema drizzle to {role};
        grant select, insert on drizzle.__drizzle_migrations to {role};
        grant usage on sequence drizzle.__drizzle_migrations_id_seq to {role};
        grant create on schema public to {role};
        """
    )
    try:
        report = await migrate(Folder.read(root), url.replace("postgres@", f"{role}@"))
        assert (len(report.applied), report.ledger) == (1, False)
        assert await rows(url, HASHES) == [(100,), (200,)]
    finally:
        await admin.execute(f"drop owned by {role}; drop role {role}")
        await admin.close()


async def test_role_without_create_is_told_where_there_is_no_bookkeeping(
    folder_of, pg18, fresh_database
):
    url = await fresh_database(pg18)()
    role = url.split("@/")[1].split("?")[0] + "_role"
    admin = await asyncpg.connect(url)
    await admin.execute(f"create role {role} login")
    try:
        with pytest.raises(MigrationError, match="may not create"):
            await migrate(Folder.read(folder_of("select 1")), url.replace("postgres@", f"{role}@"))
    finally:
        await admin.execute(f"drop role {role}")
        await admin.close()


async def test_unreachable_server_is_told_without_the_password(folder_of):
    url = "postgresql://me:pass-word-here@127.0.0.1:1/db"
    with pytest.raises(ConnectionFailedError) as caught:
        await migrate(Folder.read(folder_of("select 1")), url)
    assert "127.0.0.1:1/db cannot be reached" in str(caught.value)
    assert "pass-word-here" not in str(caught.value)


async def test_invalid_url_is_told(folder_of):
    with pytest.raises(InvalidUrlError):
        await migrate(Folder.read(folder_of("select 1")), "mysql://localhost/db")


async def test_byte_order_mark_does_no_harm(folder_of, database_url):
    folder = Folder.read(folder_of("\ufeffcreate table a()"))
    assert len((await migrate(folder, database_url)).applied) == 1


async def test_database_of_drizzle_kit_is_taken_as_it_is(golden, pg18, database_url, rows):
    root = golden("deepsearch")
    await migrate(Folder.read(root), database_url)
    before = dump(pg18, database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute("drop schema chatkeep cascade")
    await connection.close()
    report = await migrate(Folder.read(root), database_url)
    assert report.applied == ()
    assert dump(pg18, database_url) == before


async def test_pieces_without_a_statement_are_passed_over(folder_of, database_url):
    folder = Folder.read(folder_of(f"-- nothing{MARKER}\n/* here */;{MARKER}\n"))
    assert len((await migrate(folder, database_url)).applied) == 1


@pytest.mark.parametrize("sql", ["discard all", "select 1; /* x */ Discard All;"])
async def test_discard_all_would_give_up_the_lock_and_is_refused_unrun(
    folder_of, database_url, rows, sql
):
    folder = Folder.read(folder_of(f"-- chatkeep:no-transaction\ncreate table a();{MARKER}\n{sql}"))
    with pytest.raises(MigrationFailedError, match="statement 2 of 2 holds DISCARD ALL"):
        await migrate(folder, database_url)
    assert await rows(database_url, TABLES) == []


UNLOCK = "select pg_advisory_unlock_all()"


@pytest.mark.parametrize("project", [None, "named"])
@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"insert into log values (1);{MARKER}{UNLOCK}", 0),
        (f"insert into log values (1);{MARKER}{UNLOCK};{MARKER}deallocate all", 0),
        (f"-- chatkeep:no-transaction\n{UNLOCK};{MARKER}insert into log values (1)", 0),
        (f"-- chatkeep:no-transaction\ninsert into log values (1);{MARKER}call p()", 1),
    ],
)
async def test_migration_that_gives_up_the_lock_is_not_noted(
    folder_of, database_url, rows, project, text, left
):
    procedure = (
        f"create procedure p() language plpgsql as $$begin perform {UNLOCK[7:]}; commit; end$$"
    )
    root = folder_of(f"create table log (n int); {procedure}", text)
    if project is not None:
        (root / "meta" / "0000_snapshot.json").write_text(f'{{"id": "{project}"}}')
    folder = Folder.read(root)
    with pytest.raises(MigrationLockError, match=r"0001_step.* gave up the migration lock"):
        await migrate(folder, database_url)
    assert await rows(database_url, HASHES) == [(100,)]
    assert await rows(database_url, "select count(*) from log") == [(left,)]


async def test_two_processes_and_a_file_that_unlocks_never_note_it_twice(
    folder_of, database_url, rows
):
    holder, other = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    await holder.execute("create table log (n int); select pg_advisory_lock(1)")
    # Each waits behind the colleague once it has given up the migration lock.
    text = f"{UNLOCK};{MARKER}select pg_advisory_lock_shared(1);{MARKER}insert into log values (1)"
    folder = Folder.read(folder_of(text))
    options = Options(limits=Limits(lock_timeout=0))
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    runs = [asyncio.create_task(migrate(folder, database_url, options=options)) for _ in range(2)]
    while await other.fetchval(waiting) < 2 and not any(run.done() for run in runs):
        await asyncio.sleep(0.02)
    await holder.close()
    await other.close()
    found = await asyncio.gather(*runs, return_exceptions=True)
    assert [type(each) for each in found] == [MigrationLockError] * 2
    assert await rows(database_url, "select * from log") == []


@pytest.mark.parametrize("sql", ["copy a from stdin", 'COPY "a" (i) TO STDOUT WITH (FORMAT csv)'])
async def test_copy_through_the_connection_is_refused_unrun(folder_of, database_url, sql):
    folder = Folder.read(folder_of(f"create table a(i int);{MARKER}\n{sql}"))
    with pytest.raises(MigrationFailedError, match="statement 2 of 2 copies rows"):
        await migrate(folder, database_url)
