"""docs/how-to/sessions.md, run as it stands."""

from typing import Any

from auth.sessions.places import SCHEMAS
from chatkeep import Database
from chatkeep.database.creation import create_tables
from database.test_pages import blocks, run


async def test_the_page(database_url: str) -> None:
    schema = SCHEMAS["deepsearch"]
    await create_tables(schema, database_url)
    found = blocks("how-to/sessions.md")
    assert len(found) == 12
    async with Database(schema, database_url) as db:
        names: dict[str, Any] = {"db": db}
        for block in found:
            await run(block, names)
