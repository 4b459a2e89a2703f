"""How a fill walks: in windows, from a place, and on from where it was cut short.

On 18 alone: Debian's PostgreSQL 15 has no pgvector unless somebody installs it.
"""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from access.hybrid_toys import Counting, ToySchema, toy
from chatkeep import (
    Database,
    DatabaseTimeoutError,
    EmbeddingError,
    InvalidInputError,
    NewMessage,
    NewUser,
)
from chatkeep.access import fill_queries
from chatkeep.access.catalogue import catalogue_of
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from chatkeep.engine.compile import Statement
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

Reached = list[tuple[str, str] | None]


class Place:
    def __init__(self, schema: deepsearch.Schema, url: str, admin: asyncpg.Connection) -> None:
        self.schema, self.url, self.admin = schema, url, admin
        self.db = Database(schema, url)

    async def user(self, name: str, messages: int, text: str = "dog") -> UserScope:
        """Somebody with messages whose ids are in the order of their numbers."""
        user = await self.db.users.create(NewUser(id=name, email=f"{name}@example.com"))
        mine = self.db.as_user(user.id)
        chat = await mine.chats.create(title="Toys")
        told = [
            NewMessage(id=f"{name}_{number:04}", role="user", content=f"{text} {number}")
            for number in range(messages)
        ]
        await mine.messages.append(chat.id, *told)
        return mine

    async def stored(self) -> int:
        return await self.admin.fetchval("SELECT count(*) FROM x_message_embedding")


@pytest_asyncio.fixture(loop_scope="session", params=[None, "rls"])
async def place(
    request: pytest.FixtureRequest, pg18: PgServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """A database of its own, whose statements look at ten messages."""
    monkeypatch.setattr(fill_queries, "WINDOW", 10)
    databases = Databases(pg18)
    url = await databases()
    options: dict[str, Any] = {"security": "rls", "app_role": "walk_app"} if request.param else {}
    schema = ToySchema("x_", **options)
    await create_tables(schema, url)
    admin = await asyncpg.connect(url)
    place = Place(schema, url, admin)
    async with place.db:
        yield place
    await admin.close()
    await databases.drop()


async def names(place: Place, fill: Any) -> tuple[int, list[str]]:
    """What a fill stored, and the statements it sent."""
    with place.db.statements() as sent:
        stored = await fill
    return stored, [name.split(".")[1] for name in sent.names if name.startswith("embeddings.")]


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_no_statement_looks_at_more_than_a_window(place: Place, is_trusted: bool) -> None:
    mine = await place.user("ada", 35)
    await place.user("bob", 3)
    embeddings, windows = (place.db if is_trusted else mine).embeddings, 4
    await place.db.embeddings.fill(toy)
    # Nothing is outdated: the walk goes on all the same, to one that is empty.
    assert await names(place, embeddings.fill(toy)) == (0, ["outdated"] * (windows + 1))
    await place.admin.execute("UPDATE x_message SET content = 'a tax' WHERE id = 'ada_0034'")
    stored, sent = await names(place, embeddings.fill(toy))
    assert stored == 1
    assert sent == [*["outdated"] * windows, "unembedded", "store", "outdated"]


@pytest.mark.parametrize("place", [None], indirect=True)
async def test_a_window_is_read_along_the_index(place: Place) -> None:
    await place.user("ada", 1)
    await place.admin.execute(
        "INSERT INTO x_message (id, chat_id, user_id, role, content)"
        " SELECT 'ada_1' || n, chat_id, user_id, 'user', 'dog ' || n"
        " FROM x_message, generate_series(1000, 3999) n"
    )
    await place.db.embeddings.fill(toy, batch=1000)
    await place.admin.execute("VACUUM ANALYZE x_message, x_message_embedding")
    catalogue = catalogue_of(place.schema)
    for queries in (catalogue.embeddings, catalogue.scoped_embeddings):
        statement = queries.outdated.statement
        assert not statement.is_kept  # planned for its values alone
        scans = await looked_at(place.admin, statement)
        assert scans["x_message"]["Index Name"] == "x_message_user_id_id_unique", statement.sql
        assert scans["x_message"]["Actual Rows"] == 10
        assert scans["x_message"].get("Rows Removed by Filter", 0) == 0
        assert scans["x_message_embedding"]["Index Name"].endswith("_pk")
        assert scans["x_message_embedding"]["Actual Loops"] == 10


async def looked_at(connection: asyncpg.Connection, statement: Statement) -> dict[str, Any]:
    """How the statement reads each table, by the plan for these values."""
    values = {"user_id": "ada", "after_user_id": "ada", "after_message_id": "ada_12000"}
    known = {parameter.name for parameter in statement.parameters}
    arguments = statement.arguments({name: values[name] for name in values if name in known})
    given = ", ".join(f"'{argument}'" for argument in arguments)
    await connection.execute(f"PREPARE looks AS {statement.sql}")
    plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE looks({given})")
    await connection.execute("DEALLOCATE looks")
    return {node["Relation Name"]: node for node in nodes(json.loads(plan)[0]["Plan"])}


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of a plan that read tables."""
    below = [node for inner in plan.get("Plans", []) for node in nodes(inner)]
    return [plan, *below] if "Relation Name" in plan else below


async def test_long_texts_make_a_window_shorter(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill_queries, "WEIGHT", 100_000)
    mine = await place.user("ada", 4, text="dog " * 15_000)  # 60,000 bytes each
    embed = Counting()
    stored, sent = await names(place, mine.embeddings.fill(embed))
    assert stored == 4
    assert [len(texts) for texts in embed.calls] == [2, 2]
    assert sent.count("outdated") == 3


async def test_a_fill_cut_short_goes_on_from_its_place(place: Place) -> None:
    mine = await place.user("ada", 35)
    await place.user("bob", 3)
    await mine.embeddings.fill(toy, limit=25)
    reached: Reached = []

    async def breaks(texts: list[str]) -> list[list[float]]:
        raise ConnectionError("the model is away")

    with pytest.raises(EmbeddingError) as caught:
        await place.db.embeddings.fill(breaks, reached=reached.append)
    at = ("ada", "ada_0019")
    assert reached == [("ada", "ada_0009"), at]
    assert caught.value.__notes__ == [
        f"The fill had stored 0 embeddings; it goes on with after={at!r}."
    ]

    saved: Reached = []

    async def save(place: tuple[str, str] | None) -> None:
        saved.append(place)

    fill = place.db.embeddings.fill(toy, batch=4, after=at, reached=save)
    stored, sent = await names(place, fill)
    assert stored == 13
    assert sent.count("outdated") == 3  # not those before the place
    assert saved == [
        ("ada", "ada_0028"),
        ("ada", "ada_0029"),
        ("ada", "ada_0033"),
        ("bob", "bob_0002"),
        None,
    ]
    assert await place.stored() == 38


async def test_a_limit_stops_it_at_its_place(place: Place) -> None:
    mine = await place.user("ada", 25)
    places: Reached = [None]
    for left in (18, 11, 4):
        assert (
            await mine.embeddings.fill(toy, limit=7, after=places[-1], reached=places.append) == 7
        )
        assert places[-1] == ("ada", f"ada_{24 - left:04}")
    assert await mine.embeddings.fill(toy, limit=7, after=places[-1], reached=places.append) == 4
    assert places[-1] is None
    told = [each for each in places if each is not None]
    assert all(one < other for one, other in pairwise(told))


@pytest.mark.parametrize("place", [None], indirect=True)
async def test_a_timeout_tells_how_far_it_came(place: Place) -> None:
    mine = await place.user("ada", 35)
    holder = await asyncpg.connect(place.url)
    transaction = holder.transaction()
    await transaction.start()
    calls = 0

    async def held(texts: list[str]) -> list[list[float]]:
        nonlocal calls
        calls += 1
        if calls == 3:
            await holder.execute("LOCK TABLE x_message_embedding IN EXCLUSIVE MODE")
        return await toy(texts)

    async with Database(place.schema, place.url, statement_timeout=timedelta(seconds=2)) as hasty:
        with pytest.raises(DatabaseTimeoutError) as caught:
            await hasty.as_user(mine.user_id).embeddings.fill(held, batch=10)
    await transaction.rollback()
    await holder.close()
    at = ("ada", "ada_0019")
    assert caught.value.__notes__ == [
        f"The fill had stored 20 embeddings; it goes on with after={at!r}."
    ]
    assert await mine.embeddings.fill(toy, after=at) == 15


async def test_a_change_that_its_time_does_not_tell_is_noticed(place: Place) -> None:
    mine = await place.user("ada", 2)
    writer = await asyncpg.connect(place.url)
    async with writer.transaction():
        # Its time is that of its beginning, before the fill; it is seen after it.
        await writer.execute("SELECT now()")
        await mine.embeddings.fill(toy)
        await writer.execute(
            "UPDATE x_message SET content = 'a tax', updated_at = now() WHERE id = 'ada_0000'"
        )
    await writer.execute(
        "UPDATE x_message SET content = 'the sea', updated_at = '2001-01-01' WHERE id = 'ada_0001'"
    )
    await writer.close()
    embed = Counting()
    assert await mine.embeddings.fill(embed) == 2
    assert embed.calls == [["a tax", "the sea"]]


@pytest.mark.parametrize("place", [None], indirect=True)
async def test_bad_places_are_refused_before_anything_is_sent(place: Place) -> None:
    mine = await place.user("ada", 1)
    bad: Any
    with place.db.statements() as sent:
        for bad in ("ada", ("ada",), ("ada", 1), ("ada", "x", "y"), (None, "x"), 7, ("bob", "x")):
            with pytest.raises(InvalidInputError) as caught:
                await mine.embeddings.fill(toy, after=bad)
            assert caught.value.field == "after"
        with pytest.raises(InvalidInputError) as caught:
            await mine.embeddings.fill(toy, reached="a list")  # type: ignore[arg-type]
        assert caught.value.field == "reached"
    assert not sent.names
    with pytest.raises(InvalidInputError):
        await mine.embeddings.fill(toy, after=("ada", "\0"))
