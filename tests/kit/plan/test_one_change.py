"""One change of each kind on one database, up, down and up again."""

import os

import pytest

from fixtures.servers import PgServer
from kit.plan.cases import CASES, Case
from kit.plan.there_and_back import there_and_back

FULL = bool(os.environ.get("CHATKEEP_FULL"))
ON_15 = [case for case in CASES if case.runs_on("15")]


def test_there_are_as_many_cases_as_said() -> None:
    assert len(CASES) >= 250
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_one_change_up_down_and_up_again(pg18: PgServer, case: Case) -> None:
    await there_and_back(pg18, case.old, case.new, case.rows)


@pytest.mark.needs("pg15")
@pytest.mark.parametrize("case", ON_15 if FULL else ON_15[::8], ids=lambda case: case.name)
async def test_one_change_up_down_and_up_again_on_15(pg15: PgServer, case: Case) -> None:
    await there_and_back(pg15, case.old, case.new, case.rows)
