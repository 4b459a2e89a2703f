"""drizzle-kit and chatkeep on one folder that drizzle-kit made."""

import shutil
from pathlib import Path

import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.status import status
from fixtures.dump import dump

pytestmark = pytest.mark.needs("node")
GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
BOOKS = "select id, hash, created_at from drizzle.__drizzle_migrations order by id"


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_drizzle_kit_finds_nothing_to_do_after_us(
    seed, node_project, pg18, database_url, rows
):
    project = node_project(seed)
    shutil.copytree(GOLDEN / seed / "drizzle", project.folder)
    await migrate(Folder.read(project.folder), database_url)
    before, books = dump(pg18, database_url), await rows(database_url, BOOKS)
    assert "migrations applied successfully" in project.kit("migrate", url=database_url)
    assert dump(pg18, database_url) == before
    assert await rows(database_url, BOOKS) == books


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_we_find_nothing_to_do_after_drizzle_kit(
    seed, node_project, pg18, database_url, rows
):
    project = node_project(seed)
    shutil.copytree(GOLDEN / seed / "drizzle", project.folder)
    project.kit("migrate", url=database_url)
    before, books = dump(pg18, database_url), await rows(database_url, BOOKS)
    folder = Folder.read(project.folder)
    assert (await migrate(folder, database_url)).applied == ()
    assert (await status(folder, database_url)).count("applied") == len(folder.migrations)
    assert dump(pg18, database_url) == before
    assert await rows(database_url, BOOKS) == books
