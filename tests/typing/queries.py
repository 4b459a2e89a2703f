"""What a type checker says of statements of the caller's own. Checked, never run."""

from dataclasses import dataclass
from typing import assert_type

import msgspec
from pydantic import BaseModel
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert_into

from chatkeep import Database, NewUser, Prepared, Stream, User
from chatkeep.presets import deepsearch


@dataclass
class Data:
    id: str
    name: str | None


class Struct(msgspec.Struct):
    id: str
    name: str | None


class Model(BaseModel):
    id: str
    name: str | None


async def queries() -> None:
    schema = deepsearch.schema(prefix="x_")
    users = schema.users
    async with Database(schema) as db:
        both = select(users.c.id, users.c.name)
        assert_type(await db.all(both, into=Data), list[Data])
        assert_type(await db.first(both, into=Struct), Struct | None)
        assert_type(await db.one(both, into=Model), Model)
        assert_type(await db.all(select(users), into=User), list[User])
        assert_type(db.stream(both, into=Data), Stream[Data])
        assert_type(db.stream(both, batch=10), Stream[tuple[str, str | None]])
        assert_type(db.stream(select(users.c.id)), Stream[tuple[str]])

        prepared = db.prepare(both.where(users.c.id == bindparam("id")), into=Struct)
        assert_type(prepared, Prepared[Struct])
        assert_type(await prepared.first(id="x"), Struct | None)
        assert_type(await prepared.all(id="x"), list[Struct])
        assert_type(await prepared.one(id="x"), Struct)
        assert_type(prepared.stream(id="x"), Stream[Struct])

        async for row in db.stream(both):
            assert_type(row, tuple[str, str | None])
        async with db.stream(both, into=Model) as rows:
            async for model in rows:
                assert_type(model, Model)

        new = insert(users).values(id="x", email="x@example.com")
        assert_type(await db.one(new.returning(users.c.id, users.c.name)), tuple[str, str | None])
        assert_type(await db.one(new.returning(users.c.id, users.c.name), into=Data), Data)
        put = upsert_into(users).values(id="x").on_conflict_do_nothing()
        assert_type(await db.first(put.returning(users.c.id)), tuple[str] | None)
        changed = update(users).values(name="x").returning(users.c.name)
        assert_type(await db.all(changed), list[tuple[str | None]])
        assert_type(await db.scalar(select(func.count(users.c.id))), int | None)

        assert_type(await db.execute(delete(users)), int)
        assert_type(await db.copy(users, [NewUser(email="x@example.com")]), int)
        async with db.transaction() as tx:
            assert_type(await tx.execute(update(users).values(name="x")), int)
            assert_type(await tx.all(both, into=Data), list[Data])
            assert_type(await tx.copy(users, tx.stream(both), columns=["id", "name"]), int)
