"""The seed's own snippets, run by the real drizzle-orm on the hardened database."""

import shutil
from pathlib import Path

import pytest

from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.target import target_of
from fixtures.dump import dump
from fixtures.rows import columns, content, fill
from fixtures.seeds import hardened_schema

pytestmark = pytest.mark.needs("node")
GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle"
P = "ai-app-template_"


@pytest.mark.parametrize("hold_contract", [True, False])
async def test_every_snippet_of_the_seed_works_unchanged(seed_written, hold_contract):
    said = await seed_written(hold_contract=hold_contract)
    assert said["byEmail"]["email"] == "user@example.com"
    assert said["withAccounts"] == ["42"]
    assert said["userChats"] == ["New Chat"]
    assert said["chatMessages"] == [
        "Answer 1",
        "Answer 2",
        "Hello! How can I help you today?",
        "Question 1",
        "Question 2",
    ]
    assert said["sources"] == [{"title": "T", "url": "https://example.com", "snippet": "S"}]
    assert said["metadata"]["tokens"] == {"prompt": 1, "completion": 2, "total": 3}
    assert said["page"] == 5
    assert said["names"] == [{"id": said["userId"], "name": "Ada"}]
    assert said["prepared"] == ["user@example.com", None]
    assert said["atOnce"] == ["user@example.com", 1, "dark"]


async def test_drizzle_kit_applies_the_hardening_too(
    node_project, scratch, pg18, fresh_database, rows
):
    new = fresh_database(pg18)
    theirs, ours = await new(), await new()
    project = node_project("deepsearch")
    shutil.copytree(GOLDEN / "deepsearch" / "drizzle", project.folder)
    for url in (theirs, ours):
        await migrate(Folder.read(project.folder), url)
        await fill(url, "deepsearch")
    target = target_of(hardened_schema("deepsearch", seed_writers=True))
    await generate(project.folder, target, scratch, Options())
    assert "Everything's fine" in project.kit("check")
    assert "migrations applied successfully" in project.kit("migrate", url=theirs)
    await migrate(Folder.read(project.folder), ours)
    assert dump(pg18, theirs) == dump(pg18, ours)
    kept = await columns(ours)
    assert await content(theirs, _without_now(kept)) == await content(ours, _without_now(kept))


def _without_now(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """Leave out what the migration itself dates."""
    return {
        table: [name for name in names if name not in {"created_at", "updated_at"}]
        for table, names in tables.items()
    }


async def test_what_the_seeds_code_wrote_is_whole(seed_written, rows):
    said = await seed_written()
    found = await rows(
        said["url"], f'select user_id, content from "{P}message" order by user_id, chat_id, seq'
    )
    assert [row[0] for row in found] == [said["userId"]] * 5
    assert [row[1] for row in found] == [
        "Hello! How can I help you today?",
        "Question 1",
        "Answer 1",
        "Question 2",
        "Answer 2",
    ]
    ((title, moved),) = await rows(
        said["url"],
        f'select c.title, c.updated_at > max(m.created_at) from "{P}chat" c '
        f'join "{P}message" m on m.chat_id = c.id group by c.id',
    )
    assert (title, moved) == ("Renamed", True)
    ((theme, touched),) = await rows(
        said["url"], f'select theme, updated_at > created_at from "{P}user_settings"'
    )
    assert (theme, touched) == ("light", True)
    assert await rows(said["url"], f'select key_hash from "{P}search_cache"') == [(None,)]
