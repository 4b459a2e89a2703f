"""Random series of appends, branches, deletes, restores and purges, against a plain model."""

import os

import pytest

from access.trash_model import Series
from chatkeep import Database
from chatkeep.access.scope import UserScope

FULL = bool(os.environ.get("CHATKEEP_FULL"))


@pytest.fixture(params=["18", pytest.param("15", marks=pytest.mark.needs("pg15"))])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("seed", range(2))
async def test_a_series(db: Database, mine: UserScope, seed: int) -> None:
    await Series(db, mine, seed).run(60)


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="CHATKEEP_FULL=1 runs the long series")
@pytest.mark.parametrize("seed", range(100, 140))
async def test_a_long_series(db: Database, mine: UserScope, seed: int) -> None:
    await Series(db, mine, seed).run(400)
