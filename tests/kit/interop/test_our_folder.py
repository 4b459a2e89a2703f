"""The real drizzle-kit on a folder that we generated."""

from pathlib import Path

import pytest
from sqlalchemy import Column, MetaData, Text

from chatkeep.kit.check import check
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.target import target_of
from fixtures.dump import dump, golden_dump
from fixtures.seeds import seed_schema

pytestmark = pytest.mark.needs("node")
GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
SEEDS = ["deepsearch", "maps"]


@pytest.fixture
def ours(node_project, seed_folder):
    """A Node project of the seed whose migrations are ours."""

    def make(seed: str):
        project = node_project(seed)
        seed_folder(seed).rename(project.folder)
        return project

    return make


@pytest.mark.parametrize("seed", SEEDS)
async def test_drizzle_kit_applies_our_folder(seed, ours, pg18, database_url):
    ours(seed).kit("migrate", url=database_url)
    assert dump(pg18, database_url) == golden_dump(
        GOLDEN / seed / "pg_dump" / "pg18.kit.schema.sql"
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_drizzle_kit_finds_no_schema_changes_on_our_folder(seed, ours):
    project = ours(seed)
    before = sorted(path.name for path in project.folder.rglob("*"))
    assert "No schema changes" in project.kit("generate")
    assert "Everything's fine" in project.kit("check")
    assert sorted(path.name for path in project.folder.rglob("*")) == before


@pytest.mark.parametrize("seed", SEEDS)
async def test_drizzle_kit_goes_on_where_we_stopped_and_we_where_it_stopped(
    seed, ours, scratch, database_url
):
    project = ours(seed)
    await migrate(Folder.read(project.folder), database_url)

    _add_bio_to_typescript(project.root / "schema", seed)
    project.kit("generate", "--name", "add_bio")
    folder = Folder.read(project.folder)
    assert folder.migrations[-1].sql.endswith('ADD COLUMN "bio" text;')
    assert len((await migrate(folder, database_url)).applied) == 1

    target = target_of(_with(seed, "bio"))
    assert (await check(folder, target, scratch, url=database_url)).findings == []

    target = target_of(_with(seed, "bio", "motto"))
    await generate(project.folder, target, scratch, Options())
    assert "migrations applied successfully" in project.kit("migrate", url=database_url)
    folder = Folder.read(project.folder)
    assert (await check(folder, target, scratch, url=database_url)).findings == []


def _add_bio_to_typescript(schema: Path, seed: str) -> None:
    path = schema / ("schema3.ts" if seed == "deepsearch" else "users.ts")
    old = (
        'name: varchar("name", { length: 255 }),' if seed == "deepsearch" else "name: text('name'),"
    )
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, f'{old}\n  bio: text("bio"),'))


def _with(seed: str, *columns: str) -> MetaData:
    schema = seed_schema(seed)
    users = schema.metadata.tables[schema.table_name("user" if seed == "deepsearch" else "users")]
    for column in columns:
        users.append_column(Column(column, Text))
    return schema.metadata
