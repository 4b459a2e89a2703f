"""docs/how-to/search-statistics.md, run as it stands."""

import re
import tomllib
from typing import Any

from cache.stats.conftest import SCHEMA, World
from chatkeep.personal.retention import policies
from chatkeep.records.search_stats import SearchCounts
from database.test_pages import DOCS, blocks, run

PAGE = "how-to/search-statistics.md"


async def test_the_page(world: World):
    found = blocks(PAGE)
    assert len(found) == 3
    names: dict[str, Any] = {"db": world.db, "schema": SCHEMA, "url": world.url}
    for block in found:
        await run(block, names)


def test_its_table_and_its_policies_are_real():
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    words = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert set(words) == set(SearchCounts.__struct_fields__) - {"calls", "mean_ms", "max_ms"}
    config = text.split("is a policy ([retention]")[1].split("## What may")[0]
    lines = [line[4:] for line in config.splitlines() if line.startswith("    ")]
    found = policies(tomllib.loads("\n".join(lines))["retention"])
    assert [policy.label for policy in found] == ["search_events", "search_days"]
