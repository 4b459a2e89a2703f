"""The real drizzle-kit 0.31 on a folder that holds everything that chatkeep adds to one."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, Table, Text

from chatkeep.kit.drizzle.module import drizzle_schema
from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.journal import OWN_KEY
from chatkeep.kit.generate import Options, generate, generate_custom
from chatkeep.kit.migrate import migrate
from chatkeep.kit.squash import squash
from chatkeep.kit.status import status
from chatkeep.kit.target import target_of

pytestmark = pytest.mark.needs("node")


def schema(*columns: Column, index: bool = False) -> MetaData:
    metadata = MetaData()
    Table("t", metadata, Column("id", Integer, primary_key=True), *columns)
    if index:
        Index("t_a", metadata.tables["t"].c.a)
    return metadata


async def test_drizzle_kit_reads_a_folder_with_all_that_we_add(
    drizzle_project, scratch, database_url
):
    last = schema(Column("a", Text, nullable=False), Column("b", Text), index=True)
    project = drizzle_project((await drizzle_schema(last, scratch, "last")).text)
    root = project.folder
    await generate(root, target_of(schema()), scratch, Options("one"))
    await generate(root, target_of(schema(Column("a", Text))), scratch, Options("two"))
    await squash(root, scratch)
    await generate(root, target_of(last), scratch, Options("safe", safe=True))
    generate_custom(root, "by hand")
    folder = Folder.read(root)
    assert len(list(root.glob("*.down.sql"))) >= 2
    assert any("INDEX CONCURRENTLY" in m.sql for m in folder.migrations)
    assert any(entry.own for entry in folder.journal.entries), OWN_KEY
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert "Everything's fine" in project.kit("check")
    assert "No schema changes" in project.kit("generate")
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    assert "by_drizzle" in project.kit("generate", "--custom", "--name", "by_drizzle")
    after = Folder.read(root)
    assert [entry.own for entry in after.journal.entries[:-1]] == [
        entry.own for entry in folder.journal.entries
    ]
    await migrate(after, database_url)
    assert (await status(after, database_url)).count("applied") == len(after.migrations)


async def test_drizzle_kit_applies_what_holds_no_statement_of_its_own_kind(
    drizzle_project, scratch, fresh_database, pg18, tmp_path: Path
):
    """Reverses beside and a squashed beginning change nothing for its migrator."""
    last = schema(Column("a", Text), Column("b", Text))
    project = drizzle_project((await drizzle_schema(last, scratch, "last")).text)
    root = project.folder
    await generate(root, target_of(schema()), scratch, Options("one"))
    await generate(root, target_of(schema(Column("a", Text))), scratch, Options("two"))
    old = shutil.copytree(root, tmp_path / "old")
    new = fresh_database(pg18)
    there, fresh = await new(), await new()
    await migrate(Folder.read(old), there)
    await squash(root, scratch)
    await generate(root, target_of(last), scratch, Options("three"))
    assert "migrations applied successfully" in project.kit("migrate", url=fresh)
    assert (await status(Folder.read(root), fresh)).count("pending") == 0
    await migrate(Folder.read(root), there)
    assert "migrations applied successfully" in project.kit("migrate", url=there)
    assert (await status(Folder.read(root), there)).count("pending") == 0
