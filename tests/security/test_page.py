"""The Python blocks of docs/how-to/row-level-security.md run, as a plain owner of the database."""

from collections.abc import Callable
from typing import Any

import asyncpg

from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from database.test_pages import blocks, run
from fixtures.servers import Databases, PgServer
from security.places import OWNER, owned_database

PAGE = "how-to/row-level-security.md"


async def test_the_python_of_the_page(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    url = await owned_database(pg18, fresh_database(pg18))
    await create_tables(deepsearch.schema(prefix="x_", security="rls"), url)
    admin = await asyncpg.connect(pg18.admin_url)
    await admin.execute(f"GRANT x_app TO {OWNER}")
    await admin.close()
    found = blocks(PAGE)
    assert len(found) == 3
    names: dict[str, Any] = {"url": url}
    for block in found:
        await run(block, names)
