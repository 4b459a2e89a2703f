"""The blocks of docs/how-to/pooler.md run: the Python ones behind PgBouncer, the SQL on a role."""

import re
from typing import Any

import asyncpg

from database.test_pages import DOCS, blocks, run
from fixtures.servers import PgServer
from pooler.conftest import Place

PAGE = "how-to/pooler.md"


async def test_the_python_of_the_page(place: Place) -> None:
    found = blocks(PAGE)
    assert found
    names: dict[str, Any] = {"schema": place.schema, "url": place.url}
    for block in found:
        await run(block, names)


async def test_the_sql_of_the_page(pg18: PgServer, place: Place) -> None:
    (sql,) = re.findall(r"```sql\n(.*?)```", (DOCS / PAGE).read_text(encoding="utf-8"), re.DOTALL)
    connection = await asyncpg.connect(pg18.admin_url)
    try:
        await connection.execute("create role app login")
        await connection.execute(sql)
        stored = await connection.fetchval("select rolconfig from pg_roles where rolname = 'app'")
        assert sorted(stored) == ["jit=off", "random_page_cost=1.1"]
    finally:
        await connection.execute("drop role app")
        await connection.close()
