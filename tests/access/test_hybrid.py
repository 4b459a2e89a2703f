"""Search by words and by meaning together, with embeddings that can be foretold and a real model.

On 18 alone: Debian's PostgreSQL 15 has no pgvector unless somebody installs it.
"""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import func, select

from access.hybrid_toys import DIMENSIONS, Counting, ToySchema, toy
from chatkeep import (
    Database,
    EmbeddingError,
    Found,
    InvalidInputError,
    Message,
    NewMessage,
    NewUsage,
    NewUser,
    SearchFilter,
)
from chatkeep.access import embedding_queries
from chatkeep.access.embedding import Embed
from chatkeep.access.hybrid import CANDIDATES, K, fused
from chatkeep.access.rows import Rows
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.minilm import minilm, model_packages
from fixtures.pgbouncer import PgBouncer
from fixtures.servers import Databases, PgServer

__all__ = ["minilm", "model_packages"]

_numbers = count()


@dataclass
class Place:
    db: Database
    schema: deepsearch.Schema
    url: str

    async def user(self) -> UserScope:
        user = await self.db.users.create(NewUser(email=f"user{next(_numbers)}@example.com"))
        return self.db.as_user(user.id)


@pytest_asyncio.fixture(loop_scope="session", scope="module", params=[None, "rls"])
async def place(request: pytest.FixtureRequest, pg18: PgServer) -> AsyncIterator[Place]:
    databases = Databases(pg18)
    url = await databases()
    schema = ToySchema(
        "x_", security=request.param, app_role="hybrid_app" if request.param else None
    )
    await create_tables(schema, url)
    async with Database(schema, url) as db:
        yield Place(db, schema, url)
    await databases.drop()


@pytest_asyncio.fixture(loop_scope="session")
async def mine(place: Place) -> UserScope:
    return await place.user()


async def tell(mine: UserScope, *texts: str, role: Any = "user", fill: bool = True) -> list[str]:
    chat = await mine.chats.create(title="Toys")
    told = [NewMessage(role=role, content=text) for text in texts]
    messages = await mine.messages.append(chat.id, *told)
    if fill:
        await mine.embeddings.fill(toy)
    return [message.id for message in messages]


def texts(found: list[Found]) -> list[str]:
    return [item.snippet for item in found]


def test_ranks_are_fused_by_place_alone() -> None:
    ranked = fused(["a", "b", "c"], ["c", "a", "d"])
    assert ranked == [
        ("a", 1 / (K + 1) + 1 / (K + 2)),
        ("c", 1 / (K + 3) + 1 / (K + 1)),
        ("b", 1 / (K + 2)),
        ("d", 1 / (K + 3)),
    ]
    assert fused([], []) == []
    assert [id_ for id_, _ in fused(["by words"], ["by meaning"])] == ["by words", "by meaning"]


async def test_what_is_meant_is_found_without_its_words(mine: UserScope) -> None:
    await tell(mine, "The hound barks.", "The fiscal year ends.", "A tide comes.")
    assert (await mine.search("puppy")).items == []
    page = await mine.search("puppy", embed=toy, limit=1)
    assert texts(page.items) == ["The hound barks."]
    assert page.items[0].highlights == []
    assert page.next_cursor is None


async def test_what_has_the_words_and_the_meaning_comes_first(mine: UserScope) -> None:
    words, both, meaning, none = await tell(
        mine, "bread, said the baker about a puppy", "my puppy", "my hound", "the sea"
    )
    page = await mine.search("puppy", embed=toy)
    assert page.items[0].message_id == both
    assert {item.message_id for item in page.items} == {words, both, meaning, none}
    ranks = [item.rank for item in page.items]
    assert ranks == sorted(ranks, reverse=True)
    assert page.items[0].marked() == "my <mark>puppy</mark>"


async def test_what_is_not_embedded_yet_is_found_by_its_words(mine: UserScope) -> None:
    await tell(mine, "a hound")
    await tell(mine, "a puppy", fill=False)
    assert set(texts((await mine.search("puppy", embed=toy)).items)) == {"a puppy", "a hound"}


async def test_filters_hold_for_both_lists(mine: UserScope) -> None:
    (asked,) = await tell(mine, "a puppy, a hound")
    answered, other = await tell(mine, "a hound", "a dog", role="assistant")
    await mine.usage.record(answered, NewUsage(model="gpt", prompt_tokens=1))
    message = await mine.messages.get(answered)

    async def found(**where: Any) -> set[str | None]:
        page = await mine.search("puppy", embed=toy, where=SearchFilter(**where))
        return {item.message_id for item in page.items}

    assert await found() == {asked, answered, other}
    assert await found(role="assistant") == {answered, other}
    assert await found(chat_id=message.chat_id) == {answered, other}
    assert await found(model="gpt") == {answered}
    assert await found(role="user", chat_id=message.chat_id) == set()
    later = message.created_at + timedelta(microseconds=1)
    assert await found(until=message.created_at) == {asked}
    assert answered in await found(since=message.created_at)
    assert await found(since=later) in ({other}, set())


async def test_excluded_words_are_not_there_and_not_meant(mine: UserScope) -> None:
    await tell(mine, "a hound", "a Hound, a tax", "a puppy and a tax", "a dog at sea")
    embed = Counting()
    page = await mine.search('puppy -tax -"at sea"', embed=embed)
    assert texts(page.items) == ["a hound"]
    assert embed.calls == [["puppy"]]


async def test_nobody_else_and_nothing_deleted_is_found(place: Place, mine: UserScope) -> None:
    other = await place.user()
    await tell(other, *(f"puppy {number}" for number in range(30)))
    kept, gone = await tell(mine, "a hound", "a puppy")
    (trashed,) = await tell(mine, "a dog")
    await mine.messages.delete(gone)
    await mine.chats.delete((await mine.messages.get(trashed)).chat_id)
    page = await mine.search("puppy", embed=toy)
    assert [item.message_id for item in page.items] == [kept]


async def test_it_sees_what_its_transaction_wrote(place: Place, mine: UserScope) -> None:
    async with place.db.transaction() as tx:
        inside = tx.as_user(mine.user_id)
        await tell(inside, "a hound")
        assert texts((await inside.search("puppy", embed=toy)).items) == ["a hound"]
    assert len((await mine.search("puppy", embed=toy)).items) == 1


async def test_no_more_than_the_limit(mine: UserScope) -> None:
    await tell(mine, *(f"dog {number}" for number in range(CANDIDATES + 10)))
    assert len((await mine.search("puppy", embed=toy)).items) == 20
    assert len((await mine.search("puppy", embed=toy, limit=CANDIDATES)).items) == CANDIDATES


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("embed", {"embed": 7}),
        ("query", {"query": " "}),
        ("query", {"query": "-puppy"}),
        ("query", {"query": "a\0b"}),
        ("after", {"after": "cursor"}),
        ("order", {"order": "newest"}),
        ("where", {"where": {"role": "user"}}),
        ("where", {"where": SearchFilter(messages=False)}),
        *(("limit", {"limit": bad}) for bad in (0, -1, CANDIDATES + 1, True, "7", None)),
    ],
)
async def test_what_it_does_not_take_is_refused_before_anything_is_sent(
    place: Place, mine: UserScope, field: str, options: dict[str, Any]
) -> None:
    embed = Counting()
    given = {"query": "puppy", "embed": embed, **options}
    with place.db.statements() as sent, pytest.raises(InvalidInputError) as caught:
        await mine.search(given.pop("query"), **given)
    assert caught.value.field == field
    assert not sent.names
    assert not embed.calls


async def test_a_model_of_another_size_is_named(mine: UserScope) -> None:
    async def wide(texts: list[str]) -> list[list[float]]:
        return [[1.0] * 1536 for _ in texts]

    with pytest.raises(EmbeddingError, match=f"1536 .* holds {DIMENSIONS}"):
        await mine.search("puppy", embed=wide)


# ---------------------------------------------------------------- a user with very many messages


@pytest_asyncio.fixture(loop_scope="session")
async def many(place: Place, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """A database that asks the index for more than 20 embeddings of a user."""
    monkeypatch.setattr(embedding_queries, "EXACT", 20)
    kind = type(place.schema)
    options = {"security": place.schema.security, "app_role": place.schema.app_role}
    schema = kind("x_", **(options if place.schema.security else {}))
    async with Database(schema, place.url, max_connections=1) as db:
        yield Place(db, schema, place.url)


async def varied(texts: list[str]) -> list[list[float]]:
    """Points into a direction of each text's own, not far from the toy's."""
    noise = [random.Random(text) for text in texts]
    toys = await toy(texts)
    return [
        [part + each.gauss(0, 0.3) for part in vector]
        for vector, each in zip(toys, noise, strict=True)
    ]


async def test_with_very_many_the_index_is_asked_and_the_settings_stay_there(
    many: Place,
) -> None:
    mine, other = await many.user(), await many.user()
    for scope, words in ((mine, ("dog", "tax", "sea", "bread")), (other, ("puppy",))):
        each = [f"{words[number % len(words)]} {number}" for number in range(500)]
        await tell(scope, *each, fill=False)
        await scope.embeddings.fill(varied, batch=500)
    connection = await asyncpg.connect(many.url)
    await connection.execute("ANALYZE x_message_embedding")
    await only_one_reads_the_index(connection, many, mine)
    await connection.close()
    exact = await exactly(many, mine)
    with many.db.statements() as sent:
        page = await mine.search("hound", embed=toy, limit=CANDIDATES)
    assert sent.names[-2:] == ["embeddings.nearest_indexed", "search.shown"]
    ids = {item.message_id for item in page.items}
    assert len(ids) == CANDIDATES
    assert len(ids & set(exact)) >= 0.9 * CANDIDATES
    setting = select(func.current_setting("enable_sort"))
    assert await many.db.scalar(setting) == "on"  # on the same, only connection
    with many.db.statements() as sent:
        await mine.search("hound", embed=toy, where=SearchFilter(role="user"))
    assert "embeddings.nearest_of" in sent.names


async def only_one_reads_the_index(
    connection: asyncpg.Connection, place: Place, mine: UserScope
) -> None:
    """The index holds everybody's: what compares each must not be planned by it."""
    queries = embedding_queries.embedding_queries(
        place.schema, Rows("messages", place.schema.messages, Message), is_scoped=True
    )
    values = {"user_id": mine.user_id, "vector": "[1,0,0,0,0]", "limit": 20, "role": "user"}
    for query, is_indexed in (
        (queries.nearest, False),
        (queries.nearest_of(("role",)), False),
        (queries.nearest_indexed, True),
    ):
        async with connection.transaction():
            if is_indexed:
                await connection.fetch(queries.settings.statement.sql)
            arguments = query.statement.arguments(values)
            plan = await connection.fetch(f"EXPLAIN {query.statement.sql}", *arguments)
        index = "x_message_embedding_embedding_idx"
        assert any(index in row[0] for row in plan) == is_indexed


async def exactly(place: Place, mine: UserScope) -> list[str]:
    """The ids in the order of a comparison with each."""
    async with place.db.transaction() as tx:
        with place.db.statements() as sent:
            page = await tx.as_user(mine.user_id).search("hound", embed=toy, limit=CANDIDATES)
    assert "embeddings.nearest" in sent.names
    return [str(item.message_id) for item in page.items]


@pytest.mark.needs("pgbouncer")
@pytest.mark.parametrize("place", [None], indirect=True)
async def test_behind_a_pooler(place: Place, mine: UserScope, pgbouncer: PgBouncer) -> None:
    await tell(mine, "a hound")
    through = pgbouncer.url(urlsplit(place.url).path.lstrip("/"))
    async with Database(place.schema, through, pooler="pgbouncer") as db:
        own = db.as_user(mine.user_id)
        await own.embeddings.fill(toy)
        assert texts((await own.search("puppy", embed=toy)).items) == ["a hound"]


# ---------------------------------------------------------------------------------- a real model


class RealSchema(deepsearch.Schema):
    message_embeddings = deepsearch.embeddings(384, model="all-MiniLM-L6-v2")


SAID = {
    "My dog hurt its leg and cannot walk any more.": "veterinarian for a limping puppy",
    "How do I file my income tax return this year?": "paperwork for the revenue office",
    "The database answers slowly since we added an index.": "why are my SQL queries so sluggish",
    "What is a good recipe for sourdough?": "baking bread at home",
    "The train to Hamburg was two hours late.": "public transport delays",
    "Explain how vaccines teach the body to resist a virus.": "immune system training",
}


async def test_a_real_model_finds_a_paraphrase_that_keywords_miss(
    database_url: str, minilm: Embed
) -> None:
    schema = RealSchema("x_")
    await create_tables(schema, database_url)
    async with Database(schema, database_url) as db:
        user = await db.users.create(NewUser(email="user@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="Everything")
        told = [NewMessage(role="user", content=text) for text in SAID]
        await mine.messages.append(chat.id, *told)
        assert await mine.embeddings.fill(minilm, batch=4) == len(SAID)
        for text, paraphrase in SAID.items():
            assert (await mine.search(paraphrase)).items == []
            page = await mine.search(paraphrase, embed=minilm, limit=1)
            assert texts(page.items) == [text]
