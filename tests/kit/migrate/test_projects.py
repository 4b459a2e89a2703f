"""Two projects in one database, with the same dates and the same names: neither sees the other."""

import json

import asyncpg
import pytest

from chatkeep.errors import MigrationEditedError, MigrationLockError
from chatkeep.kit.applying.lock import migration_lock
from chatkeep.kit.folder.reading import Folder
from chatkeep.kit.migrate import Options, migrate
from chatkeep.kit.status import status

TABLES = "select tablename from pg_tables where schemaname = 'public' order by 1"


@pytest.fixture
def project(folder_of):
    """A folder of these texts whose first snapshot has an id of its own."""

    def write(prefix: str, *texts: str) -> Folder:
        root = folder_of(*texts, name=prefix)
        (root / "meta" / "0000_snapshot.json").write_text(json.dumps({"id": f"id-of-{prefix}"}))
        return Folder.read(root)

    return write


async def test_each_has_its_own_migrations_and_its_own_status(project, database_url, rows):
    one = project("one", "create table one_user ()", "create table one_chat ()")
    two = project("two", "create table two_user ()", "create table two_chat ()")
    assert len((await migrate(one, database_url)).applied) == 2
    assert [line.state for line in (await status(two, database_url)).lines] == ["pending"] * 2
    assert len((await migrate(two, database_url)).applied) == 2
    assert [name for (name,) in await rows(database_url, TABLES)] == [
        "one_chat",
        "one_user",
        "two_chat",
        "two_user",
    ]
    for folder in (one, two):
        seen = await status(folder, database_url)
        assert [line.state for line in seen.lines] == ["applied"] * 2
        assert seen.is_sound
        assert (await migrate(folder, database_url)).applied == ()


async def test_edited_is_still_told_from_foreign(project, database_url):
    one = project("one", "create table one_user ()")
    two = project("two", "create table two_user ()")
    await migrate(one, database_url)
    await migrate(two, database_url)
    (two.path / "0000_step.sql").write_text("create table two_person ()")
    with pytest.raises(MigrationEditedError, match="0000_step"):
        await migrate(Folder.read(two.path), database_url)
    assert (await migrate(one, database_url)).applied == ()


async def test_what_one_broke_off_is_not_the_other_ones(project, database_url):
    one = project("one", "create table t (i int)", "vacuum t")
    await migrate(one, database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "update chatkeep.migrations set state = 'running' where created_at = 200;"
        "delete from drizzle.__drizzle_migrations where created_at = 200"
    )
    await connection.close()
    two = project("two", "create table u ()", "create table v ()")
    assert len((await migrate(two, database_url)).applied) == 2
    assert (await status(one, database_url)).lines[1].state == "running"
    assert len((await migrate(one, database_url)).applied) == 1


async def test_locks_of_two_projects_do_not_meet_and_that_of_all_locks_both_out(
    project, database_url
):
    one, two = project("one", "create table a ()"), project("two", "create table b ()")
    holder = await asyncpg.connect(database_url, server_settings={"application_name": "colleague"})
    short = Options(lock_wait=0)
    async with migration_lock(holder, wait=0, project="id-of-one"):
        await migrate(two, database_url, options=short)
        with pytest.raises(MigrationLockError, match="colleague"):
            await migrate(one, database_url, options=short)
    async with migration_lock(holder, wait=0):
        for folder in (one, two):
            with pytest.raises(MigrationLockError, match="colleague"):
                await migrate(folder, database_url, options=short)
    await migrate(one, database_url, options=short)
    await holder.close()


async def test_records_of_an_older_chatkeep_are_taken_over(project, database_url, rows):
    one = project("one", "create table a ()")
    connection = await asyncpg.connect(database_url)
    await migrate(one, database_url)
    await connection.execute(
        "alter table chatkeep.migrations drop state, drop project, drop statements, drop done, "
        "drop attempted, drop attempted_at, drop done_hash, drop position"
    )
    await connection.close()
    assert (await status(one, database_url)).is_sound
    assert (await migrate(one, database_url)).already == 1
    assert await rows(database_url, "select project, state from chatkeep.migrations") == [
        ("id-of-one", "applied")
    ]


async def test_older_ledger_that_may_not_be_changed_is_written_as_it_is(
    project, pg18, fresh_database, rows
):
    url = await fresh_database(pg18)()
    await migrate(project("one", "create table a ()"), url)
    role = url.split("@/")[1].split("?", maxsplit=1)[0] + "_role"
    admin = await asyncpg.connect(url)
    await admin.execute(
        "alter table chatkeep.migrations drop state, drop project, drop statements, drop done, "
        "drop attempted, drop attempted_at, drop done_hash, drop position;"
        f"create role {role} login; grant usage on schema drizzle, chatkeep to {role};"
        f"grant all on all tables in schema drizzle, chatkeep to {role};"
        f"grant all on all sequences in schema drizzle to {role};"
        f"grant create on schema public to {role}"
    )
    try:
        both = project("one", "create table a ()", "create table b ()")
        report = await migrate(both, url.replace("postgres@", f"{role}@"))
        assert (len(report.applied), report.ledger) == (1, True)
        assert await rows(url, "select tag from chatkeep.migrations") == [
            ("0000_step",),
            ("0001_step",),
        ]
    finally:
        await admin.execute(f"drop owned by {role} cascade; drop role {role}")
        await admin.close()
