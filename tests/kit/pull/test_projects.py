"""`pull` of databases that exist: the seeds' as drizzle-kit made them, our presets, Better Auth, Auth.js."""

import os
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit.build import schema_sql
from chatkeep.kit.target import target_of
from chatkeep.presets import deepsearch, maps
from kit.pull.conftest import round_trip

HERE = Path(__file__).parent
FULL = bool(os.environ.get("CHATKEEP_FULL"))
EDITIONS = [{"seed_writers": True}, *([{"edition": "seed"}, {}] if FULL else [])]


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_a_database_of_drizzle_kit(pg, seed, golden, fresh_database, tmp_path):
    """With the folder that made it: that one stays the only one."""
    url = await fresh_database(pg)()
    folder = golden(seed)
    connection = await asyncpg.connect(url)
    for path in sorted(folder.glob("*.sql")):
        await connection.execute(path.read_text().replace("--> statement-breakpoint", ""))
    await connection.close()
    folder.rename(tmp_path / "drizzle")
    taken = await round_trip(pg, url, tmp_path)
    assert taken.pulled.migrations == ()
    assert taken.pulled.extras == ()
    if seed == "deepsearch":
        assert "user_settings = sa.Table(" in taken.source


@pytest.mark.parametrize("preset", [deepsearch, maps])
@pytest.mark.parametrize("words", EDITIONS, ids=str)
async def test_a_preset(take, pg18, preset, words):
    target = target_of(preset.schema(prefix="app_", **words))
    taken = await take(pg18, ";\n".join(schema_sql(target.state)), tables=["app_*"])
    assert taken.pulled.tables == len(target.state.metadata.tables)
    whole = {kind for kind, _ in taken.pulled.extras}
    assert whole <= {"setting", "function", "trigger"}


@pytest.mark.parametrize("name", ["better_auth", "auth_js"])
async def test_tables_of_an_auth_library(take, pg, name):
    taken = await take(pg, (HERE / f"{name}.sql").read_text())
    assert taken.pulled.extras == ()
    assert "sa.PrimaryKeyConstraint" in taken.source or name == "better_auth"
    if name == "better_auth":
        assert "email_verified: sa.Named[bool] = sa.Column(" in taken.source
        assert '"user.id"' in taken.source
