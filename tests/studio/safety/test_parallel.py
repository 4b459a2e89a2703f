"""200 requests at once: all are answered, and the application beside the studio keeps its connections."""

import asyncio
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount

from chatkeep import Database
from chatkeep.settings import Settings
from chatkeep.studio import studio
from fixtures.studio_world import ADA, FOLDER, PREFIX, RICH_CHAT, SCHEMA
from studio.safety.conftest import House
from studio.safety.test_hostile import connected

PATHS = (
    "/api/overview",
    "/api/tables",
    f"/api/tables/public/{PREFIX}message/rows?limit=100",
    f"/api/people/{ADA}",
    f"/api/chats/{RICH_CHAT}/messages",
    f"/api/search?user={ADA}&q=index",
    "/api/figures/usage",
)


async def test_all_are_answered(house: House, inside: httpx.AsyncClient):
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(
        base_url=house.url, headers=inside.headers, cookies=inside.cookies, timeout=60,
        limits=limits, verify=False,
    ) as many:  # fmt: skip
        answers = await asyncio.gather(*(many.get(PATHS[n % len(PATHS)]) for n in range(200)))
    assert {answer.status_code for answer in answers} == {200}


async def test_the_application_beside_it_is_served_meanwhile(world_clone: str, tmp_path: Path):
    settings = Settings(
        root=tmp_path, schema=None, migrations=FOLDER, tables_filter=(), url=None, scratch_url=None
    )
    async with (
        connected(world_clone) as watcher,
        Database(SCHEMA, world_clone, max_connections=8) as db,
    ):
        app = Starlette(routes=[Mount("/studio", studio(db, settings=settings))])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x", headers={"x-chatkeep-studio": "1"}
        ) as client:
            # Held up at a lock, the studio's share of the connections is used up for a while.
            async with watcher.transaction():
                await watcher.execute(f'lock table "{PREFIX}message" in access exclusive mode')
                path = f"/studio/api/tables/public/{PREFIX}message/rows"
                asking = [asyncio.create_task(client.get(path)) for _ in range(50)]
                held = "select count(*) from pg_locks where not granted"
                async with asyncio.timeout(20):
                    while await watcher.fetchval(held) < 4:
                        await asyncio.sleep(0.01)
                assert await watcher.fetchval(held) == 4
                user = await db.users.get(ADA)  # not a wait of seconds behind the studio
                assert user.id == ADA
            answers = await asyncio.gather(*asking)
            # So it is with calls of the typed access.
            async with watcher.transaction():
                await watcher.execute(f'lock table "{PREFIX}chat" in access exclusive mode')
                asking = [
                    asyncio.create_task(client.get(f"/studio/api/chats/{RICH_CHAT}"))
                    for _ in range(50)
                ]
                async with asyncio.timeout(20):
                    while await watcher.fetchval(held) < 4:
                        await asyncio.sleep(0.01)
                user = await db.users.get(ADA)
                assert user.id == ADA
                assert await watcher.fetchval(held) == 4
            answers += await asyncio.gather(*asking)
        assert {answer.status_code for answer in answers} <= {200, 503, 504}
        assert 200 in {answer.status_code for answer in answers}
