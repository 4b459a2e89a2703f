"""The table of embeddings in migrations, in drizzle's schema.ts, and on the way from the seed."""

import os
import shutil
from pathlib import Path

import asyncpg
import pytest

from access.hybrid_toys import DIMENSIONS, ToySchema, toy
from chatkeep import Database, NewMessage, NewUser
from chatkeep.kit.build import build
from chatkeep.kit.declared import Declared
from chatkeep.kit.drizzle.module import drizzle_schema
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.presets import deepsearch
from fixtures.node import GOLDEN
from fixtures.servers import PgServer

STARTS = ["nothing", *(["the seed"] if os.environ.get("CHATKEEP_FULL") else [])]


async def lives(schema: deepsearch.Schema, url: str) -> None:
    """Somebody's message is embedded and found."""
    async with Database(schema, url) as db:
        user = await db.users.create(NewUser(email="user@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="Toys")
        await mine.messages.append(chat.id, NewMessage(role="user", content="a dog"))
        assert await db.embeddings.fill(toy) == 1
        assert len((await mine.search("puppy", embed=toy)).items) == 1


@pytest.mark.slow
@pytest.mark.parametrize("start", STARTS)
async def test_migrations_make_it(
    start: str, tmp_path: Path, pg18: PgServer, database_url: str
) -> None:
    schema, scratch = ToySchema(), Scratch(pg18.admin_url)
    folder = tmp_path / "drizzle"
    if start == "the seed":
        shutil.copytree(GOLDEN / "deepsearch" / "drizzle", folder)
    written = await generate(folder, target_of(schema), scratch, Options())
    made = "\n".join(path.read_text(encoding="utf-8") for path in written.paths)
    assert made.count("CREATE EXTENSION") == 1
    assert made.index("CREATE EXTENSION") < made.index(f"vector({DIMENSIONS})")
    assert "USING hnsw" in made
    await migrate(Folder.read(folder), database_url)
    assert not (await generate(folder, target_of(schema), scratch, Options())).paths
    await lives(schema, database_url)


async def test_the_way_from_the_seed_makes_the_extension_first(database_url: str) -> None:
    (expand,) = (stage for stage in ToySchema().stages if stage.name == "expand")
    assert expand.metadata is not None
    await build(database_url, Declared(expand.metadata, tuple(expand.extras)))
    connection = await asyncpg.connect(database_url)
    try:
        index = await connection.fetchval(
            "SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%USING hnsw%'"
        )
    finally:
        await connection.close()
    assert "vector_cosine_ops" in index


async def test_drizzle_has_it(pg18: PgServer) -> None:
    made = await drizzle_schema(ToySchema("x_"), Scratch(pg18.admin_url), "app:schema")
    assert f'vector("embedding", {{ dimensions: {DIMENSIONS} }}).notNull()' in made.text
    assert '.using("hnsw", t.embedding.op(' in made.text


async def test_without_it_nothing_needs_an_extension() -> None:
    schema = deepsearch.schema("x_", security="rls")
    assert not [extra for extra in schema.extras if extra.kind == "extension"]
    assert "message_embeddings" not in schema.tables
