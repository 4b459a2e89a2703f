"""docs/how-to/streaming.md, run as it stands."""

from typing import Any

from chatkeep import Database
from database.test_pages import blocks, run
from streaming.conftest import SCHEMA


async def test_the_page(db: Database) -> None:
    found = blocks("how-to/streaming.md")
    assert len(found) >= 7
    names: dict[str, Any] = {"db": db, "schema": SCHEMA}
    for block in found:
        await run(block, names)
