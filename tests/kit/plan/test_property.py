"""Random pairs of schemas: the plan leads from each to the other and back, and pg_dump agrees."""

import os
from random import Random

import pytest

from chatkeep.kit.scratch import Scratch
from fixtures.servers import PgServer
from kit.plan.random_schemas import schema
from kit.plan.there_and_back import both_ways, emptied, staying

FULL = bool(os.environ.get("CHATKEEP_FULL"))
PAIRS = 1000 if FULL else 12
SERIES = 10 if FULL else 1  # a fault in one series leaves the others to run


async def run(server: PgServer, seeds: range) -> list[str]:
    """Give what failed, with the seed that makes it again."""
    faults: list[str] = []
    scratch = Scratch(server.admin_url)
    async with scratch.database() as url, scratch.database() as other, staying(url, other):
        for seed in seeds:
            first, second = schema(Random(2 * seed)), schema(Random(2 * seed + 1))
            try:
                await both_ways(server, (url, other), first, second)
            except Exception as exc:
                faults.append(f"pair {seed}: {type(exc).__name__}: {str(exc)[:800]}")
            await emptied(url)
            await emptied(other)
    return faults


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("series", range(SERIES))
async def test_random_pairs_there_and_back(pg18: PgServer, series: int) -> None:
    many = PAIRS // SERIES
    assert await run(pg18, range(series * many, (series + 1) * many)) == []


@pytest.mark.slow
@pytest.mark.needs("pg15")
@pytest.mark.timeout(7200)
async def test_random_pairs_there_and_back_on_15(pg15: PgServer) -> None:
    assert await run(pg15, range(5000, 5100 if FULL else 5003)) == []
