"""docs/how-to/fastapi.md, run as it stands."""

from typing import Any

from chatkeep import Database
from chatkeep.presets import deepsearch
from database.test_pages import blocks, run


async def test_the_page(db: Database, schema: deepsearch.Schema) -> None:
    found = blocks("how-to/fastapi.md")
    assert len(found) >= 7
    names: dict[str, Any] = {"db": db, "schema": schema}
    for block in found:
        await run(block, names)
