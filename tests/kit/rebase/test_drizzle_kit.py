"""The real drizzle-kit on a folder that came out of a merge and `rebase`."""

import asyncio
import json

import pytest
from sqlalchemy import MetaData

from chatkeep.kit.generate import Options as GenerateOptions
from chatkeep.kit.generate import generate
from chatkeep.kit.rebase import Options, rebase
from chatkeep.kit.target import target_of
from fixtures.node import node_modules, node_project
from fixtures.seeds import seed_schema
from kit.rebase.conftest import Repo

__all__ = ["node_modules", "node_project"]
pytestmark = pytest.mark.needs("node")
BASE = ["user", "account", "session", "verification_token", "chat"]


def metadata_of(*names: str) -> MetaData:
    schema, part = seed_schema("deepsearch"), MetaData()
    for name in names:
        schema.metadata.tables[schema.table_name(name)].to_metadata(part)
    return part


async def test_it_is_content_and_goes_on(node_project, scratch, database_url, rows):
    project = node_project("deepsearch")
    repo = Repo(project.root)
    repo.git("init", "-q", "-b", "main")
    (project.root / ".gitignore").write_text("node_modules\n")

    async def add(name: str, *tables: str) -> None:
        target = target_of(metadata_of(*tables))
        await generate(repo.folder, target, scratch, GenerateOptions(name))
        repo.commit(name)

    await add("base", *BASE)
    repo.git("checkout", "-q", "-b", "feature")
    await add("messages", *BASE, "message")
    repo.git("checkout", "-q", "main")
    await add("cache", *BASE, "search_cache", "user_settings")
    await asyncio.to_thread(project.kit, "migrate", url=database_url)
    repo.git("checkout", "-q", "feature")
    repo.git("merge", "main", fails=True)
    names = target_of(seed_schema("deepsearch")).full_names
    await rebase(repo.folder, scratch, Options(url=database_url, full_names=names))

    assert "Everything's fine" in await asyncio.to_thread(project.kit, "check")
    assert "No schema changes" in await asyncio.to_thread(project.kit, "generate")
    said = await asyncio.to_thread(project.kit, "migrate", url=database_url)
    assert "migrations applied successfully" in said
    journal = json.loads((repo.folder / "meta" / "_journal.json").read_text())
    assert [entry["tag"] for entry in journal["entries"]] == [
        "0000_base",
        "0001_cache",
        "0002_messages",
    ]
    whens = [(entry["when"],) for entry in journal["entries"]]
    books = "select created_at from drizzle.__drizzle_migrations order by id"
    assert await rows(database_url, books) == whens
