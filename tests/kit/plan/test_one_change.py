"""One change of each kind on one database, up, down and up again.

pg_dump is asked of both ends and after the first two ways for every case; after the third, which ends
where the first did, for every eighth case (all with CHATKEEP_FULL=1). On 15 runs every eighth case.
"""

import os
from collections.abc import AsyncIterator

import pytest

from chatkeep.kit.scratch import Scratch
from fixtures.servers import PgServer
from kit.plan.cases import CASES, Case
from kit.plan.there_and_back import emptied, staying, there_and_back

FULL = bool(os.environ.get("CHATKEEP_FULL"))
DUMPED_AGAIN = {case.name for case in (CASES if FULL else CASES[::8])}
ON_15 = [case for case in CASES if case.runs_on("15")]


@pytest.fixture(scope="module")
async def two_of_18(pg18: PgServer) -> AsyncIterator[tuple[str, str]]:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as url, scratch.database() as other, staying(url, other):
        yield url, other


@pytest.fixture(scope="module")
async def two_of_15(pg15: PgServer) -> AsyncIterator[tuple[str, str]]:
    scratch = Scratch(pg15.admin_url)
    async with scratch.database() as url, scratch.database() as other, staying(url, other):
        yield url, other


async def check(server: PgServer, urls: tuple[str, str], case: Case) -> None:
    for url in urls:
        await emptied(url)
    await there_and_back(
        server, urls, case.old, case.new, case.rows, dumped_again=case.name in DUMPED_AGAIN
    )


def test_there_are_as_many_cases_as_said() -> None:
    assert len(CASES) >= 270
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_one_change_up_down_and_up_again(
    pg18: PgServer, two_of_18: tuple[str, str], case: Case
) -> None:
    await check(pg18, two_of_18, case)


@pytest.mark.needs("pg15")
@pytest.mark.parametrize("case", ON_15 if FULL else ON_15[::8], ids=lambda case: case.name)
async def test_one_change_up_down_and_up_again_on_15(
    pg15: PgServer, two_of_15: tuple[str, str], case: Case
) -> None:
    await check(pg15, two_of_15, case)
