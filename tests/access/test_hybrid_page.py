"""The Python blocks of docs/how-to/hybrid-search.md run, with a real model, on an empty database."""

from typing import Any

from chatkeep import Embed
from database.test_pages import blocks, run
from fixtures.minilm import minilm, model_packages

__all__ = ["minilm", "model_packages"]


async def test_the_page(database_url: str, minilm: Embed) -> None:
    found = blocks("how-to/hybrid-search.md")
    assert len(found) == 4
    names: dict[str, Any] = {"url": database_url, "embed": minilm}
    for block in found:
        await run(block, names)
