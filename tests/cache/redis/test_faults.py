"""Ten ways in which Redis fails under 32 clients: no request fails, and each gets its own results.

How long requests take meanwhile is measured by `benchmarks/cache_faults.py`.
"""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from chatkeep import Database, SearchCacheOptions
from chatkeep.presets import deepsearch
from fixtures.proxy import FaultProxy, eventually
from fixtures.redis import RedisServer
from fixtures.redis_faults import FAULTS, Scene, Traffic
from fixtures.servers import Databases, PgServer

AWAY = {"refused", "silent", "killed"}
EMPTIED = {"wrong type", "garbage", "flushed", "restarted"}
STILL_READ = {"out of memory", "read-only"}


@pytest.fixture
async def scene(redis_server: RedisServer) -> AsyncIterator[Scene]:
    proxy = FaultProxy(redis_server.folder / "redis.sock")
    await proxy.start()
    yield Scene(redis_server, proxy)
    await proxy.stop()


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_request_fails(
    scene: Scene,
    fault: str,
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
) -> None:
    schema = deepsearch.schema(prefix="app_")
    url = await fresh_database(pg18).holding(schema)
    if fault == "refused":
        FAULTS[fault](scene)
    options = SearchCacheOptions(
        redis_url=scene.url(fault),
        memory_bytes=0,  # or nobody would ask Redis
        refresh_early=0,  # or a search may be fetched twice, rarely
        breaker_reset=timedelta(milliseconds=100),
    )
    async with Database(schema, url, search_cache=options) as db:
        traffic = Traffic(db)
        await traffic.warm()
        strike = None if fault == "refused" else lambda: FAULTS[fault](scene)
        requests = 150 if fault == "slow" else 400
        struck = await traffic.run(requests, new=0.1, strike=strike)
        after = await traffic.run(requests // 2)
        assert not struck.failed + after.failed
        assert not struck.wrong + after.wrong
        # PostgreSQL has what Redis lost: nothing is fetched a second time.
        assert set(traffic.fetched.values()) == {1}
        assert (scene.proxy.struck["delay"] > 0) == (fault == "slow")
        if fault in AWAY | EMPTIED:
            assert struck.tiers["postgres"]
        if fault in AWAY:
            assert after.tiers.keys() == {"postgres"}
        if fault in STILL_READ:
            assert after.tiers["redis"]

        scene.mend()

        async def all_from_redis() -> bool:
            leg = await traffic.run(64)
            assert not leg.failed + leg.wrong
            return leg.tiers.keys() == {"redis"}

        await eventually(all_from_redis)
        assert set(traffic.fetched.values()) == {1}
