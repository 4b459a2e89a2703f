"""The seeds' folders, generated step by step from our schema."""

import csv
import json
from pathlib import Path

import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from fixtures.dump import dump, golden_dump
from fixtures.seeds import STEPS

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
SEEDS = ["deepsearch", "maps"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_dump_is_what_drizzle_kit_makes_of_the_seed(seed, seed_folder, pg, fresh_database):
    url = await fresh_database(pg)()
    await migrate(Folder.read(seed_folder(seed)), url)
    expected = golden_dump(GOLDEN / seed / "pg_dump" / f"pg{pg.version}.kit.schema.sql")
    assert dump(pg, url) == expected


@pytest.mark.parametrize("seed", SEEDS)
async def test_files_and_rows_are_as_many_as_drizzle_kits(seed, seed_folder, database_url, rows):
    folder = Folder.read(seed_folder(seed))
    await migrate(folder, database_url)
    with (GOLDEN / seed / "__drizzle_migrations.csv").open() as file:
        golden_rows = list(csv.DictReader(file))
    found = await rows(
        database_url, "select id, hash, created_at from drizzle.__drizzle_migrations"
    )
    assert [row[0] for row in found] == [int(row["id"]) for row in golden_rows]
    assert [row[1:] for row in found] == [(m.hash, m.when) for m in folder.migrations]
    golden = Folder.read(GOLDEN / seed / "drizzle")
    assert [m.tag for m in folder.migrations] == [m.tag for m in golden.migrations]


@pytest.mark.parametrize(
    ("seed", "step"), [(seed, step) for seed in SEEDS for step in range(len(STEPS[seed]))]
)
def test_snapshots_say_what_drizzle_kits_say(seed, step, seed_folder):
    name = f"{step:04d}_snapshot.json"
    ours = json.loads((seed_folder(seed) / "meta" / name).read_text())
    theirs = json.loads((GOLDEN / seed / "drizzle" / "meta" / name).read_text())
    for key in ("id", "prevId"):
        del ours[key], theirs[key]
    assert ours == theirs


@pytest.mark.parametrize("seed", SEEDS)
def test_statements_are_separated_as_drizzle_kit_separates_them(seed, seed_folder):
    for ours, theirs in zip(
        Folder.read(seed_folder(seed)).migrations,
        Folder.read(GOLDEN / seed / "drizzle").migrations,
        strict=True,
    ):
        assert len(ours.statements) == len(theirs.statements)
        assert [s[-1] for s in ours.statements] == [s[-1] for s in theirs.statements]
