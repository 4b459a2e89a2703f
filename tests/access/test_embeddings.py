"""Embeddings of messages: what is embedded when, and what a bad `embed` leaves behind.

On 18 alone: Debian's PostgreSQL 15 has no pgvector unless somebody installs it.
"""

import asyncio
from array import array
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from access.hybrid_toys import Counting, OtherToySchema, ToySchema, toy, vector_of
from chatkeep import (
    ConfigError,
    Database,
    EmbeddingError,
    InvalidInputError,
    NewMessage,
    NewUser,
    StatementError,
)
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

_numbers = count()


@dataclass
class Place:
    db: Database
    admin: asyncpg.Connection
    url: str
    options: dict[str, Any]

    def schema(self, kind: type[deepsearch.Schema] = ToySchema) -> deepsearch.Schema:
        return kind("x_", **self.options)

    async def user(self) -> UserScope:
        user = await self.db.users.create(NewUser(email=f"user{next(_numbers)}@example.com"))
        return self.db.as_user(user.id)

    async def stored(self, mine: UserScope) -> dict[str, str]:
        """The model of each embedding, by the text of its message."""
        rows = await self.admin.fetch(
            "SELECT content, model FROM x_message_embedding e JOIN x_message m ON m.id = message_id"
            " WHERE e.user_id = $1",
            mine.user_id,
        )
        return {row["content"]: row["model"] for row in rows}


@pytest_asyncio.fixture(loop_scope="session", scope="module", params=[None, "rls"])
async def place(request: pytest.FixtureRequest, pg18: PgServer) -> AsyncIterator[Place]:
    databases = Databases(pg18)
    url = await databases()
    options = {"security": "rls", "app_role": "toy_app"} if request.param else {}
    schema = ToySchema("x_", **options)
    await create_tables(schema, url)
    admin = await asyncpg.connect(url)
    async with Database(schema, url) as db:
        yield Place(db, admin, url, options)
    await admin.close()
    await databases.drop()


@pytest_asyncio.fixture(loop_scope="session")
async def mine(place: Place) -> UserScope:
    return await place.user()


def said(text: str, **more: Any) -> NewMessage:
    return NewMessage(role="user", content=text, **more)


async def tell(mine: UserScope, *texts: str) -> list[str]:
    chat = await mine.chats.create(title="Toys")
    return [message.id for message in await mine.messages.append(chat.id, *map(said, texts))]


async def test_each_message_is_embedded_once(place: Place, mine: UserScope) -> None:
    await tell(mine, "a dog", "a tax", "the sea")
    embed = Counting()
    assert await mine.embeddings.fill(embed, batch=2) == 3
    assert [len(texts) for texts in embed.calls] == [2, 1]
    assert await mine.embeddings.fill(embed) == 0
    assert len(embed.calls) == 2
    assert await place.stored(mine) == dict.fromkeys(["a dog", "a tax", "the sea"], "toy")
    vector = await place.admin.fetchval(
        "SELECT embedding::text FROM x_message_embedding JOIN x_message m ON m.id = message_id"
        " WHERE content = 'a dog' AND m.user_id = $1",
        mine.user_id,
    )
    assert [float(part) for part in vector.strip("[]").split(",")] == vector_of("a dog")


async def test_a_limit_ends_it_and_the_next_call_goes_on(place: Place, mine: UserScope) -> None:
    await tell(mine, *(f"dog {number}" for number in range(7)))
    embed = Counting()
    assert await mine.embeddings.fill(embed, limit=3, batch=2) == 3
    assert [len(texts) for texts in embed.calls] == [2, 1]
    assert await mine.embeddings.fill(embed, limit=100) == 4
    assert len(await place.stored(mine)) == 7


async def test_what_changed_is_embedded_again(place: Place, mine: UserScope) -> None:
    changed, _ = await tell(mine, "a dog", "the sea")
    await mine.embeddings.fill(toy)
    # As any writer may: nothing of the row but its text tells.
    await place.admin.execute("UPDATE x_message SET content = 'a tax' WHERE id = $1", changed)
    embed = Counting()
    assert await mine.embeddings.fill(embed) == 1
    assert embed.calls == [["a tax"]]
    assert (await mine.search("levy", embed=toy, limit=1)).items[0].message_id == changed


async def test_another_model_embeds_all_anew_and_is_not_compared_with(
    place: Place, mine: UserScope
) -> None:
    await tell(mine, "a dog", "the sea")
    await mine.embeddings.fill(toy)
    async with Database(place.schema(OtherToySchema), place.url) as other:
        theirs = other.as_user(mine.user_id)
        assert (await theirs.search("puppy", embed=toy)).items == []
        assert await theirs.embeddings.fill(toy) == 2
        assert len((await theirs.search("puppy", embed=toy)).items) == 2
    assert set((await place.stored(mine)).values()) == {"another toy"}


async def test_trash_running_answers_and_blanks_are_left_out(place: Place, mine: UserScope) -> None:
    live, gone, running = await tell(mine, "a dog", "a hound", "a puppy")
    trashed, *_ = await tell(mine, "the sea", " \n\t")
    await mine.messages.delete(gone)
    await mine.chats.delete((await mine.messages.get(trashed)).chat_id)
    update = "UPDATE x_message SET status = $2 WHERE id = $1"
    await place.admin.execute(update, running, "streaming")
    assert await mine.embeddings.fill(toy) == 1
    await place.admin.execute(update, running, "complete")
    assert await mine.embeddings.fill(toy) == 1
    found = await mine.search("hound", embed=toy)
    assert {item.message_id for item in found.items} == {live, running}
    await mine.messages.restore(gone)
    assert await mine.embeddings.fill(toy) == 1


async def test_what_was_embedded_goes_with_its_message(place: Place, mine: UserScope) -> None:
    gone, trashed = await tell(mine, "a dog", "a puppy")
    await mine.embeddings.fill(toy)
    await mine.messages.delete(gone, hard=True)
    await mine.messages.delete(trashed)
    assert list(await place.stored(mine)) == ["a puppy"]  # it may come back
    assert (await mine.search("dog", embed=toy)).items == []
    await place.db.users.delete(mine.user_id)
    assert await place.stored(mine) == {}


async def test_what_changes_while_embed_runs_is_not_stored(place: Place, mine: UserScope) -> None:
    changed, gone, stays = await tell(mine, "a dog", "a tax", "the sea")

    async def slow(texts: list[str]) -> list[list[float]]:
        await place.admin.execute("UPDATE x_message SET content = 'a loaf' WHERE id = $1", changed)
        await mine.messages.delete(gone, hard=True)
        return await toy(texts)

    assert await mine.embeddings.fill(slow) == 1
    assert list(await place.stored(mine)) == ["the sea"]
    assert await mine.embeddings.fill(toy) == 1
    nearest = await mine.search("baker", embed=toy, limit=2)
    assert [item.message_id for item in nearest.items] == [changed, stays]


async def test_no_connection_is_held_while_embed_runs(place: Place, mine: UserScope) -> None:
    await tell(mine, "a dog", "a tax")
    async with Database(place.schema(), place.url, max_connections=1) as narrow:
        own = narrow.as_user(mine.user_id)

        async def asks(texts: list[str]) -> list[list[float]]:
            assert len((await own.chats.list()).items) == 1  # on the only connection
            return await toy(texts)

        assert await own.embeddings.fill(asks, batch=1) == 2
        assert len((await own.search("dog", embed=asks)).items) == 2


async def test_fills_beside_each_other_store_each_once(place: Place) -> None:
    scopes = [await place.user() for _ in range(2)]
    for scope in scopes:
        await tell(scope, *(f"dog {number}" for number in range(40)))
    fills = [scope.embeddings.fill(toy, batch=7) for scope in scopes * 2]
    stored = await asyncio.gather(*fills, place.db.embeddings.fill(toy, batch=9))
    assert sum(stored) >= 80
    for scope in scopes:
        assert len(await place.stored(scope)) == 40


async def test_trusted_code_embeds_everybodys_and_a_user_only_their_own(place: Place) -> None:
    one, other = await place.user(), await place.user()
    await tell(one, "a dog of one")
    await tell(other, "a dog of another")
    embed = Counting()
    assert await one.embeddings.fill(embed) == 1
    assert embed.calls == [["a dog of one"]]
    assert await place.stored(other) == {}
    await place.db.embeddings.fill(toy)
    assert len(await place.stored(other)) == 1
    (found,) = (await one.search("puppy", embed=toy)).items
    assert found.snippet == "a dog of one"


SECRET = "Zq7 private dog"


async def _fails(texts: list[str]) -> list[list[float]]:
    raise ValueError(texts)


BAD: dict[str, Any] = {
    "too few": lambda vectors: vectors[1:],
    "too many": lambda vectors: [*vectors, vectors[0]],
    "none": lambda vectors: None,
    "a short vector": lambda vectors: [[1.0], *vectors[1:]],
    "a long vector": lambda vectors: [[*vectors[0], 1.0], *vectors[1:]],
    "no vector": lambda vectors: [None, *vectors[1:]],
    "a number": lambda vectors: [1.0, *vectors[1:]],
    "words": lambda vectors: [["a", "b", "c", "d", "e"], *vectors[1:]],
    "too great a number": lambda vectors: [[10**400, 1, 1, 1, 1], *vectors[1:]],
    "NaN": lambda vectors: [[float("nan"), *vectors[0][1:]], *vectors[1:]],
    "infinity": lambda vectors: [[float("inf"), *vectors[0][1:]], *vectors[1:]],
    "zeros": lambda vectors: [[0.0] * 5, *vectors[1:]],
    "more than 32 bits hold": lambda vectors: [[1e300] * 5, *vectors[1:]],
}


@pytest.mark.parametrize("what", [*BAD, "an error", "no coroutine"])
async def test_what_embed_does_wrong_is_one_error_and_stores_nothing(
    place: Place, mine: UserScope, what: str
) -> None:
    async def bad(texts: list[str]) -> Any:
        return BAD[what](await toy(texts))

    embed: Any = {"an error": _fails, "no coroutine": lambda texts: [[1.0] * 5] * 2}.get(what, bad)
    await tell(mine, SECRET, f"{SECRET} too")
    with pytest.raises(EmbeddingError, match=r"\Aembed ") as caught:
        await mine.embeddings.fill(embed)
    assert "private" not in str(caught.value)
    assert caught.value.stored == 0
    assert await place.stored(mine) == {}
    with place.db.statements() as sent, pytest.raises(EmbeddingError) as searching:
        await mine.search("dog", embed=embed)
    assert not sent.names
    assert "dog" not in str(searching.value)
    assert await mine.embeddings.fill(toy) == 2


async def test_any_form_of_numbers_is_taken(place: Place, mine: UserScope) -> None:
    forms: Any = [(1, 2, 3, 4, 5), [1e-320, 1, 0, -1, 1e10], array("f", [0.5] * 5), iter([1.0] * 5)]

    async def gives(texts: list[str]) -> Any:
        return iter(forms[: len(texts)])

    await tell(mine, "a", "b", "c", "d")
    assert await mine.embeddings.fill(gives) == 4


async def test_what_was_stored_before_an_error_stays(place: Place, mine: UserScope) -> None:
    await tell(mine, *(f"dog {number}" for number in range(5)))
    calls = count()

    async def breaks(texts: list[str]) -> list[list[float]]:
        if next(calls) == 2:
            raise ConnectionError("the model is away")
        return await toy(texts)

    with pytest.raises(EmbeddingError, match="ConnectionError for 1 text") as caught:
        await mine.embeddings.fill(breaks, batch=2)
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert caught.value.stored == len(await place.stored(mine)) == 4
    assert await mine.embeddings.fill(toy) == 1


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("embed", {"embed": "a model"}),
        ("embed", {"embed": None}),
        *(("batch", {"batch": bad}) for bad in (0, -1, 1001, True, "7", 1.5, None)),
        *(("limit", {"limit": bad}) for bad in (0, -1, False, "7", 1.5)),
    ],
)
async def test_bad_arguments_are_refused_before_anything_is_sent(
    place: Place, mine: UserScope, field: str, options: dict[str, Any]
) -> None:
    with place.db.statements() as sent, pytest.raises(InvalidInputError) as caught:
        await mine.embeddings.fill(**{"embed": toy, **options})
    assert caught.value.field == field
    assert not sent.names


async def test_a_schema_without_embeddings_says_how_to_get_them() -> None:
    db = Database(deepsearch.schema("x_"), "postgresql://nobody@localhost/nothing")
    for call in (
        db.embeddings.fill(toy),
        db.as_user("u").embeddings.fill(toy),
        db.as_user("u").search("dog", embed=toy),
    ):
        with pytest.raises(ConfigError, match="pgvector") as caught:
            await call
        assert "deepsearch.embeddings(" in str(caught.value)


@pytest.mark.parametrize("bad", [0, -1, 2001, 1.5, True, "3"])
def test_dimensions_that_no_index_takes_are_refused(bad: Any) -> None:
    with pytest.raises(ConfigError, match="1 to 2000"):
        deepsearch.embeddings(bad, model="m")


@pytest.mark.parametrize("bad", ["", "m" * 256, None])
def test_a_model_has_a_name(bad: Any) -> None:
    with pytest.raises(ConfigError, match="255"):
        deepsearch.embeddings(3, model=bad)


@pytest.mark.needs("pg15")
async def test_a_server_without_pgvector_is_told_what_to_install(
    pg15: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    url = await fresh_database(pg15)()
    connection = await asyncpg.connect(url)
    has_it = await connection.fetchval(
        "SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"
    )
    await connection.close()
    assert not has_it, "this PostgreSQL 15 has pgvector: run the tests with one that has none"
    with pytest.raises(StatementError, match="pgvector"):
        await create_tables(ToySchema("x_"), url)
