"""Folders that the real drizzle-kit made, applied by us."""

import csv
from pathlib import Path

import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from fixtures.dump import dump, golden_dump

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
SEEDS = ["deepsearch", "maps"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_dump_is_what_drizzle_kit_leaves(seed, golden, pg, fresh_database):
    url = await fresh_database(pg)()
    await migrate(Folder.read(golden(seed)), url)
    expected = golden_dump(GOLDEN / seed / "pg_dump" / f"pg{pg.version}.kit.schema.sql")
    assert dump(pg, url) == expected


@pytest.mark.parametrize("seed", SEEDS)
async def test_bookkeeping_rows_are_drizzles(seed, golden, pg, fresh_database, rows):
    url = await fresh_database(pg)()
    await migrate(Folder.read(golden(seed)), url)
    with (GOLDEN / seed / "__drizzle_migrations.csv").open() as file:
        expected = [(int(id_), hash_, int(at)) for id_, hash_, at in list(csv.reader(file))[1:]]
    found = await rows(url, "select id, hash, created_at from drizzle.__drizzle_migrations")
    assert found == expected


async def test_our_ledger_names_what_was_applied(golden, database_url, rows):
    await migrate(Folder.read(golden("maps")), database_url)
    (row,) = await rows(
        database_url,
        "select tag, hash, created_at, applied_at <= now(), duration > interval '0', version "
        "from chatkeep.migrations",
    )
    migration = Folder.read(GOLDEN / "maps" / "drizzle").migrations[0]
    assert row == (migration.tag, migration.hash, migration.when, True, True, "0.1.0")
