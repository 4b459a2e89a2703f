"""Many migrations become one: the same database, and both kinds of database stay valid."""

import asyncio
import json
import os
import subprocess
import sys

import asyncpg
import pytest

from chatkeep.errors import MigrationError, MigrationOrderError, ProofFailedError
from chatkeep.kit.applying.project import project_of
from chatkeep.kit.check import check
from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.append import Draft, append
from chatkeep.kit.folder.soundness import folder_findings
from chatkeep.kit.generate import Options as GenerateOptions
from chatkeep.kit.generate import generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.snapshot.snapshot import empty_snapshot
from chatkeep.kit.squash import Options, squash
from chatkeep.kit.status import status
from chatkeep.kit.target import target_of
from fixtures.dump import dump
from fixtures.seeds import hardened_schema, seed_schema

BOOKS = "select hash, created_at from drizzle.__drizzle_migrations order by id"
SEQUENCES = "select sequencename::text, last_value from pg_sequences where schemaname = 'public'"


async def run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture
def folder_with(tmp_path):
    """A folder whose migrations have these texts, with snapshots."""

    def write(*texts: str):
        folder = Folder.read(tmp_path / "drizzle", create=True)
        for number, sql in enumerate(texts):
            folder, _ = append(folder, [Draft(f"step {number}", sql, empty_snapshot())])
        return folder.path

    return write


TABLES = (
    "create table t (id int primary key, gone int);",
    "alter table t drop gone; alter table t add kept text; create index t_kept on t (kept);",
    "create table u (id serial primary key, t_id int references t);",
)


async def test_seeds_folder_makes_the_same_dump(golden, scratch, pg, fresh_database, rows):
    new = fresh_database(pg)
    root, urls = golden("deepsearch"), [await new(), await new()]
    await migrate(Folder.read(root), urls[0])
    project = project_of(Folder.read(root))
    done = await squash(root, scratch)
    assert done.path == root / "0003_squashed.sql"
    folder = Folder.read(root)
    assert [m.tag for m in folder.migrations] == ["0003_squashed"]
    assert folder_findings(folder) == []
    assert project_of(folder) == project
    await migrate(folder, urls[1])
    assert dump(pg, urls[0]) == dump(pg, urls[1])

    found = await status(folder, urls[0])
    assert [line.state for line in found.lines] == ["applied"]
    assert found.unknown == ()
    books = await rows(urls[0], BOOKS)
    assert (await migrate(folder, urls[0])).applied == ()
    assert await rows(urls[0], BOOKS) == books


async def test_what_comes_after_stays_and_runs_on_both(
    folder_with, scratch, pg18, fresh_database, rows
):
    new = fresh_database(pg18)
    root, urls = folder_with(*TABLES, "alter table u add late text;"), [await new(), await new()]
    before = Folder.read(root)
    await migrate(before, urls[0], to="0002")
    done = await squash(root, scratch, Options("0002", url=urls[0]))
    assert done.replaced == ("0000_step_0", "0001_step_1", "0002_step_2")
    folder = Folder.read(root)
    assert [m.tag for m in folder.migrations] == ["0002_squashed", "0003_step_3"]
    assert folder.migrations[0].when == before.migrations[2].when
    assert folder_findings(folder) == []
    for url in urls:
        await migrate(folder, url)
    assert dump(pg18, urls[0]) == dump(pg18, urls[1])
    assert len(await rows(urls[0], BOOKS)) == 4
    assert len(await rows(urls[1], BOOKS)) == 2


async def test_old_files_are_kept_beside(folder_with, scratch):
    root = folder_with(*TABLES)
    (root / "0001_step_1.down.sql").write_text("drop index t_kept;")
    texts = {path.name: path.read_text() for path in root.glob("*.sql")}
    await squash(root, scratch)
    kept = root / "squashed" / "0002_squashed"
    assert {path.name: path.read_text() for path in kept.iterdir()} == texts
    assert sorted(path.name for path in root.glob("*.sql")) == ["0002_squashed.sql"]
    assert sorted(p.name for p in (root / "meta").iterdir()) == [
        "0002_snapshot.json",
        "_journal.json",
    ]


async def test_squashed_again_is_known_to_all_three(folder_with, scratch, pg18, fresh_database):
    new = fresh_database(pg18)
    root = folder_with(*TABLES, "alter table u add late text;")
    originals, once, fresh = await new(), await new(), await new()
    await migrate(Folder.read(root), originals)
    await squash(root, scratch, Options("0002"))
    await migrate(Folder.read(root), once)
    await squash(root, scratch, Options(name="again"))
    folder = Folder.read(root)
    assert [m.tag for m in folder.migrations] == ["0003_again"]
    assert len((await migrate(folder, fresh)).applied) == 1
    for url in (originals, once):
        assert (await migrate(folder, url)).applied == ()
        found = await status(folder, url)
        assert (found.count("applied"), found.unknown) == (1, ())
        assert dump(pg18, url) == dump(pg18, fresh)


async def test_half_applied_database_is_refused(folder_with, scratch, database_url):
    root = folder_with(*TABLES)
    await migrate(Folder.read(root), database_url, to="0001")
    with pytest.raises(MigrationOrderError, match="does not have 0002_step_2"):
        await squash(root, scratch, Options(url=database_url))
    await squash(root, scratch)
    with pytest.raises(MigrationOrderError, match=r"0002_squashed.*lacks 0002_step_2"):
        await migrate(Folder.read(root), database_url)


async def test_steps_that_leave_nothing_are_left_out_and_named(folder_with, scratch):
    root = folder_with(*TABLES, "update t set kept = 'x' where kept is null;")
    done = await squash(root, scratch)
    assert done.left_out == ("0003_step_3",)
    assert done.rows == {}
    assert "no such rows: 0003_step_3." in done.sql


async def test_rows_are_not_left_out_unasked(folder_with, scratch):
    root = folder_with(*TABLES, "insert into t values (1, 'secret word');")
    before = sorted(root.rglob("*"))
    with pytest.raises(MigrationError, match=r"0003_step_3 .*1 of public\.t") as refused:
        await squash(root, scratch)
    assert "secret word" not in str(refused.value)
    assert sorted(root.rglob("*")) == before


async def test_rows_are_taken_along_when_told(folder_with, scratch, pg18, fresh_database, rows):
    new = fresh_database(pg18)
    root = folder_with(
        *TABLES,
        "insert into t values (2, E'it''s \\\\ \\n new'), (1, null);"
        "insert into u (t_id) select id from t order by id;"
        "create table ring (id int generated always as identity primary key, up int references ring,"
        " twice int generated always as (up * 2) stored);"
        "insert into ring (up) values (null), (1), (2);",
    )
    old, fresh = await new(), await new()
    await migrate(Folder.read(root), old)
    done = await squash(root, scratch, Options(accept_rows=True))
    assert done.rows == {"public.t": 2, "public.u": 2, "public.ring": 3}
    await migrate(Folder.read(root), fresh)
    assert dump(pg18, old) == dump(pg18, fresh)
    for query in ("table t", "table u", "table ring", SEQUENCES):
        assert sorted(map(repr, await rows(old, query))) == sorted(
            map(repr, await rows(fresh, query))
        )


async def test_rows_that_would_not_be_the_same_are_refused(folder_with, scratch):
    root = folder_with(
        "create table t (id int);",
        "create function f() returns trigger language plpgsql as 'begin new.id = new.id + 1; "
        "return new; end'; create trigger f before insert on t for each row execute function f();"
        "insert into t values (1);",
    )
    with pytest.raises(ProofFailedError, match=r"rows of public\.t are not the same"):
        await squash(root, scratch, Options(accept_rows=True))
    assert len(Folder.read(root).migrations) == 2


async def test_one_migration_is_nothing_to_do(folder_with, scratch):
    root = folder_with(TABLES[0])
    assert (await squash(root, scratch)).path is None
    assert [m.tag for m in Folder.read(root).migrations] == ["0000_step_0"]


async def test_dry_run_writes_nothing(folder_with, scratch):
    root = folder_with(*TABLES)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    done = await squash(root, scratch, Options(dry_run=True))
    assert 'CREATE TABLE "t"' in done.sql or 'CREATE TABLE "public"."t"' in done.sql
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


async def test_upgrade_that_is_half_way_goes_on(golden, scratch, pg18, database_url):
    root, target = golden("deepsearch"), target_of(hardened_schema("deepsearch"))
    await generate(root, target, scratch, GenerateOptions(hold_contract=True))
    await migrate(Folder.read(root), database_url)
    await squash(root, scratch)
    written = await generate(root, target, scratch, GenerateOptions())
    assert [path.name.endswith("_contract.sql") for path in written.paths] == [True]
    await migrate(Folder.read(root), database_url)
    assert (await check(Folder.read(root), target, scratch, url=database_url)).findings == []


@pytest.mark.needs("node")
async def test_real_drizzle_kit_goes_on_with_it(
    node_project, seed_folder, scratch, pg18, fresh_database, rows
):
    new = fresh_database(pg18)
    old, fresh = await new(), await new()
    project = node_project("deepsearch")
    seed_folder("deepsearch").rename(project.folder)
    await asyncio.to_thread(project.kit, "migrate", url=old)
    target = target_of(seed_schema("deepsearch"))
    await squash(project.folder, scratch, Options(full_names=target.full_names))
    assert "Everything's fine" in await asyncio.to_thread(project.kit, "check")
    assert "No schema changes" in await asyncio.to_thread(project.kit, "generate")
    books = await rows(old, BOOKS)
    for url in (old, fresh):
        said = await asyncio.to_thread(project.kit, "migrate", url=url)
        assert "migrations applied successfully" in said
    assert await rows(old, BOOKS) == books
    assert len(await rows(fresh, BOOKS)) == 1
    assert dump(pg18, old) == dump(pg18, fresh)


def test_command(folder_with, tmp_path, pg18):
    folder_with(*TABLES, "insert into t values (1);")

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DATABASE_URL": ""}
        command = [sys.executable, "-m", "chatkeep", "squash", *words]
        command += ["--scratch-url", pg18.admin_url]
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)

    refused = call()
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "--accept-data-steps" in refused.stderr
    report = json.loads(call("--dry-run", "--accept-data-steps", "--json").stdout)
    assert (report["written"], report["rows"]) == (None, {"public.t": 1})
    done = call("--to", "0002")
    assert done.returncode == 0
    assert "It stands for 3 migrations" in done.stdout
    again = call("--to", "0002")
    assert (again.returncode, "Nothing to do" in again.stdout) == (0, True)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("create role chatkeep_folded;", "create role chatkeep_folded"),
        ("alter user postgres set work_mem = '4MB';", "alter user postgres set work_mem"),
        ("drop role if exists chatkeep_folded;", "drop role if exists chatkeep_folded"),
        ("create database chatkeep_folded;", "create database chatkeep_folded"),
        ("alter system set work_mem = '4MB';", "alter system set work_mem"),
        ("grant pg_monitor to chatkeep_folded;", "grant pg_monitor to chatkeep_folded"),
        ("comment on role postgres is 'x';", "comment on role postgres is"),
        ("do $$ begin create role chatkeep_folded; end $$;", "do"),
        ("do $$ begin execute format('alter database %I set x.y = z', 'd'); end $$;", "do"),
    ],
)
async def test_statement_for_the_whole_server_is_not_folded(folder_with, scratch, sql, named):
    root = folder_with(*TABLES, f"create index u_id on u (t_id);\n{sql}")
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with pytest.raises(MigrationError) as refused:
        await squash(root, scratch)
    assert f"0003_step_3.sql: statement 2 of 2 (`{named}`) is for the whole server" in str(
        refused.value
    )
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    assert len((await squash(root, scratch, Options("0002"))).replaced) == 3


async def test_statement_that_is_the_database_s_own_is_folded(folder_with, scratch):
    own = (
        "comment on table t is 'create role'; grant select on t to public;"
        "create function f() returns int language sql as 'select 1 -- alter role';"
        "do $$ begin create index u_id on u (t_id); end $$; drop index u_id;"
        'create table "user" (role text); create table role (id int); alter table role add n int;'
    )
    root = folder_with(*TABLES, own)
    assert len((await squash(root, scratch)).replaced) == 4
