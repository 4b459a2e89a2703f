"""What a type checker says of hybrid search. Checked, never run."""

from collections.abc import Sequence
from typing import assert_type

from chatkeep import Database, Found, Page, SearchFilter
from chatkeep.presets import deepsearch


class AppSchema(deepsearch.Schema):
    message_embeddings = deepsearch.embeddings(384, model="m")


async def lists(texts: list[str]) -> list[list[float]]:
    return [[1.0] for _ in texts]


async def tuples(texts: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    return tuple((1.0,) for _ in texts)


class Model:
    async def __call__(self, texts: list[str]) -> list[Sequence[float]]:
        return [[1.0] for _ in texts]


async def hybrid_types() -> None:
    schema = AppSchema()
    assert_type(schema.message_embeddings.c.message_id.name, str)
    async with Database(schema) as db:
        mine = db.as_user("u")
        assert_type(await mine.embeddings.fill(lists, limit=1), int)
        assert_type(await db.embeddings.fill(tuples, batch=1), int)
        places: list[tuple[str, str] | None] = [None]
        assert_type(await mine.embeddings.fill(lists, after=places[-1], reached=places.append), int)
        where = SearchFilter(role="user")
        assert_type(await mine.search("x", embed=Model(), where=where), Page[Found])
