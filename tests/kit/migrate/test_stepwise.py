"""Migrations without a transaction: what runs, what a broken run leaves, and how the next goes on."""

import asyncio
import re

import asyncpg
import pytest

from chatkeep.errors import MigrationEditedError, MigrationError, MigrationFailedError
from chatkeep.kit.applying.events import Begun, Dropped, Event, Recognised
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.folder.reading import MARKER, Folder
from chatkeep.kit.migrate import Options, migrate
from chatkeep.kit.status import status

TABLE = "create table t (id int primary key, n int); insert into t values (1, 1), (2, 1)"
UNIQUE = "create unique index concurrently t_n on t (n)"
VALID = "select indisvalid from pg_index where indexrelid = to_regclass('t_n')"
LEDGER = "select tag, state, done, statements from chatkeep.migrations order by id"


@pytest.fixture
async def connection(database_url):
    opened = await asyncpg.connect(database_url, server_settings={"application_name": "colleague"})
    yield opened
    await opened.close()


async def test_index_concurrently_has_a_file_and_bookkeeping_as_any_other(
    folder_of, database_url, rows
):
    folder = Folder.read(folder_of(TABLE, "create index concurrently t_n on t (n)"))
    assert len((await migrate(folder, database_url)).applied) == 2
    assert await rows(database_url, VALID) == [(True,)]
    assert await rows(database_url, "select created_at from drizzle.__drizzle_migrations") == [
        (100,),
        (200,),
    ]
    assert (await migrate(folder, database_url)).applied == ()


async def test_failed_unique_index_leaves_none_and_is_built_when_the_rows_are_mended(
    folder_of, database_url, rows, connection
):
    folder = Folder.read(folder_of(TABLE, f"create table u ();{MARKER}\n{UNIQUE}"))
    with pytest.raises(MigrationFailedError) as caught:
        await migrate(folder, database_url)
    assert "0001_step.sql: statement 2 of 2 failed: could not create unique index" in str(
        caught.value
    )
    assert "Statement 1 of this file stays, and the next run goes on with statement 2." in str(
        caught.value
    )
    assert await rows(database_url, VALID) == []
    assert await rows(database_url, LEDGER) == [
        ("0000_step", "applied", 0, None),
        ("0001_step", "running", 1, 2),
    ]
    seen = await status(folder, database_url)
    assert [(line.state, line.done, line.statements) for line in seen.lines[1:]] == [
        ("running", 1, 2)
    ]
    assert not seen.is_sound
    await connection.execute("update t set n = id")
    told: list[object] = []
    await migrate(folder, database_url, on_event=told.append)
    assert any(isinstance(event, Begun) and event.resumed == 1 for event in told)
    assert await rows(database_url, VALID) == [(True,)]
    assert (await rows(database_url, LEDGER))[1] == ("0001_step", "applied", 2, 2)


@pytest.mark.parametrize("ifs", ["", "if not exists "])
@pytest.mark.parametrize("way", ["concurrently ", ""])
async def test_invalid_index_of_somebody_else_is_built_again(
    folder_of, database_url, rows, connection, ifs, way
):
    await migrate(Folder.read(folder_of(TABLE)), database_url)
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(UNIQUE)
    await connection.execute("update t set n = id")
    assert await rows(database_url, VALID) == [(False,)]
    folder = Folder.read(folder_of(TABLE, f"create index {way}{ifs}t_n on t (n)"))
    told: list[object] = []
    await migrate(folder, database_url, on_event=told.append)
    assert [type(event) for event in told if isinstance(event, Dropped)] == [Dropped]
    assert await rows(database_url, VALID) == [(True,)]


@pytest.mark.parametrize("name", ["p_n ", ""])
async def test_half_attached_index_of_a_partitioned_table_is_no_broken_one(
    folder_of, database_url, rows, connection, name
):
    tables = (
        "create table p (id int, n int) partition by range (id);"
        "create table p1 partition of p for values from (0) to (10);"
        "create table p2 partition of p for values from (10) to (20)"
    )
    await migrate(Folder.read(folder_of(tables)), database_url)
    await connection.execute(
        "create index p_n on only p (n); create index p1_n on p1 (n);"
        "alter index p_n attach partition p1_n"
    )
    ifs = "if not exists " if name else ""
    folder = Folder.read(folder_of(tables, f"create index {ifs}{name}on only p (n)"))
    told: list[object] = []
    await migrate(folder, database_url, on_event=told.append)
    assert not any(isinstance(event, Dropped) for event in told)
    assert await rows(
        database_url, "select to_regclass('p1_n')::text, to_regclass('p_n')::text"
    ) == [("p1_n", "p_n")]


async def test_invalid_index_that_another_tool_noted_as_applied_is_named(
    folder_of, database_url, connection
):
    folder = Folder.read(folder_of(TABLE, "create index concurrently t_n on t (n)"))
    await migrate(folder, database_url)
    await connection.execute("drop index t_n")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(UNIQUE)
    assert (await status(folder, database_url)).invalid_indexes == ('"public"."t_n"',)
    assert (await migrate(folder, database_url)).invalid_indexes == ('"public"."t_n"',)


async def in_doubt(connection: asyncpg.Connection, number: int = 1) -> None:
    """As a crash leaves it between a statement and its note."""
    await connection.execute(
        "update chatkeep.migrations set state = 'running', done = $1, attempted = $2, "
        "done_hash = case when $1 = 0 then '' else done_hash end where tag = '0001_step'",
        number - 1,
        number,
    )
    await connection.execute("delete from drizzle.__drizzle_migrations where created_at = 200")


async def test_index_that_came_through_is_recognised(folder_of, database_url, connection, rows):
    sql = 'CREATE INDEX CONCURRENTLY "t_n" ON public.t USING btree (n, (id + 1) DESC) where n > 0'
    folder = Folder.read(folder_of(TABLE, sql))
    await migrate(folder, database_url)
    await in_doubt(connection)
    (before,) = await rows(database_url, "select 't_n'::regclass::oid")
    told: list[object] = []
    await migrate(folder, database_url, on_event=told.append)
    assert any(isinstance(event, Recognised) for event in told)
    assert await rows(database_url, "select 't_n'::regclass::oid") == [before]


async def test_index_without_a_name_is_recognised_by_its_definition(
    folder_of, database_url, connection, rows
):
    folder = Folder.read(folder_of(TABLE, "create index concurrently on t (n)"))
    await migrate(folder, database_url)
    await in_doubt(connection)
    await migrate(folder, database_url)
    assert await rows(
        database_url, "select count(*) from pg_index where indrelid = 't'::regclass"
    ) == [(2,)]


async def test_other_index_of_the_same_name_is_not_taken_for_it(
    folder_of, database_url, connection
):
    folder = Folder.read(folder_of(TABLE, "create index concurrently t_n on t (n)"))
    await migrate(folder, database_url)
    await in_doubt(connection)
    await connection.execute("drop index t_n; create index t_n on t (n desc)")
    with pytest.raises(MigrationFailedError, match='relation "t_n" already exists'):
        await migrate(folder, database_url)


async def test_procedure_that_commits_runs_and_stops_the_next_run_when_in_doubt(
    folder_of, database_url, connection, rows
):
    procedure = (
        f"{TABLE};{MARKER}\ncreate procedure work() language plpgsql as "
        "$$ begin insert into t values (3, 3); commit; insert into t values (4, 4); end $$"
    )
    call = "-- chatkeep:no-transaction\ncall work();\nselect 1"
    folder = Folder.read(folder_of(procedure, call))
    await migrate(folder, database_url)
    assert await rows(database_url, "select count(*) from t") == [(4,)]
    await in_doubt(connection)
    with pytest.raises(MigrationFailedError) as caught:
        await migrate(folder, database_url)
    assert str(caught.value) == (
        "0001_step.sql: an earlier run broke off at statement 1 of 2 (CALL WORK, line 2), and "
        "nobody can tell whether it came through. Look whether its effect is in the database. If "
        "it is, go on with `chatkeep migrate --resume-after 1`; if not, `--resume-after 0` runs it "
        "again."
    )
    with pytest.raises(MigrationError, match="Give a number from 0 to 2"):
        await migrate(folder, database_url, options=Options(resume_after=3))
    await migrate(folder, database_url, options=Options(resume_after=1))
    assert await rows(database_url, "select count(*) from t") == [(4,)]
    with pytest.raises(MigrationError, match="No migration broke off"):
        await migrate(folder, database_url, options=Options(resume_after=1))


async def test_procedure_that_fails_half_way_is_not_called_undone(folder_of, database_url):
    procedure = (
        f"{TABLE};{MARKER}\ncreate procedure work() language plpgsql as "
        "$$ begin insert into t values (3, 3); commit; insert into t values (3, 3); end $$"
    )
    folder = Folder.read(folder_of(procedure, "-- chatkeep:no-transaction\ncall work()"))
    with pytest.raises(MigrationFailedError, match="what it committed before stays"):
        await migrate(folder, database_url)
    with pytest.raises(MigrationFailedError, match="nobody can tell"):
        await migrate(folder, database_url)


async def test_what_is_not_done_may_be_edited_and_what_is_done_may_not(
    folder_of, database_url, rows
):
    def file(first: str, second: str) -> Folder:
        return Folder.read(
            folder_of(TABLE, f"-- chatkeep:no-transaction\n{first};{MARKER}\n{second}")
        )

    with pytest.raises(MigrationFailedError):
        await migrate(file("insert into t values (3)", UNIQUE), database_url)
    with pytest.raises(MigrationEditedError, match="broke off after statement 1"):
        await migrate(file("insert into t values (4)", UNIQUE), database_url)
    mended = file("insert into t values (3)", UNIQUE.replace("unique ", ""))
    await migrate(mended, database_url)
    assert await rows(database_url, "select count(*) from t") == [(3,)]
    assert (await status(mended, database_url)).is_sound


async def test_broken_off_migration_whose_file_is_gone_is_named(
    folder_of, database_url, connection
):
    root = folder_of(TABLE, "create index concurrently t_n on t (n)")
    (root / "meta" / "0000_snapshot.json").write_text('{"id": "this-project"}')
    await migrate(Folder.read(root), database_url)
    await in_doubt(connection)
    gone = folder_of(TABLE)
    with pytest.raises(MigrationError, match="0001_step broke off in this database, and the fol"):
        await migrate(Folder.read(gone), database_url)
    assert (await status(Folder.read(gone), database_url)).missing == ("0001_step",)


async def test_label_is_added_and_used_by_one_file(folder_of, database_url, rows):
    folder = Folder.read(
        folder_of(
            "create type mood as enum ('sad'); create table m (mood mood)",
            f"alter type mood add value 'glad';{MARKER}\ninsert into m values ('glad')",
        )
    )
    await migrate(folder, database_url)
    assert await rows(database_url, "select mood::text from m") == [("glad",)]


async def test_index_waits_for_an_old_transaction_beyond_the_lock_timeout(
    folder_of, database_url, rows, connection
):
    """lock_timeout would cancel it and leave an INVALID index; other processes say who is waited for."""
    await migrate(Folder.read(folder_of(TABLE)), database_url)
    await connection.execute("begin isolation level repeatable read; update t set n = n")
    folder = Folder.read(folder_of(TABLE, "create index concurrently t_n on t (n)"))
    told: asyncio.Queue[Event] = asyncio.Queue()
    options = Options(limits=Limits(lock_timeout=0.05))
    run = asyncio.create_task(
        migrate(folder, database_url, options=options, on_event=told.put_nowait)
    )
    while not re.search(r"waits for process \d+ \(colleague", (await told.get()).line()[0]):
        pass
    await connection.execute("commit")
    await run
    assert await rows(database_url, VALID) == [(True,)]


async def test_ledger_that_cannot_be_kept_stops_it_before_anything_ran(
    folder_of, pg18, fresh_database, rows
):
    url = await fresh_database(pg18)()
    await migrate(Folder.read(folder_of(TABLE)), url)
    role = url.split("@/")[1].split("?", maxsplit=1)[0] + "_role"
    admin = await asyncpg.connect(url)
    await admin.execute(
        f"drop schema chatkeep cascade; create role {role} login superuser; "
        f"alter role {role} nosuperuser; grant usage on schema drizzle to {role}; "
        f"grant all on all tables in schema drizzle to {role}; "
        f"grant all on all sequences in schema drizzle to {role}"
    )
    folder = Folder.read(folder_of(TABLE, "create index concurrently t_n on t (n)"))
    try:
        with pytest.raises(MigrationError, match="may not keep the ledger"):
            await migrate(folder, url.replace("postgres@", f"{role}@"))
        assert await rows(url, VALID) == []
    finally:
        await admin.execute(f"drop owned by {role}; drop role {role}")
        await admin.close()


def in_batches(table: str, change: str, line: str = "key=id size=10") -> str:
    return (
        f"-- chatkeep:batch {line}\nUPDATE {table} SET {change} WHERE (true) /* chatkeep:batch */"
    )


TWO = (
    "create table t (id int primary key, b int not null unique, n int default 0, d int default 1);"
    "insert into t select g, 101 - g from generate_series(1, 100) g;"
    "create table u (like t including all); insert into u table t;"
)
COUNTS = "select n, count(*) from t group by n union all select n + 1000, count(*) from u group by n order by 1"


async def broken_off(
    folder_of, database_url: str, connection: asyncpg.Connection, *more: str
) -> None:
    """Statement 1 came through half of its batches."""
    await migrate(Folder.read(folder_of(TWO)), database_url)
    await connection.execute("update t set d = 0 where id = 55")
    texts = MARKER.join([in_batches("t", "n = n + 1 / d"), *more])
    with pytest.raises(MigrationFailedError, match=r"statement 1 of .* failed: division by zero"):
        await migrate(Folder.read(folder_of(TWO, texts)), database_url)


@pytest.mark.parametrize(
    "texts",
    [
        (in_batches("u", "n = n + 1"), in_batches("t", "n = n + 1 / d")),
        (in_batches("t", "n = n + 1 / d", "key=b size=10"),),
        (in_batches("t", "n = n + 3"),),
        ("select 1", in_batches("t", "n = n + 1 / d")),
    ],
    ids=["batch before", "other key", "other text", "statement before"],
)
async def test_place_of_another_statement_is_refused_until_the_caller_drops_it(
    folder_of, database_url, rows, connection, texts
):
    await broken_off(folder_of, database_url, connection)
    folder = Folder.read(folder_of(TWO, MARKER.join(texts)))
    before = await rows(database_url, COUNTS)
    for _ in range(2):  # the refusal drops nothing
        with pytest.raises(
            MigrationEditedError, match="between the batches of statement 1"
        ) as caught:
            await migrate(folder, database_url)
        assert "--resume-after 0" in str(caught.value)
    assert await rows(database_url, COUNTS) == before
    await connection.execute("update t set n = 0, d = 1")
    await migrate(folder, database_url, options=Options(resume_after=0))
    assert len(await rows(database_url, COUNTS)) == 2  # all rows of each alike
    assert (await rows(database_url, "select min(n) from t"))[0][0] in {1, 3}


async def test_same_statement_goes_on_and_its_size_and_comments_are_free(
    folder_of, database_url, rows, connection
):
    await broken_off(folder_of, database_url, connection)
    await connection.execute("update t set d = 1")
    sql = "-- slower\n" + in_batches("t", "n = n + 1  /  d", "key=id size=7 pause=1")
    await migrate(Folder.read(folder_of(TWO, sql)), database_url)
    assert await rows(database_url, "select n, count(*) from t group by n") == [(1, 100)]


async def test_place_stays_when_a_run_goes_on_and_reaches_no_batch(
    folder_of, database_url, rows, connection
):
    await broken_off(folder_of, database_url, connection)
    folder = Folder.read(folder_of(TWO, in_batches("t", "n = n + 1 / d")))
    for _ in range(2):
        with pytest.raises(MigrationFailedError, match="division by zero"):
            await migrate(folder, database_url)
    await connection.execute("update t set d = 1")
    await migrate(folder, database_url)
    assert await rows(database_url, "select n, count(*) from t group by n") == [(1, 100)]


@pytest.mark.parametrize("table", ["u", "t"])
async def test_statement_that_the_caller_skips_leaves_no_place_to_the_next(
    folder_of, database_url, rows, connection, table
):
    """Also where the next is its twin, as the ones by place are."""
    second = in_batches(table, "n = n + 1 / d")
    await broken_off(folder_of, database_url, connection, second)
    await connection.execute("update u set d = 0; update t set d = 0, n = 0")
    folder = Folder.read(folder_of(TWO, MARKER.join([in_batches("t", "n = n + 1 / d"), second])))
    with pytest.raises(MigrationFailedError, match="statement 2 of 2 failed"):
        await migrate(folder, database_url, options=Options(resume_after=1))
    await connection.execute("update u set d = 1; update t set d = 1")
    await migrate(folder, database_url)
    found = await rows(database_url, f"select n, count(*) from {table} group by n")
    assert found == [(1, 100)]
