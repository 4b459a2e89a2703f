"""An open pool on an empty database."""

from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from sqlalchemy import text

from chatkeep.engine.compile import Statement, compile_statement
from chatkeep.engine.observe import Observers
from chatkeep.engine.pool import Pool, PoolOptions
from chatkeep.engine.run import PoolRunner


@pytest_asyncio.fixture(loop_scope="session")
async def runner(database_url: str) -> AsyncIterator[PoolRunner]:
    """Two connections, time-outs of a second."""
    options = PoolOptions(max_connections=2, statement_timeout=1.0, acquire_timeout=0.5)
    pool = Pool(options)
    await pool.open(database_url)
    try:
        yield PoolRunner(pool, Observers(), {})
    finally:
        await pool.close()


@pytest.fixture
def sql() -> Callable[[str], Statement]:
    """SQL text as a statement."""
    return lambda words: compile_statement("test", text(words))
