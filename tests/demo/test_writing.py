"""The chats that the demo measures with: gone after each run, also after one that was killed."""

import asyncio
from collections.abc import Callable

import pytest

from chatkeep import Database, NewChat, NewUser
from chatkeep.database.creation import create_tables
from chatkeep.demo.job import PREFIX
from chatkeep.demo.writing import remove_scratch_chats, scratch_id
from chatkeep.engine.observe import Observation
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer


@pytest.mark.parametrize("after", [1, 2, 5])
async def test_a_removal_that_was_stopped_is_finished_by_the_next(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], after: int
):
    schema = deepsearch.schema(prefix=PREFIX)
    url = await fresh_database(pg18)()
    await create_tables(schema, url)
    async with Database(schema, url) as db:
        user = await db.users.create(NewUser(email="ada@example.com"))
        for number in range(8):
            await db.as_user(user.id).chats.create(NewChat(id=scratch_id(number), title="New"))
        deletions = 0

        def stop(told: Observation) -> None:
            nonlocal deletions
            deletions += told.sql.startswith("DELETE")
            if deletions == after:
                removal.cancel()

        removal = asyncio.create_task(remove_scratch_chats(db, user))
        with db.observe(stop), pytest.raises(asyncio.CancelledError):
            await removal
        await remove_scratch_chats(db, user)
        assert await db.chats.count() == 0
