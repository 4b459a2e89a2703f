"""One change of each kind, there and back: facts, pg_dump, rows and sequences must agree."""

import asyncpg
import pytest

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.prove import prove
from fixtures.servers import PgServer
from kit.plan.cases import CASES, Case


async def made(url: str, sql: str) -> Catalog:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql.strip() or "select 1")
        return await read_catalog(connection)
    finally:
        await connection.close()


async def check(server: PgServer, case: Case) -> None:
    scratch = Scratch(server.admin_url)
    dump = server.bin / "pg_dump"
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, case.old), await made(new, case.new)
        up, down = plan(a, b, allow_drops=True), plan(b, a, allow_drops=True)
        await prove(scratch, old, up, b, goal_url=new, pg_dump=dump)
        await prove(scratch, new, down, a, goal_url=old, pg_dump=dump)
        if case.old == case.new:
            assert up == down == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_one_change_there_and_back(pg18: PgServer, case: Case) -> None:
    await check(pg18, case)


@pytest.mark.needs("pg15")
@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.only18][::3], ids=lambda case: case.name
)
async def test_one_change_there_and_back_on_15(pg15: PgServer, case: Case) -> None:
    await check(pg15, case)
