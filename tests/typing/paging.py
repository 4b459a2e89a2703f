"""What a type checker says of pages. Checked, never run."""

from dataclasses import dataclass
from typing import assert_type

from sqlalchemy import select

from chatkeep import END, Chat, Database, Page
from chatkeep.presets import deepsearch


@dataclass
class Titled:
    id: str
    title: str


async def pages() -> None:
    schema = deepsearch.schema(prefix="x_")
    chats = schema.chats
    async with Database(schema) as db:
        order = chats.c.updated_at.desc()
        both = select(chats.c.id, chats.c.title)
        assert_type(await db.page(both, order_by=order), Page[tuple[str, str]])
        one = await db.page(select(chats.c.id), order_by=[order, chats.c.id], before=END)
        assert_type(one, Page[tuple[str]])
        assert_type(one.previous_cursor, str | None)
        assert_type(await db.page(both, order_by=order, into=Titled), Page[Titled])
        assert_type(await db.page(select(chats), order_by=order, into=Chat), Page[Chat])
        assert_type(await db.as_user("ada").chats.list(before=END), Page[Chat])
        async with db.transaction() as tx:
            assert_type(await tx.page(both, order_by=order), Page[tuple[str, str]])
