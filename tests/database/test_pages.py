"""The Python blocks of the pages on access run, in order, each page on a database of its own."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest
from sybil import Document, Example
from sybil.parsers.markdown import PythonCodeBlockParser

from chatkeep import Database
from chatkeep.presets import deepsearch

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[Example]:
    parse = PythonCodeBlockParser()
    document = Document.parse(str(DOCS / page), parse)
    return list(document.examples())


async def run(block: Example, names: dict[str, Any]) -> None:
    """Run a block that may await at its top level; errors point at the page's line."""
    source = "\n" * block.line + str(block.parsed)
    code = compile(source, block.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        await result


@pytest.mark.parametrize(
    "page",
    [
        "seed-snippets.md",
        "how-to/access.md",
        "how-to/conversations.md",
        "how-to/deleting.md",
        "how-to/observability.md",
        "how-to/paging.md",
        "how-to/transactions.md",
        "how-to/queries.md",
        "how-to/relations.md",
        "how-to/search.md",
    ],
)
async def test_page(page: str, db: Database, schema: deepsearch.Schema) -> None:
    found = blocks(page)
    assert found
    names: dict[str, Any] = {"db": db, "schema": schema}
    for block in found:
        await run(block, names)


def test_each_snippet_of_the_seed_has_its_twin() -> None:
    text = (DOCS / "seed-snippets.md").read_text(encoding="utf-8")
    sections = text.split("\n## ")[1:]
    assert len(sections) == 10
    for section in sections:
        assert "```typescript" in section
        assert "```python" in section
