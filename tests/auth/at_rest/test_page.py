"""docs/how-to/tokens-at-rest.md, run as it stands."""

from collections.abc import Callable
from typing import Any

from auth.at_rest.conftest import DEEPSEARCH
from database.test_pages import blocks, run
from fixtures.servers import Databases, PgServer


async def test_the_how_to(pg18: PgServer, fresh_database: Callable[[PgServer], Databases]):
    url = await fresh_database(pg18).holding(DEEPSEARCH)
    names: dict[str, Any] = {"schema": DEEPSEARCH, "url": url}
    found = blocks("how-to/tokens-at-rest.md")
    assert len(found) == 8
    for block in found:
        await run(block, names)
