"""Databases that something else made, adopted; what differs is named, and then nothing is noted."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text

from chatkeep.database.creation import create_tables
from chatkeep.errors import MigrationEditedError, MigrationError, MigrationsFolderError
from chatkeep.kit.applying import ledger
from chatkeep.kit.baseline import Options, baseline
from chatkeep.kit.build import build
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options as GenerateOptions
from chatkeep.kit.generate import generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.status import status
from chatkeep.kit.target import target_of
from chatkeep.presets import deepsearch
from fixtures.dump import dump

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
BOOKS = "select hash, created_at from drizzle.__drizzle_migrations order by id"
STEPS = ("create table t (id int primary key);", "alter table t add note text;")
P = "ai-app-template_"


async def run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def said(done) -> list[str]:
    return [difference.told("the folder", "the database") for difference in done.differences]


async def assert_adopted(folder: Folder, url: str) -> None:
    found = await status(folder, url)
    assert [line.state for line in found.lines] == ["applied"] * len(folder.migrations)
    assert (await migrate(folder, url)).applied == ()


async def test_rows_are_those_that_migrate_would_have_written(
    folder_of, scratch, pg, fresh_database, rows
):
    new = fresh_database(pg)
    made, migrated = await new(), await new()
    folder = Folder.read(folder_of(*STEPS))
    await run(made, "".join(STEPS))
    before = dump(pg, made, "--exclude-schema=drizzle")
    done = await baseline(folder, made, scratch)
    await migrate(folder, migrated)
    assert done.recorded == ("0000_step", "0001_step")
    assert await rows(made, BOOKS) == await rows(migrated, BOOKS)
    assert dump(pg, made, "--exclude-schema=drizzle") == before
    assert dump(pg, made) == dump(pg, migrated)
    await assert_adopted(folder, made)
    async with connect(made) as connection:
        records = (await ledger.read_books(connection)).records
    assert {record.state for record in records.values()} == {"baseline"}


async def test_second_time_finds_nothing_to_note(folder_of, scratch, database_url):
    folder = Folder.read(folder_of(*STEPS))
    await run(database_url, "".join(STEPS))
    await baseline(folder, database_url, scratch)
    again = await baseline(folder, database_url, scratch)
    assert (again.recorded, again.already) == ((), ("0000_step", "0001_step"))


async def test_what_is_applied_already_stays_as_it_is(folder_of, scratch, database_url, rows):
    folder = Folder.read(folder_of(*STEPS))
    await migrate(folder, database_url, to="0000")
    await run(database_url, STEPS[1])
    done = await baseline(folder, database_url, scratch)
    assert (done.already, done.recorded) == (("0000_step",), ("0001_step",))
    states = 'select tag, state from "chatkeep"."migrations" order by tag'
    assert await rows(database_url, states) == [("0000_step", "applied"), ("0001_step", "baseline")]


async def test_database_behind_the_folder_is_told_which_migration_fits(
    folder_of, scratch, database_url
):
    folder = Folder.read(folder_of(*STEPS, "create table later (id int);"))
    await run(database_url, STEPS[0])
    done = await baseline(folder, database_url, scratch)
    assert done.recorded == ()
    assert done.fits == "0000_step"
    assert sorted(said(done)) == [
        "The column public.t.note is in the folder, not in the database",
        "The table public.later is in the folder, not in the database",
    ]
    assert (await status(folder, database_url)).count("pending") == 3
    await baseline(folder, database_url, scratch, Options("0000"))
    assert len((await migrate(folder, database_url)).applied) == 2


async def test_table_of_a_later_migration_that_is_there_is_a_difference(
    folder_of, scratch, database_url
):
    folder = Folder.read(folder_of(*STEPS, "create table later (id int);"))
    await run(database_url, STEPS[0] + "create table later (id int);")
    done = await baseline(folder, database_url, scratch, Options("0000"))
    assert said(done) == ["The table public.later is in the database, not in the folder"]


async def test_strangers_are_let_alone(folder_of, scratch, database_url):
    folder = Folder.read(folder_of(*STEPS))
    await run(database_url, "".join(STEPS))
    await run(
        database_url,
        "create table other (id int); create type mood as enum ('a'); create view v as select 1;"
        "create function f() returns int language sql as 'select 1'; create rule r as on insert to"
        " other do instead nothing; create schema theirs; create table theirs.t (id int)",
    )
    done = await baseline(folder, database_url, scratch, Options(dry_run=True))
    assert done.differences == ()
    claimed = Options(tables_filter=("oth*",), dry_run=True)
    assert (
        "public.other is in the database"
        in said(await baseline(folder, database_url, scratch, claimed))[0]
    )


async def test_what_no_table_needs_is_missed_too(folder_of, scratch, database_url):
    folder = Folder.read(
        folder_of(
            "create type mood as enum ('a', 'b');",
            "create function f() returns int language sql as 'select 1';",
        )
    )
    await run(database_url, "create type mood as enum ('a')")
    done = await baseline(folder, database_url, scratch)
    enum, function = sorted(said(done))
    assert enum == (
        "The enum public.mood is not the same in the folder and the database "
        "(labels: ('a', 'b'), ('a',))"
    )
    assert function.startswith("The function public.f")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("alter table t alter note set not null", "column public.t.note is not the same"),
        ("alter table t alter note set default 'x'", "default public.t.note is in the database"),
        ("alter table t alter note type varchar(9)", "type: 'text', 'character varying(9)'"),
        ("create index by_hand on t (note)", "index public.by_hand is in the database"),
        (
            "alter table t rename constraint t_pkey to t_pk",
            "primary key public.t.t_pkey has another name in the database (name: 't_pkey', 't_pk')",
        ),
        (
            "create trigger x before update on t execute function tsvector_update_trigger()",
            "trigger public.t.x is in the database",
        ),
        ("alter table t enable row level security", "row_security: False, True"),
        ("comment on table t is 'words'", "comment"),
    ],
)
async def test_change_to_our_table_is_named_and_nothing_is_noted(
    folder_of, scratch, database_url, rows, change, told
):
    folder = Folder.read(folder_of(*STEPS))
    await run(database_url, "".join(STEPS))
    await run(database_url, change)
    done = await baseline(folder, database_url, scratch)
    assert len(done.differences) == 1
    assert told in said(done)[0]
    there = await rows(database_url, "select to_regclass('drizzle.__drizzle_migrations')")
    assert there == [(None,)]


async def test_difference_that_is_accepted_counts_for_nothing(folder_of, scratch, database_url):
    folder = Folder.read(folder_of(*STEPS))
    await run(database_url, "".join(STEPS) + "create index by_hand on t (note)")
    options = Options(accept=("index public.by_*",))
    done = await baseline(folder, database_url, scratch, options)
    assert [difference.object for difference in done.accepted] == ["index public.by_hand"]
    assert len(done.recorded) == 2
    await assert_adopted(folder, database_url)


async def test_accepting_what_is_no_difference_is_refused(folder_of, scratch, database_url):
    folder = Folder.read(folder_of(*STEPS))
    await run(database_url, "".join(STEPS) + "create index by_hand on t (note)")
    with pytest.raises(
        MigrationError, match=r"index by_hand.*Differences are in: index public\.by"
    ):
        await baseline(folder, database_url, scratch, Options(accept=("index by_hand",)))


async def test_empty_database_is_told_apart(folder_of, scratch, database_url):
    done = await baseline(Folder.read(folder_of(*STEPS)), database_url, scratch)
    assert done.empty
    assert done.recorded == ()


async def test_migrations_that_write_rows_are_named(folder_of, scratch, database_url):
    folder = Folder.read(folder_of(*STEPS, "insert into t values (1); --> no"))
    await run(database_url, "".join(STEPS))
    done = await baseline(folder, database_url, scratch, Options(dry_run=True))
    assert done.rows == ("0002_step",)


async def test_dry_run_notes_nothing(folder_of, scratch, database_url):
    folder = Folder.read(folder_of(*STEPS))
    await run(database_url, "".join(STEPS))
    done = await baseline(folder, database_url, scratch, Options(dry_run=True))
    assert len(done.recorded) == 2
    assert (await status(folder, database_url)).count("pending") == 2


async def test_edited_migration_is_refused(folder_of, scratch, database_url):
    root = folder_of(*STEPS)
    await migrate(Folder.read(root), database_url, to="0000")
    (root / "0000_step.sql").write_text("create table t (id int primary key );")
    with pytest.raises(MigrationEditedError):
        await baseline(Folder.read(root), database_url, scratch)


async def test_unknown_tag_is_refused(folder_of, scratch, database_url):
    with pytest.raises(MigrationsFolderError, match="0007"):
        await baseline(Folder.read(folder_of(*STEPS)), database_url, scratch, Options("0007"))


async def test_two_at_once_note_each_migration_once(folder_of, scratch, database_url, rows):
    folder = Folder.read(folder_of(*STEPS))
    await run(database_url, "".join(STEPS))
    done = await asyncio.gather(*(baseline(folder, database_url, scratch) for _ in range(4)))
    assert sorted(len(one.recorded) for one in done) == [0, 0, 0, 2]
    assert len(await rows(database_url, BOOKS)) == 2


def models() -> MetaData:
    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_%(column_0_name)s_idx",
            "fk": "%(table_name)s_%(column_0_name)s_fk",
            "pk": "%(table_name)s_pk",
        }
    )
    Table("author", metadata, Column("id", Integer, primary_key=True), Column("name", Text))
    Table(
        "book",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("author_id", ForeignKey("author.id"), index=True),
    )
    return metadata


async def test_database_that_create_all_made(tmp_path, scratch, pg18, fresh_database):
    """`build` calls create_all; what it emits is what an engine would run."""
    url = await fresh_database(pg18)()
    metadata = models()
    await generate(tmp_path / "drizzle", target_of(metadata), scratch, GenerateOptions())
    folder = Folder.read(tmp_path / "drizzle")
    await build(url, metadata)
    assert (await baseline(folder, url, scratch)).recorded == ("0000_initial_schema",)
    await assert_adopted(folder, url)


async def test_database_that_an_older_create_all_made_is_named(
    tmp_path, scratch, pg18, fresh_database
):
    url = await fresh_database(pg18)()
    await build(url, models())
    newer = models()
    newer.tables["book"].append_column(Column("title", Text, nullable=False))
    Index("book_title_idx", newer.tables["book"].c.title)
    await generate(tmp_path / "drizzle", target_of(newer), scratch, GenerateOptions())
    done = await baseline(Folder.read(tmp_path / "drizzle"), url, scratch)
    assert said(done) == [
        "The column public.book.title is in the folder, not in the database",
        "The index public.book_title_idx is in the folder, not in the database",
    ]


async def test_database_that_our_facade_made(tmp_path, scratch, database_url):
    schema = deepsearch.schema(prefix="x_")
    await generate(tmp_path / "drizzle", target_of(schema), scratch, GenerateOptions())
    folder = Folder.read(tmp_path / "drizzle")
    await create_tables(schema, database_url)
    done = await baseline(folder, database_url, scratch)
    assert said(done) == []
    await assert_adopted(folder, database_url)


async def test_the_seeds_hand_written_sql(golden, scratch, pg, fresh_database):
    """Appendix A: the first migration's tables with other names of keys (B3 and B4)."""
    url = await fresh_database(pg)()
    await run(url, (GOLDEN / "deepsearch" / "seed_appendixA.sql").read_text())
    folder = Folder.read(golden("deepsearch"))
    done = await baseline(folder, url, scratch, Options("0000"))
    key, reference = (
        f"{P}account_provider_provider_account_id_pk",
        f"{P}account_user_id_{P}user_id_fk",
    )
    assert sorted(said(done)) == [
        (
            f"The foreign key public.{P}account.{reference} has another name in the database "
            f"(name: '{reference}', 'account_user_id_users_id_fk')"
        ),
        (
            f"The foreign key public.{P}session.{P}session_user_id_{P}user_id_fk has another name "
            f"in the database (name: '{P}session_user_id_{P}user_id_fk', "
            "'session_user_id_users_id_fk')"
        ),
        (
            f"The primary key public.{P}account.{key} has another name in the database "
            f"(name: '{key}', '{P}account_pkey')"
        ),
        (
            f"The primary key public.{P}verification_token.{P}verification_token_identifier_token_pk"
            f" has another name in the database "
            f"(name: '{P}verification_token_identifier_token_pk', '{P}verification_token_pkey')"
        ),
    ]
    assert (await status(folder, url)).count("pending") == 4
    accept = tuple(difference.object for difference in done.differences)
    noted = await baseline(folder, url, scratch, Options("0000", accept=accept))
    assert noted.recorded == ("0000_initial_schema",)
    assert len((await migrate(folder, url)).applied) == 3


@pytest.mark.needs("node")
@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_database_that_drizzle_kit_pushed(
    seed, node_project, scratch, pg18, database_url, rows
):
    project = node_project(seed)
    await asyncio.to_thread(project.kit, "push", "--force", url=database_url)
    shutil.copytree(GOLDEN / seed / "drizzle", project.folder)
    folder = Folder.read(project.folder)
    done = await baseline(folder, database_url, scratch)
    assert said(done) == []
    assert len(done.recorded) == len(folder.migrations)
    await assert_adopted(folder, database_url)
    before, books = dump(pg18, database_url), await rows(database_url, BOOKS)
    said_by_kit = await asyncio.to_thread(project.kit, "migrate", url=database_url)
    assert "migrations applied successfully" in said_by_kit
    assert dump(pg18, database_url) == before
    assert await rows(database_url, BOOKS) == books


async def test_command(folder_of, tmp_path, pg18, database_url):
    folder_of(*STEPS)

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["chatkeep", "baseline", *words, "--url", database_url]
        return _call(tmp_path, *command, "--scratch-url", pg18.admin_url)

    empty = call()
    assert empty.returncode == 1
    assert "has none of the tables" in empty.stdout
    await run(database_url, STEPS[0])
    differs = call()
    assert differs.returncode == 1
    assert differs.stdout.splitlines() == [
        "The column public.t.note is in the folder, not in the database.",
        "Nothing was noted.",
        (
            "The database is what the folder makes up to 0000_step: `chatkeep baseline 0000_step`, "
            "then `chatkeep migrate`."
        ),
    ]
    dry = json.loads(call("0000", "--dry-run", "--json").stdout)
    assert (dry["recorded"], dry["would_record"]) == ([], ["0000_step"])
    done = call("0000")
    assert (done.returncode, done.stdout) == (0, "0000_step  noted, not run\n")
    wrong = call("0000", "--accept", "table x")
    assert wrong.returncode == 1
    assert wrong.stderr.count("\n") == 1


def _call(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    import os
    import sys

    env = {**os.environ, "DATABASE_URL": ""}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)


async def test_drop_that_was_not_done_is_a_difference(folder_of, scratch, database_url):
    made = (
        "create table a (id int primary key); create table b (id int primary key);"
        "create function ff() returns int language sql as 'select 1';"
        "create view old as select 1 as one;"
    )
    gone = "do $$ begin execute 'drop table b'; end $$; drop function ff();"
    root = folder_of(made, gone, "alter view old rename to new; create table later (id int);")
    await run(database_url, made + "create table later (id int); alter view old rename to new;")
    await run(database_url, "create table stranger (id int);")
    done = await baseline(Folder.read(root), database_url, scratch)
    assert sorted(said(done)) == [
        "The function public.ff is in the database, not in the folder",
        "The table public.b is in the database, not in the folder",
    ]
    assert (done.recorded, done.fits) == ((), None)

    await run(database_url, "drop table later; alter view new rename to old;")
    behind = await baseline(Folder.read(root), database_url, scratch)
    assert (behind.recorded, behind.fits) == ((), "0000_step")
    await baseline(Folder.read(root), database_url, scratch, Options("0000"))
    assert len((await migrate(Folder.read(root), database_url)).applied) == 2


async def test_name_that_was_left_is_a_difference(folder_of, scratch, database_url):
    root = folder_of(*STEPS, "alter table t rename to s;")
    await run(database_url, "".join(STEPS) + "create table s (id int primary key, note text);")
    done = await baseline(Folder.read(root), database_url, scratch)
    assert "The table public.t is in the database, not in the folder" in said(done)
    assert done.recorded == ()
