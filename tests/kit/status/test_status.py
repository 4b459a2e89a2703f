"""What a database has of a folder."""

import asyncpg

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.status import status


async def test_applied_and_pending(folder_of, database_url):
    folder = Folder.read(folder_of("create table a()", "create table b()"))
    await migrate(folder, database_url, to="0000")
    found = await status(folder, database_url)
    assert [(line.tag, line.state) for line in found.lines] == [
        ("0000_step", "applied"),
        ("0001_step", "pending"),
    ]
    assert found.lines[0].applied_at is not None
    assert found.lines[0].seconds is not None


async def test_everything_is_pending_where_nothing_was_ever_migrated(folder_of, database_url, rows):
    found = await status(Folder.read(folder_of("select 1")), database_url)
    assert found.count("pending") == 1
    assert await rows(database_url, "select 1 from pg_namespace where nspname = 'drizzle'") == []


async def test_edited_migration_is_shown(folder_of, database_url):
    root = folder_of("create table a()")
    await migrate(Folder.read(root), database_url)
    (root / "0000_step.sql").write_text("create table b()")
    assert (await status(Folder.read(root), database_url)).count("edited") == 1


async def test_migration_of_drizzle_kit_has_no_time(folder_of, database_url):
    folder = Folder.read(folder_of("create table a()"))
    await migrate(folder, database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute("drop schema chatkeep cascade")
    await connection.close()
    (line,) = (await status(folder, database_url)).lines
    assert (line.state, line.applied_at) == ("applied", None)


async def test_row_that_the_folder_lacks_is_unknown_and_named_by_our_ledger(
    folder_of, database_url
):
    await migrate(Folder.read(folder_of("select 1", "select 2", name="full")), database_url)
    found = await status(Folder.read(folder_of("select 1")), database_url)
    assert [(row.created_at, row.tag) for row in found.unknown] == [(200, "0001_step")]


async def test_same_row_twice_counts_once(folder_of, database_url):
    folder = Folder.read(folder_of("select 1"))
    await migrate(folder, database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "insert into drizzle.__drizzle_migrations (hash, created_at) "
        "select hash, created_at from drizzle.__drizzle_migrations"
    )
    await connection.close()
    found = await status(folder, database_url)
    assert (found.count("applied"), [row.id for row in found.unknown]) == (1, [2])
