"""The Python blocks of docs/how-to/import-export.md run."""

import json
from pathlib import Path
from typing import Any

from chatkeep import Database
from database.test_pages import blocks, run
from exchange.samples import tree

PAGE = "how-to/import-export.md"


async def test_the_python_of_the_page(db: Database, tmp_path: Path) -> None:
    trees = tmp_path / "trees.jsonl"
    trees.write_text("\n".join(json.dumps(tree(number)) for number in (1, 2)))
    found = blocks(PAGE)
    assert len(found) == 3
    names: dict[str, Any] = {"db": db, "trees": trees, "folder": tmp_path}
    for block in found:
        await run(block, names)
