"""The seed's own queries, run by the real drizzle-orm with the schema.ts that we write."""

import json

import pytest

from chatkeep.kit.build import build
from chatkeep.kit.drizzle.module import drizzle_schema
from chatkeep.kit.target import target_of
from fixtures.node import SNIPPETS
from kit.drizzle.known import SCHEMAS

pytestmark = pytest.mark.needs("node")


@pytest.mark.parametrize("name", ["deepsearch-seed", "deepsearch-writers"])
async def test_every_query_of_the_seed_runs_with_our_schema(
    name, drizzle_project, scratch, database_url
):
    schema = SCHEMAS[name]()
    await build(database_url, target_of(schema).state)
    project = drizzle_project((await drizzle_schema(schema, scratch, name)).text)
    snippets = SNIPPETS.read_text().replace("./schema/schema3.ts", "./schema.ts")
    # Its relations are ours, too: those that the seed declares by hand go.
    before, _, rest = snippets.partition("// ---- 4.2")
    _, _, after = rest.partition("// ----\n")
    after = after.replace(
        "usersRelations, accountsRelations, sessionsRelations, chatsRelations, messagesRelations,",
        "",
    )
    assert "usersRelations" not in before + after
    (project.root / "snippets.ts").write_text(before + after)
    said = json.loads(project.script("snippets.ts", database_url).splitlines()[-1])
    assert said["byEmail"]["email"] == "user@example.com"
    assert said["withAccounts"] == ["42"]
    assert said["userChats"] == ["New Chat"]
    assert said["chatId"].startswith("chat_")
    assert len(said["chatMessages"]) == 5
    assert said["sources"] == [{"title": "T", "url": "https://example.com", "snippet": "S"}]
    assert said["metadata"]["tokens"] == {"prompt": 1, "completion": 2, "total": 3}
    assert said["prepared"] == ["user@example.com", None]
    assert said["atOnce"] == ["user@example.com", 1, "dark"]
