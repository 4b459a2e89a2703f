"""`db.transaction(...)` in its three forms."""

from typing import assert_type

from chatkeep import Chat, Database, Transaction, User


async def titles(tx: Transaction) -> list[str]:
    return [chat.title for chat in (await tx.as_user("ada").chats.list()).items]


async def check(db: Database) -> None:
    async with db.transaction(isolation="serializable", read_only=True) as tx:
        assert_type(await tx.users.get("ada"), User)
        async with tx.transaction() as inner:
            assert_type(await inner.chats.get("one"), Chat)
    async for attempt in db.transaction(retry=3):
        async with attempt as tx:
            assert_type(await tx.users.get("ada"), User)
    assert_type(await db.transaction(retry=3).run(titles), list[str])
