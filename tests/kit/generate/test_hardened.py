"""From the seed's database to the hardened edition: readable steps, every row kept."""

import shutil
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Column, Named, String, Text, TypedColumns

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.build import build
from chatkeep.kit.check import check
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.presets import deepsearch
from chatkeep.records.deepsearch import User
from chatkeep.schema.parts import foreign_key, index
from chatkeep.schema.tables import TableDef
from fixtures.dump import dump, without_column_order
from fixtures.rows import columns, content, fill
from fixtures.seeds import hardened_schema, seed_schema

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
CASES = [(seed, writers) for seed in ("deepsearch", "maps") for writers in (False, True)]


@pytest.fixture(scope="session")
async def upgrades(pg18, tmp_path_factory):
    """The golden folders with our hardening behind, made once."""
    made = {}
    for seed, writers in CASES:
        root = tmp_path_factory.mktemp("upgrade") / "drizzle"
        shutil.copytree(GOLDEN / seed / "drizzle", root)
        target = target_of(hardened_schema(seed, seed_writers=writers))
        await generate(root, target, Scratch(pg18.admin_url), Options())
        made[seed, writers] = root
    return made


@pytest.mark.parametrize(("seed", "writers"), CASES)
async def test_every_row_and_old_value_is_kept(seed, writers, upgrades, pg, fresh_database):
    url = await fresh_database(pg)()
    await migrate(Folder.read(GOLDEN / seed / "drizzle"), url)
    await fill(url, seed)
    old = await columns(url)
    before = await content(url, old)
    await migrate(Folder.read(upgrades[seed, writers]), url)
    if seed == "maps":  # the one value that changes: a NULL in `email_verified` becomes false
        before["users"] = [(*row[:2], bool(row[2]), *row[3:]) for row in before["users"]]
    assert await content(url, old) == before


@pytest.mark.parametrize(("seed", "writers"), CASES)
async def test_dump_is_that_of_a_fresh_build(seed, writers, upgrades, pg, fresh_database):
    new = fresh_database(pg)
    migrated, built = await new(), await new()
    await migrate(Folder.read(GOLDEN / seed / "drizzle"), migrated)
    await fill(migrated, seed)
    await migrate(Folder.read(upgrades[seed, writers]), migrated)
    await build(built, target_of(hardened_schema(seed, seed_writers=writers)).state)
    dumps = [
        without_column_order(dump(pg, url, "--exclude-schema=drizzle")) for url in (migrated, built)
    ]
    assert dumps[0] == dumps[1]


@pytest.mark.parametrize(("seed", "writers"), CASES)
def test_each_stage_is_a_migration_that_says_what_it_does(seed, writers, upgrades):
    target = target_of(hardened_schema(seed, seed_writers=writers))
    folder = Folder.read(upgrades[seed, writers])
    golden = len(Folder.read(GOLDEN / seed / "drizzle").migrations)
    written = folder.migrations[golden:]
    names = [migration.tag.split("_", 1)[1] for migration in written]
    assert names == [f"harden_{stage.name}" for stage in target.stages]
    for migration, stage in zip(written, target.stages, strict=True):
        assert migration.sql.startswith(f"-- {stage.name.capitalize()}: {stage.summary[:40]}")


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_nothing_is_left_to_generate_or_to_find(seed, upgrades, scratch, database_url):
    root = upgrades[seed, True]
    target = target_of(hardened_schema(seed, seed_writers=True))
    await migrate(Folder.read(root), database_url)
    assert (await generate(root, target, scratch, Options())).paths == ()
    checked = await check(Folder.read(root), target, scratch, url=database_url)
    assert checked.findings == []


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_contract_can_wait(seed, golden, scratch, database_url):
    root, target = golden(seed), target_of(hardened_schema(seed, seed_writers=True))
    held = await generate(root, target, scratch, Options(hold_contract=True))
    assert held.held == "contract"
    assert [path.stem.rsplit("_", 1)[1] for path in held.paths][-1] != "contract"
    await migrate(Folder.read(root), database_url)
    again = await generate(root, target, scratch, Options(hold_contract=True))
    assert (again.paths, again.held) == ((), "contract")
    waiting = await check(Folder.read(root), target, scratch, url=database_url)
    assert waiting.findings == []
    assert "last part (contract) is not in the folder yet" in waiting.notes[0]
    rest = await generate(root, target, scratch, Options())
    assert [path.stem.split("_", 1)[1] for path in rest.paths] == ["harden_contract"]
    await migrate(Folder.read(root), database_url)
    assert (await check(Folder.read(root), target, scratch, url=database_url)).findings == []


class ItineraryColumns(TypedColumns):
    id: Named[str] = Column(String(255), primary_key=True)
    user_id: Named[str] = Column(String(255), nullable=False)


class AppUserColumns(deepsearch.UserColumns):
    home_city: Named[str | None] = Column(Text)


class AppUser(User):
    home_city: str | None = None


class AppSchema(deepsearch.Schema[AppUser]):
    users = deepsearch.Schema.users.extend(AppUserColumns, record=AppUser)
    itineraries = TableDef(
        "itinerary",
        ItineraryColumns,
        (foreign_key("user_id", references="users", on_delete="cascade"), index("user_id")),
    )


async def test_application_with_tables_of_its_own_is_led_the_same_way(
    golden, scratch, database_url
):
    root, target = golden("deepsearch"), target_of(AppSchema(seed_writers=True))
    made = await generate(root, target, scratch, Options())
    assert [path.stem.rsplit("_", 1)[1] for path in made.paths] == [
        "check",
        "expand",
        "backfill",
        "contract",
    ]
    await migrate(Folder.read(root), database_url)
    assert (await check(Folder.read(root), target, scratch, url=database_url)).findings == []


async def test_change_after_the_upgrade_is_one_plain_migration(tmp_path, scratch):
    root = tmp_path / "drizzle"
    await generate(root, target_of(hardened_schema("deepsearch")), scratch, Options())
    made = await generate(root, target_of(AppSchema()), scratch, Options())
    assert [path.name for path in made.paths] == ["0001_add_itinerary_table.sql"]


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_empty_folder_gets_one_initial_migration(seed, tmp_path, scratch, database_url):
    root, target = tmp_path / "drizzle", target_of(hardened_schema(seed, seed_writers=True))
    made = await generate(root, target, scratch, Options())
    assert [path.name for path in made.paths] == ["0000_initial_schema.sql"]
    await migrate(Folder.read(root), database_url)
    assert (await check(Folder.read(root), target, scratch, url=database_url)).findings == []


async def test_duplicate_addresses_stop_the_upgrade_by_id_not_by_address(
    upgrades, database_url, rows
):
    root = upgrades["deepsearch", False]
    await migrate(Folder.read(GOLDEN / "deepsearch" / "drizzle"), database_url)
    await fill(database_url, "deepsearch")
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """insert into "ai-app-template_user" (id, email) values ('u9', 'A@EXAMPLE.com')"""
    )
    await connection.close()
    with pytest.raises(MigrationFailedError) as caught:
        await migrate(Folder.read(root), database_url)
    assert "harden_backfill.sql: statement" in str(caught.value)
    assert "u1" in str(caught.value)
    assert "u9" in str(caught.value)
    assert "example.com" not in str(caught.value).lower()


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_golden_folder_agrees_with_our_seed_edition(
    seed, golden, scratch, pg, fresh_database
):
    url = await fresh_database(pg)()
    folder, target = Folder.read(golden(seed)), target_of(seed_schema(seed))
    await migrate(folder, url)
    checked = await check(folder, target, scratch, url=url)
    assert (checked.findings, checked.notes) == ([], [])
