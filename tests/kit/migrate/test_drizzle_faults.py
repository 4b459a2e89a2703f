"""Where drizzle's migrator goes wrong, one row of the table after the other: what ours does."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from chatkeep.errors import (
    ConfigError,
    ConnectionFailedError,
    MigrationEditedError,
    MigrationFailedError,
    MigrationFileMissingError,
    MigrationOrderError,
    MigrationsFolderError,
)
from chatkeep.kit.folder.reading import MARKER, Folder
from chatkeep.kit.migrate import Options, migrate
from chatkeep.kit.status import status
from fixtures.dump import dump

TABLES = "select string_agg(tablename, ',' order by tablename) from pg_tables where schemaname = 'public'"
DATES = "select array_agg(created_at order by id) from drizzle.__drizzle_migrations"
CODE = """
import asyncio, sys
from pathlib import Path
from chatkeep.kit.folder.reading import Folder
from chatkeep.kit.migrate import migrate
asyncio.run(migrate(Folder.read(Path(sys.argv[1])), sys.argv[2]))
"""


class Case:
    """A database, a way to write folders, and what can be asked."""

    def __init__(self, url: str, folder_of: Callable[..., Path]) -> None:
        self.url = url
        self.folder_of = folder_of

    async def run(self, *texts: str, whens: list[int] | None = None, **options: object) -> int:
        folder = Folder.read(self.folder_of(*texts, whens=whens))
        report = await migrate(folder, self.url, options=Options(**options))
        return len(report.applied)

    async def one(self, sql: str) -> object:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def together(self, *texts: str, processes: int = 4) -> None:
        """Run in so many processes at once; all must end well."""
        root = self.folder_of(*texts)
        command = [sys.executable, "-c", CODE, str(root), self.url]
        runs = [subprocess.Popen(command) for _ in range(processes)]
        assert [await asyncio.to_thread(run.wait) for run in runs] == [0] * processes


A, B, C = "create table a ()", "create table b ()", "create table c ()"


async def rerun(case: Case) -> None:
    assert (await case.run(A), await case.run(A)) == (1, 0)


async def edited_applied_migration(case: Case) -> None:
    await case.run(A)
    with pytest.raises(MigrationEditedError, match="0000_step"):
        await case.run(f"{A}; select 1")


async def earlier_when_added_later(case: Case) -> None:
    await case.run(A, C, whens=[100, 300])
    for texts, whens in (((A, B, C), [100, 200, 300]), ((A, C, B), [100, 300, 200])):
        with pytest.raises(MigrationOrderError, match="is pending"):
            await case.run(*texts, whens=whens)
    assert await case.run(A, C, B, whens=[100, 300, 200], allow_out_of_order=True) == 1
    assert await case.one(TABLES) == "a,b,c"


async def fresh_and_existing_databases_diverge(case: Case) -> None:
    with pytest.raises(MigrationOrderError):  # on an empty database too, so none is different
        await case.run(A, C, B, whens=[100, 300, 200])
    assert await case.one(TABLES) is None


async def equal_when_later(case: Case) -> None:
    await case.run(A, whens=[100])
    with pytest.raises(MigrationOrderError, match="not dated earlier"):
        await case.run(A, B, whens=[100, 100])
    assert await case.run(A, B, whens=[100, 100], allow_out_of_order=True) == 1


async def file_and_entry_removed(case: Case) -> None:
    snapshot = case.folder_of(A, B) / "meta" / "0000_snapshot.json"
    snapshot.write_text(json.dumps({"id": "this-project"}))
    await case.run(A, B)
    with pytest.raises(MigrationFileMissingError, match="has 0001_step, which was applied"):
        await case.run(A)
    assert (await status(Folder.read(case.folder_of(A)), case.url)).missing == ("0001_step",)


async def row_with_null_created_at(case: Case) -> None:
    await case.run(A)
    await case.one("insert into drizzle.__drizzle_migrations (hash) values ('x') returning 1")
    assert await case.run(A) == 0
    assert await case.one("select count(*) from drizzle.__drizzle_migrations") == 2


async def sql_file_missing(case: Case) -> None:
    root = case.folder_of(A, B)
    (root / "0001_step.sql").unlink()
    with pytest.raises(MigrationFileMissingError, match=r"0001_step\.sql is not there"):
        Folder.read(root)


async def no_journal(case: Case) -> None:
    root = case.folder_of(A)
    (root / "meta" / "_journal.json").unlink()
    with pytest.raises(MigrationsFolderError, match="has no journal"):
        Folder.read(root)


async def failure_in_the_second_pending(case: Case) -> None:
    with pytest.raises(
        MigrationFailedError, match=r"0001_step\.sql: statement 1 of 1 \(line 1\) failed"
    ):
        await case.run(A, "select nothing", C)
    assert (await case.one(TABLES), await case.one(DATES)) == ("a", [100])


async def create_index_concurrently(case: Case) -> None:
    assert await case.run("create table a (i int)", "create index concurrently a_i on a (i)") == 2
    assert await case.one("select indisvalid from pg_index where indexrelid = 'a_i'::regclass")


async def commit_inside_a_file(case: Case) -> None:
    with pytest.raises(MigrationFailedError, match="holds COMMIT; nothing was run"):
        await case.run(f"{A};{MARKER}\nCOMMIT;{MARKER}\nselect nothing")
    assert await case.one(TABLES) is None


async def label_added_and_used_in_one_run(case: Case) -> None:
    await case.run("create type e as enum ('a'); create table t (e e)")
    texts = "alter type e add value 'b'", "insert into t values ('b')"
    first = "create type e as enum ('a'); create table t (e e)"
    assert await case.run(first, *texts) == 2


async def four_at_once_on_a_fresh_database(case: Case) -> None:
    await case.together(A, B, C)
    assert (await case.one(TABLES), await case.one(DATES)) == ("a,b,c", [100, 200, 300])


async def four_at_once_inserting_only(case: Case) -> None:
    await case.run("create table t (i int)")
    await case.together("create table t (i int)", "insert into t values (1)")
    assert (await case.one("select count(*) from t"), await case.one(DATES)) == (1, [100, 200])


async def no_right_to_create_in_the_database(case: Case) -> None:
    await case.run(A)
    role = case.url.split("@/")[1].split("?", maxsplit=1)[0] + "_role"
    connection = await asyncpg.connect(case.url)
    try:
        await connection.execute(
            f"create role {role} login; grant create on schema public to {role};"
            f"grant usage on schema drizzle, chatkeep to {role};"
            f"grant all on all tables in schema drizzle, chatkeep to {role};"
            f"grant all on all sequences in schema drizzle to {role}"
        )
        folder = Folder.read(case.folder_of(A, B))
        report = await migrate(folder, case.url.replace("postgres@", f"{role}@"))
        assert (len(report.applied), report.ledger) == (1, True)
    finally:
        await connection.execute(f"drop owned by {role} cascade; drop role {role}")
        await connection.close()


async def two_projects_in_the_default_table(case: Case) -> None:
    await migrate(Folder.read(case.folder_of(B, whens=[900], name="later")), case.url)
    assert await case.run(A, C) == 2
    assert await case.one(TABLES) == "a,b,c"


async def crlf(case: Case) -> None:
    root = case.folder_of(A)
    (root / "0000_step.sql").write_bytes(b"create table a (\r\n);\r\n")
    assert len((await migrate(Folder.read(root), case.url)).applied) == 1
    (root / "0000_step.sql").write_bytes(b"create table a (\n);\n")
    with pytest.raises(MigrationEditedError):  # another file for drizzle too: its hash is kept
        await migrate(Folder.read(root), case.url)


async def byte_order_mark(case: Case) -> None:
    assert await case.run(f"\ufeff{A}") == 1


async def marker_inside_a_literal(case: Case) -> None:
    with pytest.raises(MigrationFailedError, match="statement 1 of 2"):
        await case.run(f"create table a ();\nselect '{MARKER}'")
    assert await case.one(TABLES) is None  # drizzle splits there too, so the file would stay broken


async def bad_urls(case: Case) -> None:
    folder = Folder.read(case.folder_of(A))
    for url, error in (
        ("not a url", ConfigError),
        ("postgresql://me:pass-word@127.0.0.1:1/db", ConnectionFailedError),
        ("", ConfigError),
    ):
        with pytest.raises(error) as caught:
            await migrate(folder, url)
        assert "pass-word" not in str(caught.value)


async def fresh_and_grown_databases_are_alike(case: Case) -> None:
    for number in (1, 2, 3):
        await case.run(*[A, B, C][:number])


ROWS = {
    "rerun": rerun,
    "edited applied migration": edited_applied_migration,
    "applied [100,300], then add `when` 200": earlier_when_added_later,
    "same journal [100,300,200] on fresh DB": fresh_and_existing_databases_diverge,
    "equal `when` later": equal_when_later,
    "journal/file removed": file_and_entry_removed,
    "row with NULL created_at": row_with_null_created_at,
    ".sql missing": sql_file_missing,
    "no journal": no_journal,
    "failure in 2nd pending": failure_in_the_second_pending,
    "CREATE INDEX CONCURRENTLY": create_index_concurrently,
    "chunk `COMMIT;` before it": commit_inside_a_file,
    "ALTER TYPE ADD VALUE, then use": label_added_and_used_in_one_run,
    "4 concurrent, fresh DB": four_at_once_on_a_fresh_database,
    "4 concurrent, insert-only migration": four_at_once_inserting_only,
    "no CREATE on database": no_right_to_create_in_the_database,
    "two projects, default table": two_projects_in_the_default_table,
    "CRLF": crlf,
    "BOM": byte_order_mark,
    "marker inside a literal/comment": marker_inside_a_literal,
    "bad URL": bad_urls,
}
"""The left column of the matrix of drizzle's behaviour."""


@pytest.mark.parametrize("row", list(ROWS))
async def test_row_of_the_matrix(row, database_url, folder_of):
    await ROWS[row](Case(database_url, folder_of))


async def test_database_that_grew_is_the_one_that_was_made_at_once(pg18, fresh_database, folder_of):
    databases = fresh_database(pg18)
    grown, fresh = await databases(), await databases()
    await fresh_and_grown_databases_are_alike(Case(grown, folder_of))
    assert await Case(fresh, folder_of).run(A, B, C) == 3
    assert dump(pg18, grown) == dump(pg18, fresh)
