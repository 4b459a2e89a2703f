"""Order and paging while many write: every acknowledged message is read once, in order."""

import asyncio
import contextlib
import os
import random
from collections.abc import Callable

import pytest

from chatkeep import END, START, Chat, Database, NewMessage, NewUser
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

FULL = bool(os.environ.get("CHATKEEP_FULL"))
MESSAGES = 20_000 if FULL else 1_600
WRITERS, CHATS = 64, 8


class Chatter:
    """One chat: what its writers were told is stored, and what its readers saw.

    Attributes:
        told: The place of each acknowledged message.
        is_quiet: Set when the last writer is done.
    """

    def __init__(self, db: Database, mine: UserScope, chat: Chat, seed: int) -> None:
        self.db = db
        self.mine = mine
        self.chat = chat
        self.random = random.Random(seed)
        self.told: dict[str, int] = {}
        self.is_quiet = asyncio.Event()

    async def write(self, count: int) -> None:
        """Append one to five messages at a time: alone, in a slow transaction, or in vain."""
        while count:
            new = [
                NewMessage(role="user", content="x")
                for _ in range(min(count, self.random.randint(1, 5)))
            ]
            way = self.random.random()
            if way < 0.8:
                stored = await self.mine.messages.append(self.chat.id, *new)
            else:
                with contextlib.suppress(GaveUpError):
                    async with self.db.transaction() as tx:
                        mine = tx.as_user(self.mine.user_id)
                        stored = await mine.messages.append(self.chat.id, *new)
                        await asyncio.sleep(self.random.random() / 200)
                        if way > 0.95:
                            raise GaveUpError
            if way > 0.95:
                continue
            assert [message.id for message in stored] == [message.id for message in new]
            self.told |= {message.id: message.seq for message in stored}
            count -= len(new)

    async def follow(self, limit: int) -> list[str]:
        """Page forward, and read the last page again until the writers are done."""
        found: list[str] = []
        cursor, taken = START, 0
        while True:
            was_quiet = self.is_quiet.is_set()
            page = await self.mine.messages.list(self.chat.id, limit, after=cursor)
            items = [message.id for message in page.items]
            assert items[:taken] == found[len(found) - taken :]
            found += items[taken:]
            if page.next_cursor is not None:
                cursor, taken = page.next_cursor, 0
            elif was_quiet:
                return found
            else:
                taken = len(items)

    async def page_back(self, limit: int) -> int:
        """Page from the newest to the first: all that was told by then, once, in order."""
        walks = 0
        while not self.is_quiet.is_set():
            told = dict(self.told)
            seen: list[tuple[int, str]] = []
            cursor: str | None = END
            while cursor is not None:
                page = await self.mine.messages.list(self.chat.id, limit, before=cursor)
                seen += [(message.seq, message.id) for message in page.items]
                cursor = page.next_cursor
            assert seen == sorted(set(seen), reverse=True)
            assert told.items() <= {message: seq for seq, message in seen}.items()
            walks += 1
        return walks


class GaveUpError(Exception):
    """A transaction that is rolled back."""


@pytest.mark.timeout(1200)
async def test_every_acknowledged_message_is_read_once_in_order(
    pg: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    schema, url = deepsearch.schema(), await fresh_database(pg)()
    await create_tables(schema, url)
    messages = MESSAGES if pg.version == "18" else 400
    async with Database(schema, url, max_connections=WRITERS + CHATS) as db:
        mine = db.as_user((await db.users.create(NewUser(email="a@example.com"))).id)
        chatters = [
            Chatter(db, mine, await mine.chats.create(title="T"), seed) for seed in range(CHATS)
        ]
        await asyncio.gather(*(attend(chatter, messages // CHATS) for chatter in chatters))


async def attend(chatter: Chatter, messages: int) -> None:
    """Let a chat's writers and readers work, and compare what they know."""
    each = WRITERS // CHATS
    async with asyncio.TaskGroup() as tasks:
        followers = [tasks.create_task(chatter.follow(limit)) for limit in (7, 50)]
        walker = tasks.create_task(chatter.page_back(50))
        async with asyncio.TaskGroup() as writers:
            for _ in range(each):
                writers.create_task(chatter.write(messages // each))
        chatter.is_quiet.set()
    in_order = sorted(chatter.told, key=chatter.told.__getitem__)
    assert len(in_order) == messages // each * each
    assert walker.result() > 0
    for follower in followers:
        assert follower.result() == in_order
    chat = await chatter.mine.chats.get(chatter.chat.id)
    assert chat.head == in_order[-1]
    assert await chatter.mine.messages.count(chat.id) == len(in_order)
