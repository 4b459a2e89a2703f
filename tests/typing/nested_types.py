"""What a type checker says of nested rows: the class that was given comes back."""

from dataclasses import dataclass
from typing import assert_type

import msgspec
from pydantic import BaseModel
from sqlalchemy import bindparam

from chatkeep import Database, Nested, Prepared, User, UserWithAccounts, nested
from chatkeep.presets import deepsearch
from chatkeep.schema.relations import Relation


class Line(msgspec.Struct):
    id: str
    content: str


@dataclass
class ChatTree:
    id: str
    user: User | None
    messages: list[Line]


class UserTree(BaseModel):
    id: str
    chats: list[ChatTree]


async def nested_types(db: Database, schema: deepsearch.Schema) -> None:
    query = (
        nested(schema.users, into=UserTree)
        .where(schema.users.c.id == bindparam("id"))
        .order_by(schema.users.c.email.desc(), schema.users.c.id)
        .limit(10)
        .nest(
            "chats",
            where=schema.chats.c.title != "x",
            order_by=[schema.chats.c.updated_at.desc()],
            limit=5,
        )
        .nest("chats.messages", order_by=schema.messages.c.seq, limit=bindparam("n"))
    )
    assert_type(query, Nested[UserTree])
    by_id = db.prepare(query)
    assert_type(by_id, Prepared[UserTree])
    tree = await by_id.first(id="u1", n=3)
    assert_type(tree, UserTree | None)
    assert tree is not None
    assert_type(tree.chats[0].messages[0].content, str)
    assert_type(await by_id.all(id="u1", n=3), list[UserTree])
    assert_type(await by_id.one(id="u1", n=3), UserTree)
    assert_type(await db.first(query), UserTree | None)
    assert_type(await db.all(query), list[UserTree])
    assert_type(await db.one(query), UserTree)
    async with db.transaction() as tx:
        found = await tx.one(nested(schema.users, into=UserWithAccounts))
        assert_type(found, UserWithAccounts)
    assert_type(schema.relations["users"]["chats"], Relation)
