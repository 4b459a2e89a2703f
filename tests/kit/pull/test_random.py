"""Random schemas through `pull`: the module and the migration are pg_dump-identical to them."""

import os
import tempfile
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from fixtures.servers import Databases, PgServer
from kit.plan.random_schemas import schemas
from kit.pull.conftest import round_trip

FULL = bool(os.environ.get("CHATKEEP_FULL"))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(
    max_examples=200 if FULL else 2,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(sql=schemas())
async def test_random_schemas(pg18: PgServer, sql: str) -> None:
    databases = Databases(pg18)
    url = await databases()
    try:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()
        with tempfile.TemporaryDirectory() as root:
            await round_trip(pg18, url, Path(root))
    finally:
        await databases.drop()
