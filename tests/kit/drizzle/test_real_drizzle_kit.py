"""The real drizzle-kit and TypeScript's compiler on the schema.ts that we write."""

import os
import shutil
from pathlib import Path

import pytest

from chatkeep.kit.drizzle.module import drizzle_schema
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.target import target_of
from fixtures.seeds import seed_schema
from kit.drizzle.known import SCHEMAS

pytestmark = pytest.mark.needs("node")
FULL = bool(os.environ.get("CHATKEEP_FULL"))
GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS if FULL else ["deepsearch", "maps-seed", "extending"])
async def test_drizzle_kit_finds_no_schema_changes(name, drizzle_project, scratch):
    schema = SCHEMAS[name]()
    made = await drizzle_schema(schema, scratch, name)
    project = drizzle_project(made.text)
    await generate(project.folder, target_of(schema), scratch, Options("initial schema"))
    before = sorted(path.name for path in project.folder.rglob("*"))
    assert "No schema changes" in project.kit("generate")
    assert sorted(path.name for path in project.folder.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["deepsearch", "maps"] if FULL else ["deepsearch"])
async def test_it_finds_none_on_its_own_folder_of_the_seed(seed, drizzle_project, scratch):
    made = await drizzle_schema(seed_schema(seed), scratch, seed)
    project = drizzle_project(made.text)
    shutil.copytree(GOLDEN / seed / "drizzle", project.folder)
    assert "No schema changes" in project.kit("generate")
