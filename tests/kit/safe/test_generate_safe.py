"""`generate --safe`: a series of files, each of which says which step it is."""

import asyncpg
import pytest
from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, text

from chatkeep.kit.check import check
from chatkeep.kit.declared import Declared, Extra
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.target import target_of

SAFE = Options(safe=True)


def before() -> MetaData:
    metadata = MetaData()
    Table("note", metadata, Column("id", Integer, primary_key=True), Column("body", String(9)))
    return metadata


def after() -> MetaData:
    metadata = MetaData()
    table = Table(
        "note",
        metadata,
        Column("id", BigInteger, primary_key=True),
        Column("body", String(9), nullable=False),
        Column("token", String(40), server_default=text("gen_random_uuid()::text"), nullable=False),
    )
    Index("note_body", table.c.body)
    return metadata


async def test_series_is_written_applied_and_leaves_nothing_to_do(tmp_path, scratch, database_url):
    root = tmp_path / "drizzle"
    await generate(root, target_of(before()), scratch, Options())
    await migrate(Folder.read(root), database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "insert into note (body) select g::text from generate_series(1, 2500) g"
    )
    target = target_of(after())
    made = await generate(root, target, scratch, SAFE)
    names = [path.stem.split("change_note_")[1] for path in made.paths]
    assert names == ["expand", "fill", "index", "enforce", "validate", "contract", "drop"]
    for number, path in enumerate(made.paths, start=1):
        words = f"-- Step {number} of 7, {names[number - 1]}: "
        assert path.read_text().startswith(words)
    assert (await generate(root, target, scratch, SAFE)).paths == ()
    await migrate(Folder.read(root), database_url)
    checked = await check(Folder.read(root), target, scratch, url=database_url)
    assert checked.findings == []
    found = await connection.fetchrow(
        "select count(*), count(distinct token), pg_typeof(max(id))::text, sum(id) from note"
    )
    await connection.close()
    assert tuple(found) == (2500, 2500, "bigint", 2500 * 2501 // 2)


async def test_change_that_needs_no_care_is_one_plain_file(tmp_path, scratch):
    root, plain = tmp_path / "safe", tmp_path / "plain"
    for folder, options in ((root, SAFE), (plain, Options())):
        await generate(folder, target_of(before()), scratch, options)
    files = [[p.read_text() for p in sorted(f.glob("*.sql"))] for f in (root, plain)]
    assert files[0] == files[1]


@pytest.mark.parametrize("seed", ["deepsearch", "maps"])
async def test_upgrade_of_a_seed_is_safe_too(seed, golden, scratch, database_url):
    from fixtures.rows import columns, content, fill
    from fixtures.seeds import hardened_schema

    root, target = golden(seed), target_of(hardened_schema(seed, seed_writers=True))
    await migrate(Folder.read(root), database_url)
    await fill(database_url, seed)
    old = await columns(database_url)
    before = await content(database_url, old)
    if seed == "maps":  # the one value that changes: a NULL in `email_verified` becomes false
        before["users"] = [(*row[:2], bool(row[2]), *row[3:]) for row in before["users"]]
    made = await generate(root, target, scratch, SAFE)
    assert len(made.paths) > len(target.stages)
    assert (await generate(root, target, scratch, SAFE)).paths == ()
    await migrate(Folder.read(root), database_url)
    checked = await check(Folder.read(root), target, scratch, url=database_url)
    assert checked.findings == []
    # Filling is no change of anybody's: the new triggers that move updated_at come behind it.
    assert await content(database_url, old) == before


PARTITIONS = """
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (700);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (700) TO (9000);
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("", None),
        (", UNIQUE (id)", None),  # may be NULL
        (", n int NOT NULL, UNIQUE (n, id)", None),
        (", n int NOT NULL DEFAULT 1, UNIQUE (n, id), PRIMARY KEY (id)", "key=id size"),
        (" NOT NULL, UNIQUE (id)", "key=id size"),
    ],
)
async def test_partitioned_table_is_filled_to_the_last_row(
    key, line, tmp_path, scratch, database_url
):
    def told(column: str) -> object:
        table = f"CREATE TABLE p (id int{key}{column}) PARTITION BY RANGE (id);"
        return target_of(Declared(MetaData(), (Extra("sql", "all of it", table + PARTITIONS),)))

    root = tmp_path / "drizzle"
    await generate(root, told(""), scratch, Options())
    await migrate(Folder.read(root), database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "insert into p (id) select g from generate_series(1, 2500) g"
        if "n int NOT NULL," not in key
        else "insert into p (id, n) select g, g from generate_series(1, 2500) g"
    )
    target = told(", token text NOT NULL DEFAULT gen_random_uuid()::text")
    made = await generate(root, target, scratch, SAFE)
    texts = "\n".join(path.read_text() for path in made.paths)
    updates = [piece for piece in texts.split("--> statement-breakpoint") if '"p" SET' in piece]
    assert len(updates) == 1
    assert (line or "-- In one go") in updates[0]
    assert ("chatkeep:batch" in updates[0]) == (line is not None)
    await migrate(Folder.read(root), database_url)
    found = await connection.fetchrow("select count(*), count(distinct token) from p")
    await connection.close()
    assert tuple(found) == (2500, 2500)
