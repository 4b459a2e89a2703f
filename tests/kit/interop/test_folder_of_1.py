"""A folder of drizzle-kit 1.0, and the bookkeeping of the real drizzle-orm 1.0."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from chatkeep.errors import MigrationEditedError, MigrationsFolderError
from chatkeep.kit.baseline import baseline
from chatkeep.kit.check import check
from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.append import Draft, append
from chatkeep.kit.folder.soundness import folder_findings
from chatkeep.kit.generate import Options, generate, generate_custom
from chatkeep.kit.migrate import dry_run, migrate
from chatkeep.kit.review.reviewing import review
from chatkeep.kit.rollback import Options as Accepting
from chatkeep.kit.rollback import prove, rollback, select
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.status import status
from chatkeep.kit.target import target_of
from fixtures.dump import dump
from fixtures.node import for_node
from fixtures.seeds import seed_schema

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle-1" / "maps"
FIRST = "20261121021412_initial_schema"
UNSEEN = "drizzle-kit would not see what it changed"
BOOKS = "select hash, created_at, name from drizzle.__drizzle_migrations order by id"
CONFIG = """
export default {
  dialect: "postgresql", schema: "./schema.ts", out: "./drizzle",
  dbCredentials: { url: process.env.DATABASE_URL ?? "" },
};
"""
# drizzle-orm 1.0's own migrator, which its kit calls; postgres.js wants the socket by hand.
MIGRATE = """
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate } from "drizzle-orm/postgres-js/migrator";
import postgres from "postgres";
const url = new URL(process.env.DATABASE_URL);
const client = postgres({
  host: url.searchParams.get("host"), database: url.pathname.slice(1), username: url.username,
  max: 1, onnotice: () => {},
});
await migrate(drizzle({ client }), { migrationsFolder: "./drizzle" });
await client.end();
"""


@pytest.fixture
def folder1(tmp_path: Path) -> Path:
    """A copy of the folder that drizzle-kit 1.0 made of a seed."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "drizzle"))


@pytest.fixture
def node1(tmp_path: Path, node1_modules: Path) -> Callable[..., str]:
    """Run drizzle-orm's migrator ("migrate"), or drizzle-kit with other words, of 1.0."""
    (tmp_path / "node_modules").symlink_to(node1_modules)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "drizzle.config.ts").write_text(CONFIG)
    (tmp_path / "schema.ts").write_text("export {};\n")
    (tmp_path / "migrate.mjs").write_text(MIGRATE)

    def run(*words: str, url: str = "") -> str:
        command = ["node", "migrate.mjs"]
        if words != ("migrate",):
            command = [str(tmp_path / "node_modules/.bin/drizzle-kit"), *words]
        env = {**os.environ, "DATABASE_URL": for_node(url), "NO_COLOR": "1"}
        made = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert made.returncode == 0, made.stdout + made.stderr
        return made.stdout + made.stderr

    return run


def add(root: Path, name: str, sql: str, follows: str | None = None) -> None:
    (root / name).mkdir()
    (root / name / "migration.sql").write_text(sql)
    if follows is not None:
        before = json.loads((root / follows / "snapshot.json").read_text())
        document = {**before, "id": name, "prevIds": [before["id"]]}
        (root / name / "snapshot.json").write_text(json.dumps(document))


def test_is_read_by_name_and_says_so(folder1):
    add(folder1, "20261121021412_Initial", "select 2")
    add(folder1, "20250101000000_older", "select 0")
    add(folder1, "20261121021412_init_a", "select 1")
    folder = Folder.read(folder1)
    assert folder.format == "1.0"
    assert [m.tag for m in folder.migrations] == [
        "20250101000000_older",
        "20261121021412_init_a",  # as JavaScript's localeCompare has it
        "20261121021412_Initial",
        FIRST,
    ]
    assert folder.migrations[-1].when == 1795227252000
    assert folder.migrations[-1].label == f"{FIRST}/migration.sql"


def test_a_name_without_a_time_is_refused(folder1):
    add(folder1, "later", "select 1")
    with pytest.raises(MigrationsFolderError, match="does not begin with a time"):
        Folder.read(folder1)


def test_findings_of_a_folder(folder1):
    assert folder_findings(Folder.read(folder1)) == []
    add(folder1, "20270101000000_no_snapshot", "select 1")
    add(folder1, "20270101000001_lost", "select 1", FIRST)
    path = folder1 / "20270101000001_lost" / "snapshot.json"
    path.write_text(path.read_text().replace('"prevIds": ["', '"prevIds": ["gone-'))
    (folder1 / "stray.sql").write_text("select 1")
    found = [finding.message for finding in folder_findings(Folder.read(folder1))]
    assert found == [
        f"{folder1 / 'stray.sql'} is not in a folder of its own, so it is never applied.",
        f"20270101000000_no_snapshot has no snapshot.json; {UNSEEN}.",
        "20270101000001_lost follows a snapshot that is not there.",
    ]


async def test_writing_into_it_is_refused_and_changes_nothing(folder1, scratch):
    before = sorted(path.name for path in folder1.rglob("*"))
    refused = pytest.raises(MigrationsFolderError, match=r"folder of drizzle-kit 1\.0")
    with refused:
        await generate(folder1, target_of(seed_schema("maps")), scratch, Options())
    with refused:
        generate_custom(folder1, "by hand")
    with refused:
        append(Folder.read(folder1), [Draft("x", "select 1", {})])
    assert sorted(path.name for path in folder1.rglob("*")) == before


async def test_check_compares_it_with_schema_and_database(folder1, scratch, database_url):
    await migrate(Folder.read(folder1), database_url)
    target = target_of(seed_schema("maps"))
    checked = await check(Folder.read(folder1), target, scratch, url=database_url)
    # drizzle-kit 1.0 leaves the names of constraints to PostgreSQL: the seed's edition has others.
    assert {finding.area for finding in checked.findings} == {"schema"}
    assert any("drizzle-kit 1.0" in note for note in checked.notes)


@pytest.mark.needs("node")
async def test_drizzle_orm_finds_nothing_to_do_after_us(folder1, node1, pg, fresh_database, rows):
    new = fresh_database(pg)
    ours, theirs = await new(), await new()
    await migrate(Folder.read(folder1), ours)
    node1("migrate", url=theirs)
    assert await rows(ours, BOOKS) == await rows(theirs, BOOKS)
    assert [row[2] for row in await rows(ours, BOOKS)] == [FIRST]
    assert dump(pg, ours) == dump(pg, theirs)
    node1("migrate", url=ours)
    assert len(await rows(ours, BOOKS)) == 1
    assert (await status(Folder.read(folder1), theirs)).count("applied") == 1
    applied = "select applied_at is not null from drizzle.__drizzle_migrations"
    assert await rows(ours, applied) == [(True,)]


@pytest.mark.needs("node")
async def test_both_go_on_after_each_other(folder1, node1, pg18, database_url, rows):
    node1("migrate", url=database_url)
    add(folder1, "20270101000000_ours", "create table ours ()", FIRST)
    done = await migrate(Folder.read(folder1), database_url)
    assert [each.migration.tag for each in done.applied] == ["20270101000000_ours"]
    add(folder1, "20270101000000_theirs", "create table theirs ()", FIRST)  # the same second
    node1("migrate", url=database_url)
    assert (await status(Folder.read(folder1), database_url)).count("applied") == 3
    assert (await migrate(Folder.read(folder1), database_url)).applied == ()


@pytest.mark.needs("node")
async def test_a_folder_of_031_that_was_brought_up(
    golden, node1, tmp_path, pg18, database_url, rows
):
    shutil.copytree(golden("maps"), tmp_path / "drizzle")
    await migrate(Folder.read(tmp_path / "drizzle"), database_url)
    node1("up")
    folder = Folder.read(tmp_path / "drizzle")
    assert folder.format == "1.0"
    assert (await status(folder, database_url)).count("applied") == 1
    add(folder.path, "20270101000000_more", "create table more ()")
    await migrate(Folder.read(folder.path), database_url)
    books = await rows(database_url, BOOKS)
    assert [row[2] for row in books] == [folder.migrations[0].tag, "20270101000000_more"]
    node1("migrate", url=database_url)
    assert await rows(database_url, BOOKS) == books
    scratch = Scratch(pg18.admin_url, dumpers=[pg18.bin / "pg_dump"])
    await _back(Folder.read(folder.path), database_url, scratch)
    await _back(folder, database_url, scratch)
    assert (await status(folder, database_url)).count("pending") == 1
    assert await rows(database_url, BOOKS) == []
    states = "select state from chatkeep.migrations order by id"
    assert await rows(database_url, states) == [("reverted",), ("reverted",)]


async def _back(folder: Folder, url: str, scratch: Scratch) -> None:
    """Take the last one back, down to a database without anything of it."""
    empty = """do $$ declare each record; begin
        for each in select c.oid::regclass as name from pg_class c
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        loop execute format('drop table %s cascade', each.name); end loop;
        for each in select t.oid::regtype as name from pg_type t
            where t.typtype = 'e' and t.typnamespace = 'public'::regnamespace
        loop execute format('drop type %s', each.name); end loop;
    end $$"""
    folder.migrations[-1].down_path.write_text(
        "drop table more" if len(folder.migrations) > 1 else empty
    )
    plan = await prove(await select(folder, url), url, scratch)
    await rollback(plan, url, Accepting(accept_data_loss=True))


@pytest.mark.needs("node")
async def test_drizzle_orm_and_we_bring_the_table_to_the_same_form(
    golden, node1, tmp_path, pg18, fresh_database, rows
):
    shutil.copytree(golden("maps"), tmp_path / "drizzle")
    new = fresh_database(pg18)
    ours, theirs = await new(), await new()
    for url in (ours, theirs):
        await migrate(Folder.read(tmp_path / "drizzle"), url)
    node1("up")
    node1("migrate", url=theirs)
    await migrate(Folder.read(tmp_path / "drizzle"), ours)
    assert dump(pg18, ours) == dump(pg18, theirs)
    whole = "select hash, created_at, name, applied_at from drizzle.__drizzle_migrations"
    assert await rows(ours, whole) == await rows(theirs, whole)


@pytest.mark.needs("node")
async def test_a_folder_of_031_goes_on_with_the_table_of_1(
    golden, node1, tmp_path, pg18, database_url, rows
):
    root = golden("deepsearch")
    await migrate(Folder.read(root), database_url, to="0001")
    shutil.copytree(root, tmp_path / "drizzle")
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "alter table drizzle.__drizzle_migrations add column name text,"
        " add column applied_at timestamp with time zone default now()"
    )
    await connection.close()
    done = await migrate(Folder.read(root), database_url)
    assert len(done.applied) == 2
    assert (await status(Folder.read(root), database_url)).count("applied") == 4


async def test_a_dry_run_prints_how_the_table_is_brought_up(folder1, folder_of, database_url):
    await migrate(Folder.read(folder_of("select 1", name="older")), database_url)
    folder = Folder.read(folder1)
    assert "add column if not exists name text" in (await dry_run(folder, database_url)).before
    await migrate(folder, database_url)
    add(folder1, "20270101000000_more", "select 7")
    after = await dry_run(Folder.read(folder1), database_url)
    assert "add column" not in after.before
    assert FIRST not in "".join(each.sql for each in after.planned)


OF_031 = """
create schema drizzle;
create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);
"""
NOTE = "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)"


async def noted_by_031(folder: Folder, url: str) -> None:
    """Note the first migration as drizzle-kit 0.31 does, to the millisecond and without a name."""
    first = folder.migrations[0]
    connection = await asyncpg.connect(url)
    await connection.execute(OF_031)
    await connection.execute(NOTE, first.hash, first.when + 123)
    await connection.close()


async def test_a_dry_run_prints_how_the_table_is_brought_up_though_nothing_is_pending(
    folder1, database_url
):
    folder = Folder.read(folder1)
    await noted_by_031(folder, database_url)
    found = await dry_run(folder, database_url)
    assert found.planned == ()
    assert "add column if not exists name text" in found.books
    assert f"set name = '{FIRST}'" in found.books
    await migrate(folder, database_url)
    assert (await dry_run(folder, database_url)).books == ""


async def test_a_baseline_names_the_rows_that_were_there(folder1, scratch, database_url, rows):
    add(folder1, "20270101000000_more", "create table more ()", FIRST)
    folder = Folder.read(folder1)
    await noted_by_031(folder, database_url)
    connection = await asyncpg.connect(database_url)
    for migration in folder.migrations:
        await connection.execute(migration.sql)
    await connection.close()
    done = await baseline(folder, database_url, scratch)
    assert (done.recorded, done.already) == (("20270101000000_more",), (FIRST,))
    assert [row[2] for row in await rows(database_url, BOOKS)] == [FIRST, "20270101000000_more"]


async def test_an_edited_migration_is_refused(folder1, database_url):
    await migrate(Folder.read(folder1), database_url)
    path = folder1 / FIRST / "migration.sql"
    path.write_text(path.read_text() + "\n--")
    assert (await status(Folder.read(folder1), database_url)).count("edited") == 1
    with pytest.raises(MigrationEditedError, match=f"{FIRST}/migration.sql changed"):
        await migrate(Folder.read(folder1), database_url)


async def test_a_renamed_migration_is_not_applied_twice(folder1, database_url):
    await migrate(Folder.read(folder1), database_url)
    (folder1 / FIRST).rename(folder1 / "20270101000000_renamed")
    with pytest.raises(MigrationEditedError, match="another date"):
        await migrate(Folder.read(folder1), database_url)


async def test_review_and_rollback_of_such_a_folder(folder1, scratch, database_url, rows):
    add(folder1, "20270101000000_a", "create table a (id integer primary key)", FIRST)
    add(folder1, "20270101000000_b", "alter table users drop column name", FIRST)
    folder = Folder.read(folder1)
    found = await review(folder, scratch, tags=["20270101000000_b"])
    assert [each.file for each in found.migrations] == ["20270101000000_b/migration.sql"]
    assert "column-dropped" in {f.rule for each in found.migrations for f in each.findings}
    await migrate(folder, database_url, to="20270101000000_a")
    up = folder.migrations[1]
    up.down_path.write_text(f"-- chatkeep:reverse {up.hash}\ndrop table a")
    assert up.down_path == folder1 / "20270101000000_a" / "migration.down.sql"
    plan = await prove(await select(folder, database_url), database_url, scratch)
    done = await rollback(plan, database_url, Accepting(accept_data_loss=True))
    assert [each.migration.tag for each in done.reverted] == ["20270101000000_a"]
    assert await rows(database_url, "select to_regclass('a') is null") == [(True,)]
    assert [row[2] for row in await rows(database_url, BOOKS)] == [FIRST]
    assert (await status(folder, database_url)).count("pending") == 2
