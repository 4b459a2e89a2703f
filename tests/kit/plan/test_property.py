"""Random pairs of schemas: the plan leads from each to the other, and pg_dump agrees."""

import os
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.prove import prove
from fixtures.servers import PgServer
from kit.plan.random_schemas import schemas

FULL = bool(os.environ.get("CHATKEEP_FULL"))


async def made(url: str, sql: str) -> Catalog:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
        return await read_catalog(connection)
    finally:
        await connection.close()


async def both_ways(server: PgServer, first: str, second: str, dump: Path) -> None:
    scratch = Scratch(server.admin_url)
    async with scratch.database() as old, scratch.database() as new:
        a, b = await made(old, first), await made(new, second)
        up, down = plan(a, b, allow_drops=True), plan(b, a, allow_drops=True)
        await prove(scratch, old, up, b, goal_url=new, pg_dump=dump)
        await prove(scratch, new, down, a, goal_url=old, pg_dump=dump)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(
    max_examples=1000 if FULL else 30,
    deadline=None,
    database=None,
    phases=[Phase.generate],  # shrinking takes two databases a try
    suppress_health_check=list(HealthCheck),
)
@given(first=schemas(), second=schemas())
async def test_random_pairs_both_ways(pg18: PgServer, first: str, second: str) -> None:
    await both_ways(pg18, first, second, pg18.bin / "pg_dump")
