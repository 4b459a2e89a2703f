"""pgmig, another differ, sees no difference left after our plan, where it knows the kinds at all."""

import asyncpg
import pgmig
import pytest

from chatkeep.kit.build import run_all
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.scratch import Scratch
from fixtures.servers import PgServer
from kit.plan.cases import CASES, Case


async def made(url: str, sql: str) -> Catalog:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql.strip() or "select 1")
        return await read_catalog(connection)
    finally:
        await connection.close()


@pytest.mark.parametrize("case", CASES[::6], ids=lambda case: case.name)
async def test_pgmig_finds_nothing_left(pg18: PgServer, case: Case) -> None:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, case.old), await made(new, case.new)
        await run_all(old, [statement.sql for statement in plan(a, b, allow_drops=True)])
        try:
            left = await pgmig.agenerate(source=old, target=new)
        except pgmig.PgmigUnsupportedError as exc:
            pytest.skip(f"pgmig does not know this kind: {exc}")
    assert left.strip() == ""
