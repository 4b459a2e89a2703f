"""Our snapshots against those of the real drizzle-kit."""

import json
from pathlib import Path

import pytest

from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder, jsjson
from chatkeep.kit.migrate import migrate
from chatkeep.kit.snapshot.snapshot import snapshot
from chatkeep.kit.snapshot.spelling import drizzle_default, drizzle_type

GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
STEPS = [("maps", 0), *(("deepsearch", step) for step in range(4))]
CUT = {
    "ai-app-template_user_settings_user_id_ai-app-template_user_id_f": (
        "ai-app-template_user_settings_user_id_ai-app-template_user_id_fk"
    )
}


def in_order_of(golden, ours):
    """Bring the maps whose keys are names into drizzle-kit's order: that of the TypeScript file."""
    tables = ours["tables"]
    assert tables.keys() == golden["tables"].keys()
    ours["tables"] = {key: tables[key] for key in golden["tables"]}
    for key, table in ours["tables"].items():
        for part in ("indexes", "foreignKeys", "uniqueConstraints"):
            wanted = golden["tables"][key][part]
            assert table[part].keys() == wanted.keys()
            table[part] = {name: table[part][name] for name in wanted}
    return ours


@pytest.mark.parametrize(("seed", "step"), STEPS)
async def test_snapshot_of_each_step_is_drizzle_kits_byte_for_byte(
    seed, step, golden, pg, fresh_database
):
    url = await fresh_database(pg)()
    folder = Folder.read(golden(seed))
    await migrate(folder, url, to=folder.migrations[step].tag)
    async with connect(url) as connection:
        ours = snapshot(await read_catalog(connection), full_names=CUT)
    path = GOLDEN / seed / "drizzle" / "meta" / f"{step:04d}_snapshot.json"
    theirs = json.loads(path.read_text())
    ids = {key: theirs[key] for key in ("id", "prevId")}
    assert jsjson.dumps({**ids, **in_order_of(theirs, ours)}) == path.read_text()


@pytest.mark.parametrize(
    ("postgres", "drizzle"),
    [
        ("character varying(20)", "varchar(20)"),
        ("character varying", "varchar"),
        ("character(3)", "char(3)"),
        ("numeric(10,2)", "numeric(10, 2)"),
        ("numeric(10,0)", "numeric(10)"),
        ("numeric", "numeric"),
        ("timestamp without time zone", "timestamp"),
        ("timestamp(3) without time zone", "timestamp (3)"),
        ("timestamp(3) with time zone", "timestamp (3) with time zone"),
        ("time(3) without time zone", "time(3)"),
        ("time with time zone", "time with time zone"),
        ("character varying(20)[]", "varchar(20)[]"),
        ("public.vector(3)", "vector(3)"),
        ("double precision", "double precision"),
        ("jsonb", "jsonb"),
    ],
)
def test_types_are_spelled_as_drizzle_spells_them(postgres, drizzle):
    assert drizzle_type(postgres) == drizzle


@pytest.mark.parametrize(
    ("expression", "type_", "default"),
    [
        ("false", "boolean", False),
        ("10", "integer", 10),
        ("'-5'::integer", "integer", -5),
        ("'9007199254740993'::bigint", "bigint", "9007199254740993"),
        ("1.5", "double precision", 1.5),
        ("1.5", "numeric(10,2)", "'1.5'"),
        ("'dark'::character varying", "character varying(20)", "'dark'"),
        ("'it''s'::text", "text", "'it''s'"),
        ("'10'::text", "text", "'10'"),
        ("CURRENT_TIMESTAMP", "timestamp with time zone", "CURRENT_TIMESTAMP"),
        ("now()", "timestamp without time zone", "now()"),
        ("gen_random_uuid()", "uuid", "gen_random_uuid()"),
        ("'{}'::jsonb", "jsonb", "'{}'::jsonb"),
        ("'{}'::text[]", "text[]", "'{}'"),
        ("'ok'::public.mood", "public.mood", "'ok'"),
        ("('a'::text || 'b'::text)", "text", "('a'::text || 'b'::text)"),
    ],
)
def test_defaults_are_spelled_as_drizzle_spells_them(expression, type_, default):
    found = drizzle_default(expression, type_)
    assert (found, type(found)) == (default, type(default))
