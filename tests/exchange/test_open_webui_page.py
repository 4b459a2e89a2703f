"""The Python blocks of docs/how-to/import-databases.md run, on databases of both products."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from database.test_pages import blocks, run
from exchange import open_webui_tables, vercel_tables
from fixtures.servers import Databases, PgServer

PAGE = "how-to/import-databases.md"
SCHEMA = deepsearch.schema(prefix="x_")


async def test_the_python_of_the_page(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], tmp_path: Path
) -> None:
    new = fresh_database(pg18)
    names: dict[str, Any] = {"vercel_url": await new(), "empty_vercel_url": await new()}
    names["webui_path"] = str(tmp_path / "webui.db")
    await vercel_tables.make(names["vercel_url"], "2026-07")
    await vercel_tables.make(names["empty_vercel_url"], "2026-07", rows=False)
    await open_webui_tables.make(names["webui_path"], "2026-08")
    own = await new()
    await create_tables(SCHEMA, own)
    found = blocks(PAGE)
    assert len(found) == 4
    async with Database(SCHEMA, own) as names["db"]:
        for block in found:
            await run(block, names)
