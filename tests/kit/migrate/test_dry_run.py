"""`--dry-run`: what it prints is what runs, to the letter."""

import subprocess

import asyncpg
import pytest

from chatkeep.errors import MigrationError
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.folder.reading import MARKER, Folder
from chatkeep.kit.migrate import Options, dry_run, migrate
from fixtures.dump import dump

TEXTS = (
    f"create table t (id int primary key, n int);{MARKER}\ninsert into t values (1, 1);",
    "create index concurrently t_n on t (n) -- the end",
    f"create type e as enum ('a');{MARKER}\nselect ';'",
    f"alter type e add value 'b';{MARKER}\nalter table t add column e e default 'b';",
    "set role postgres; create table u ()",
)
BOOKS = """
select tag, l.hash, l.created_at, state, statements, done, done_hash, d.hash
from chatkeep.migrations l
join drizzle.__drizzle_migrations d using (created_at) order by l.id
"""


async def test_psql_makes_of_it_what_migrate_makes(folder_of, pg18, fresh_database, rows):
    databases = fresh_database(pg18)
    folder = Folder.read(folder_of(*TEXTS))
    ours, theirs = await databases(), await databases()
    found = await dry_run(folder, theirs)
    assert await rows(theirs, "select 1 from pg_namespace where nspname = 'drizzle'") == []
    text = "".join([found.before, *(one.sql for one in found.planned), found.after])
    command = [str(pg18.bin / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", theirs]
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    await migrate(folder, ours)
    assert dump(pg18, theirs) == dump(pg18, ours)
    assert await rows(theirs, BOOKS) == await rows(ours, BOOKS)
    assert (await migrate(folder, theirs)).applied == ()


async def test_every_statement_that_changes_something_stands_in_it(
    folder_of, database_url, monkeypatch
):
    folder = Folder.read(folder_of(*TEXTS))
    options = Options(limits=Limits(lock_timeout=3, statement_timeout=9))
    found = await dry_run(folder, database_url, options=options)
    text = "".join([found.before, *(one.sql for one in found.planned), found.after])
    sent: list[str] = []
    execute = asyncpg.Connection.execute

    async def noted(self: asyncpg.Connection, query: str, *rest: object, **more: object) -> str:
        sent.append(query)
        return await execute(self, query, *rest, **more)

    monkeypatch.setattr(asyncpg.Connection, "execute", noted)
    await migrate(folder, database_url, options=options)
    assert len(sent) > 20
    printed = _plain(text)
    for query in sent:
        if "pg_locks" in query:
            continue  # only looks whether the lock is held still
        assert _plain(query) in printed, query
    assert "set local lock_timeout = '3000ms';" in text
    assert "set local statement_timeout = '9000ms';" in text
    assert "set lock_timeout = 0;" in text


def _plain(sql: str) -> str:
    """Without spaces and semicolons, which stand elsewhere in what is printed, and in small letters."""
    return "".join(sql.split()).replace(";", "").lower()


async def test_broken_off_migration_is_printed_from_where_it_goes_on(folder_of, database_url):
    failing = f"select 1;{MARKER}\nvacuum;{MARKER}\nselect nothing"
    folder = Folder.read(folder_of("create table t ()", failing))
    with pytest.raises(MigrationError):
        await migrate(folder, database_url)
    (planned,) = (await dry_run(folder, database_url)).planned
    assert "-- statement 3 of 3\n" in planned.sql
    assert "vacuum" not in planned.sql


async def test_bookkeeping_of_an_older_chatkeep_is_brought_up_though_nothing_is_pending(
    folder_of, database_url, rows
):
    root = folder_of("create table t ()")
    (root / "meta" / "0000_snapshot.json").write_text('{"id": "this-project"}')
    folder = Folder.read(root)
    await migrate(folder, database_url)
    assert (await dry_run(folder, database_url)).books == ""
    await rows(database_url, "alter table chatkeep.migrations drop position, drop project")
    found = await dry_run(folder, database_url)
    assert found.planned == ()
    assert "add column if not exists position text" in found.books
    assert "set project = 'this-project'\nwhere project is null" in found.books
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"{found.before}{found.after}")
    await connection.close()
    assert await rows(database_url, "select project from chatkeep.migrations") == [
        ("this-project",)
    ]
    assert (await dry_run(folder, database_url)).books == ""
